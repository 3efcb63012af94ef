"""What a flow meets when it is only replayed: a host that performs nothing, and services that are not asked.

Each end of what can be known is a `Halt`: the flow came to the open question, to an effect, to a look-up. They pass
the flow and the engine by as what no `except Exception` catches.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import enum
import inspect
import os
from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar

from kikao.conversation.answers import Answer
from kikao.conversation.chat import Chat
from kikao.conversation.data import SessionData
from kikao.conversation.effects import Settled, Work
from kikao.conversation.flows import Flow
from kikao.conversation.inputs import Reply
from kikao.conversation.journal import Run
from kikao.conversation.runner import Runner
from kikao.conversation.secrets import Secret
from kikao.conversation.suspension import Signal, here
from kikao.i18n.messages import Text

T = TypeVar("T")

TIME: Final = 2.0
"""Seconds one replay may wait for something of its own."""


class Halt(BaseException):
    """The replay is at its end, and the flow was not."""


class Arrived(Halt):
    """The answer that a member might give would be taken by the question that is open.

    `answer` is what that accepts today; None for a secret.
    """

    answer: Answer[Any] | None = None


class Performs(Halt):
    """An effect would be performed now, or asked about."""

    def __init__(self, works: Sequence[Work]) -> None:
        super().__init__()
        self.keys = tuple(work.intent.key for work in works)


class Looks(Halt):
    """Something would be looked up now: what comes then depends on the answer."""

    def __init__(self, what: str, place: str) -> None:
        super().__init__()
        self.what = what
        self.place = place


class _Looking(Signal):
    """Yielded in place of a look-up."""

    __slots__ = ("place", "what")

    def __init__(self, what: str, place: str) -> None:
        self.what = what
        self.place = place


class Host:
    """Performs nothing. `services` are those of the app by type; None where only a running app knows them."""

    def __init__(self, services: Mapping[Any, Any] | None, extra: Collection[Any], now: dt.datetime) -> None:
        self.now = now
        self.deadline = 0.0
        self.destinations: Collection[str] | None = None
        self.asked = ""
        """The service and method that was called outside of a look-up or an effect."""
        self._services = services
        self._extra = extra

    def begin(self) -> None:
        """Another replay."""
        self.deadline = asyncio.get_running_loop().time() + TIME
        self.asked = ""

    def new_run(self) -> tuple[str, bytes]:
        """As in a turn."""
        return os.urandom(16).hex(), os.urandom(32)

    def service(self, kind: Callable[..., T]) -> T:
        """A stand-in. Raises `LookupError` for a service that the app certainly does not have."""
        real = None
        if self._services is not None and kind not in self._extra:
            if kind not in self._services:
                have = ", ".join(getattr(key, "__name__", str(key)) for key in self._services) or "none"
                raise LookupError(f"the app has no service {_name(kind)}; it has {have}")
            real = self._services[kind]
        return StandIn(self, kind, real)  # type: ignore[return-value]

    async def intend(self, works: Sequence[Work]) -> NoReturn:
        """Raises `Performs`."""
        raise Performs(works)

    async def perform(self, works: Sequence[Work]) -> list[Settled | None]:
        """Raises `Performs`."""
        raise Performs(works)


class StandIn:
    """A service that is not asked. What its class or instance has as plain data can be read; calls are noticed."""

    def __init__(self, host: Host, kind: Any, real: Any) -> None:
        self.__host = host
        self.__kind = kind
        self.__real = real

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        for holder in (self.__real, self.__kind):
            found = None if holder is None else inspect.getattr_static(holder, name, None)
            if isinstance(found, _PLAIN):
                return found
        return _Method(self.__host, f"{_name(self.__kind)}.{name}")


class _Method:
    """A method of a service that is not asked; handing it to a step is no call."""

    def __init__(self, host: Host, name: str) -> None:
        self._host = host
        self._name = name

    def __call__(self, *args: object, **named: object) -> _Unknown:
        self._host.asked = self._host.asked or self._name
        return _Unknown(self._name)

    def __getattr__(self, name: str) -> _Method:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Method(self._host, f"{self._name}.{name}")


class _Unknown:
    """What a service would have answered. Whoever waits for it has come to the end of the replay."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield _Looking(self._name, ""))


class _Unsaid(Secret):
    """The text of an answer that nobody gave: whoever looks at it has come to the open question."""

    __slots__ = ("arrived",)

    def __init__(self) -> None:
        super().__init__("")
        self.arrived = False

    def reveal(self) -> str:
        self.arrived = True
        raise Arrived


class Watched(Chat):
    """The chat of a replay: what it would look up is not looked up."""

    __slots__ = ("coroutine",)

    coroutine: Coroutine[Any, Any, Any]

    def begin(self, flow: Flow) -> Coroutine[Any, Any, Any]:
        """As in a turn."""
        self.coroutine = super().begin(flow)
        return self.coroutine

    async def ask(
        self,
        name: str,
        answer: Answer[T],
        prompt: Text,
        *,
        validate: Callable[[T], Awaitable[None]] | None = None,
        invalid: Text | None = None,
        attempts: int | None = None,
        over: Text | None = None,
    ) -> T:
        """As in a turn."""
        try:
            return await super().ask(
                name, answer, prompt, validate=validate, invalid=invalid, attempts=attempts, over=over
            )
        except Arrived as end:
            end.answer = answer
            raise

    async def read(self, name: str, look: Callable[[], Any]) -> Any:
        """What is recorded. The session's own data are at hand; everything else lies elsewhere."""
        if getattr(look, "__module__", "") == SessionData.__module__:
            return await super().read(name, look)

        async def elsewhere() -> Any:
            return await _Looking(name, here(self.coroutine))

        return await super().read(name, elsewhere)


class Rehearsal(Runner):
    """The runner of a replay: stops where something would be looked up. Made as `Runner` is, with a `Host`."""

    chat_type: type[Chat] = Watched

    async def leg(self, run: Run, reply: Reply | None, *, settle: bool = False) -> Signal:
        """As in a turn. Raises `Halt`."""
        signal = await super().leg(run, reply, settle=settle)
        if isinstance(signal, _Looking):
            raise Looks(signal.what, signal.place)
        return signal


def reply() -> Reply:
    """An answer to whatever is open."""
    return Reply(_Unsaid())


def arrived(given: Reply | None) -> bool:
    """Whether the open question took it."""
    return given is not None and isinstance(given.text, _Unsaid) and given.text.arrived


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))


_PLAIN: Final = (str, int, float, bytes, tuple, frozenset, enum.Enum)
