"""Whether a process should be sent requests: what each of the things it depends on says, now and within a moment.

Who probes learns a word for each, and neither an address nor an error. What is not needed to answer members (the bus,
the outbox) is told, and keeps nobody from being ready: sent elsewhere, a request would find the same.
"""

from __future__ import annotations

import asyncio
import functools
import os
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from kikao.config import MEMORY, Settings
from kikao.sessions.keeper import Sessions
from kikao.sessions.store import SessionStore, StoreFull

if TYPE_CHECKING:
    from kikao.channels.smpp.binding import Binding

PATIENCE: Final = 1.0
"""Seconds each of them gets to answer."""

FRESH: Final = 1.0
"""Seconds for which an answer is told again: a flood of probes asks nobody."""

LEAST_FREE: Final = 16 * 1024 * 1024
"""Octets that must be free on the disk of the data folder: a SQLite store stops for good when there are none."""

BEHIND: Final = 300.0
"""Seconds that a message waits before the outbox is said to be behind."""

Asked = Callable[[], Awaitable[None]]
"""Raises where something is not well."""

Word = Literal["ok", "away", "slow", "behind", "full"]


class Bad(Exception):
    """What is asked answers, and is not well."""

    def __init__(self, word: Word) -> None:
        super().__init__(word)
        self.word: Word = word


Check = Callable[[], Awaitable[object]]
"""Raises when something is not well: `Bad`, or whatever comes of asking."""


class State(NamedTuple):
    """What was found."""

    ready: bool
    words: tuple[tuple[str, Word], ...]

    @property
    def text(self) -> str:
        """A line for each."""
        return "".join(f"{name}: {word}\n" for name, word in self.words)


class _Asked(NamedTuple):
    name: str
    check: Check
    needed: bool


class Readiness:
    """Asks all that was added, at the same time, and at most once in a while."""

    def __init__(
        self,
        *,
        patience: float = PATIENCE,
        fresh: float = FRESH,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience = patience
        self._fresh = fresh
        self._monotonic = monotonic
        self._asked: list[_Asked] = []
        self._asking: asyncio.Task[State] | None = None
        self._found: State | None = None
        self._until = 0.0

    def add(self, name: str, check: Check, *, needed: bool = True) -> None:
        """Ask this, too. Without what is `needed` nobody is ready."""
        self._asked.append(_Asked(name, check, needed))

    async def state(self) -> State:
        """What all of them say; as it was found a moment ago, if it was."""
        if self._found is not None and self._monotonic() < self._until:
            return self._found
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        # Whoever gives up waiting does not stop it for the others.
        return await asyncio.shield(self._asking)

    async def close(self) -> None:
        """Ask nobody any more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self) -> State:
        try:
            words = await asyncio.gather(*(self._word(each.check) for each in self._asked))
            ready = all(word == "ok" for each, word in zip(self._asked, words, strict=True) if each.needed)
            names = (each.name for each in self._asked)
            self._found = State(ready, tuple(zip(names, words, strict=True)))
            self._until = self._monotonic() + self._fresh
            return self._found
        finally:
            self._asking = None

    async def _word(self, check: Check) -> Word:
        try:
            async with asyncio.timeout(self._patience):
                await check()
        except Bad as bad:
            return bad.word
        except TimeoutError:
            return "slow"
        except Exception:  # noqa: BLE001 - whatever it is, it is not well, and its text is nobody's business here
            return "away"
        return "ok"


def depending(
    settings: Settings,
    sessions: Sessions,
    *,
    records: Asked | None,
    bus: Asked,
    outbox: Callable[[], Collection[int]] | None,
    links: Mapping[str, Binding],
    live: Asked | None = None,
) -> Readiness:
    """What has to be well for members to be answered, and what is told besides.

    `records` are None where there are none; `outbox` says which shards of it this process looks after, None where
    nothing is sent; `links` are connections to message centres; `live` is what processes know of live channels, None
    where there are none.
    """
    found, store, data = Readiness(), sessions.store, settings.data
    found.add("sessions", functools.partial(look_at_store, store, is_shared=settings.store.is_shared))
    if records is not None:
        found.add("records", records)
    if settings.bus != MEMORY:
        found.add("bus", bus, needed=False)
    if live is not None:
        found.add("live", live, needed=False)
    if outbox is not None:
        found.add("outbox", functools.partial(look_at_outbox, sessions, outbox), needed=False)
    for name, each in links.items():
        found.add(name, functools.partial(look_at_link, each), needed=False)
    on_disk = settings.store.kind == "sqlite" or (records is not None and settings.records.kind == "sqlite")
    if on_disk and data.is_dir():
        found.add("disk", functools.partial(asyncio.to_thread, look_at_disk, data))
    return found


async def look_at_store(store: SessionStore, *, is_shared: bool) -> None:
    """Raises `Bad` where the store takes no more, and what it raises where it is away.

    Of one on a server it is also asked whether that takes writes, with one that changes nothing: there is no such
    property.
    """
    await store.due(now=0.0, limit=1)
    if is_shared:
        try:
            await store.rebind("ready", b"no", b"no")
        except StoreFull:
            raise Bad("full") from None


async def look_at_outbox(sessions: Sessions, shards: Callable[[], Collection[int]]) -> None:
    """Raises `Bad` when messages that this process should send wait for long."""
    now = sessions.clock()
    for each in await sessions.store.backlog(shards=shards()):
        if each.oldest is not None and each.oldest < now - BEHIND:
            raise Bad("behind")


async def look_at_link(link: Binding) -> None:
    """Raises `Bad` where this process is to be bound, and is not."""
    if link.wanted and not link.bound:
        raise Bad("away")


def look_at_disk(data: Path) -> None:
    """Raises `Bad` where the disk is full, and `OSError` where it cannot be asked."""
    found = os.statvfs(data)
    if found.f_bavail * found.f_frsize < LEAST_FREE or found.f_flag & os.ST_RDONLY:
        raise Bad("full")
