"""A line's provider, as far as files go: where it says they lie, and what it calls those that were uploaded to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Protocol

import msgspec

from kikao.channels.calling import Answer, Call, Make, Unanswered, seconds_of
from kikao.channels.media.checking import Checked, Take
from kikao.channels.media.errors import Answered, NotAnswered, NotAsAnnounced
from kikao.channels.media.remote import Located, Remote

KEPT: Final = 10_000
"""Names of uploaded files that a process remembers, of one line."""


class Provider(Protocol):
    """Knows where files of members lie."""

    async def locate(self, remote: Remote) -> Located:
        """Ask where a file lies. Raises `NotFetched`."""
        ...


class Uploaded:
    """What a provider calls files that were sent to it, so that one picture for a thousand members is uploaded once.

    It is in this process alone: another one uploads once more, and so does this one when it starts again. What the
    provider forgets before its time is uploaded again; see `forget`.
    """

    def __init__(self, lifetime: float, clock: Callable[[], float]) -> None:
        """`lifetime`, in seconds, is how long the provider keeps them; `clock` gives seconds since the epoch."""
        self._lifetime = lifetime
        self._clock = clock
        self._names: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}
        """Of files that somebody uploads or waits for, with how many they are."""

    def name(self, key: str) -> str:
        """What the provider calls a file; empty where it does not have it, or not for long enough."""
        name, until = self._names.get(key, ("", 0.0))
        return name if until > self._clock() else ""

    def remember(self, key: str, name: str) -> None:
        """The provider has it now, under this name."""
        self._names[key] = name, self._clock() + self._lifetime
        self._names.move_to_end(key)
        if len(self._names) > KEPT:
            self._names.popitem(last=False)

    def forget(self, key: str) -> None:
        """The provider does not know it any more."""
        self._names.pop(key, None)

    @contextlib.asynccontextmanager
    async def one_at_a_time(self, key: str) -> AsyncIterator[None]:
        """While nobody knows the name of a file, one uploads it and the others wait."""
        if self.name(key):
            yield
            return
        lock, others = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = lock, others + 1
        try:
            async with lock:
                yield
        finally:
            _, left = self._locks.pop(key)
            if left > 1:
                self._locks[key] = lock, left - 1


class Through:
    """Fetches with what makes the calls of a line, as in a test where an emulator is in the same process."""

    def __init__(self, make: Make) -> None:
        self._make = make

    async def __call__(self, located: Located, take: Take, *, most: int, within: float) -> None:
        """See `Fetch`."""
        answer = await asked(self._make, Call(located.url, located.headers, b"", "GET"), within=within)
        checked = Checked(located, take, most)
        await checked(answer.body)
        checked.end()


async def asked(make: Make, call: Call, *, within: float) -> Answer:
    """A good answer to a call about a file. Raises `NotFetched` for any other, and for none in so many seconds."""
    try:
        async with asyncio.timeout(within):
            answer = await make(call)
    except Unanswered as error:
        raise NotAnswered(str(error)) from None
    except TimeoutError:
        raise NotAnswered("no answer in time") from None
    if answer.status != 200:
        raise Answered(answer.status, after=seconds_of(answer.header("retry-after"), 0.0))
    return answer


def said(answer: Answer, kind: type[Any]) -> Any:
    """What a good answer says, of a kind. Raises `NotAsAnnounced`, which repeats nothing of it."""
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotAsAnnounced("the provider's answer about it cannot be read") from None
