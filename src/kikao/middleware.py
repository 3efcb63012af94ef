"""Middleware: one place to add behaviour around a turn, which can never take the turn itself apart.

    async def maintenance(turn: TurnContext, proceed: Proceed) -> Outcome | Message:
        if switches.closed(turn.gateway):
            return t("We are back at six. Your money is safe.")
        return await proceed()

    app = App(flows, entry="menu", middleware=[traces(), maintenance])

The first one is the outermost. Before `proceed()` it may answer in place of the turn: nothing is consumed then. After
it the reply stands as it was committed, and middleware only reads what became of the turn. The turn runs outside of the
task of its middleware, so that no error, time-out or cancellation in there reaches it.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextvars import Context, ContextVar, Token, copy_context
from functools import partial
from typing import Any, Final, Literal, TypeVar

import msgspec

from kikao.conversation.errors import Misuse
from kikao.conversation.screens import Screen
from kikao.conversation.suspension import told_to_stop
from kikao.events import (
    MiddlewareFailed,
    Publish,
    TurnCommitted,
    TurnDuplicated,
    TurnRejected,
    described,
)
from kikao.i18n.messages import Message, Text, unfit
from kikao.metrics.phases import PhaseWatcher

T = TypeVar("T")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a turn, to read only."""

    what: str
    """As in the event of the turn: asked, ended, failed …; `answered` where middleware did."""
    flow: str = ""
    at: str = ""
    """Journal key of the open question."""
    ms: float = 0.0
    """From the inbound to its reply, in milliseconds."""
    error: str = ""
    """The type of an error and where it was raised; never its text."""
    by: str = ""
    """The middleware that answered, or that failed before the turn."""

    committed: bool = False
    """Whether this turn was written: its reply is then what every redelivery gets."""


def outcome_of(done: TurnCommitted | TurnDuplicated | TurnRejected | None) -> Outcome:
    """What its event says of a turn; nothing is told of one that was limited."""
    if done is None:
        return Outcome(what="limited")
    if isinstance(done, TurnCommitted):
        return Outcome(
            what=done.what, flow=done.flow, at=done.at, ms=done.ms, error=done.error, committed=True
        )
    return Outcome(what=done.what, ms=done.ms, error=getattr(done, "error", ""))


class TurnContext:
    """What middleware may know of a turn: names of code, and whom it is for without saying who that is.

    Never what was typed: before the session is open nobody knows whether it is a secret.
    """

    __slots__ = ("_locale", "_remaining", "channel", "gateway", "happening", "member", "session", "watchers")

    def __init__(
        self,
        *,
        channel: str,
        gateway: str,
        happening: str,
        session: str,
        member: str,
        locale: Callable[[], Awaitable[str]],
        remaining: Callable[[], float],
    ) -> None:
        self.channel = channel
        self.gateway = gateway
        self.happening = happening
        """`new` for a dialogue that begins, `reply` for an answer."""
        self.session = session
        """First 12 hex digits of the key of the address: the same as in events, unless addresses are linked."""
        self.member = member
        """The address masked, as operators see it: `+25677****01`."""
        self.watchers: list[PhaseWatcher] = []
        self._locale = locale
        self._remaining = remaining

    async def locale(self) -> str:
        """The language that the member chose (BCP 47), empty if none or if records are away; asks the directory."""
        return await self._locale()

    def remaining(self) -> float:
        """Seconds that are left of the reply's budget."""
        return self._remaining()

    def watch(self, watcher: PhaseWatcher) -> None:
        """Tell `watcher` of the phases of this turn. What it raises is dropped."""
        self.watchers.append(watcher)


Proceed = Callable[[], Awaitable[Outcome]]
"""Goes on to the next middleware, or to the turn. To be awaited once; it never raises what those raise."""

Middleware = Callable[[TurnContext, Proceed], Awaitable[Outcome | Screen | Text | None]]
"""Around a turn. Returns the outcome of `proceed()` (or None, having awaited that), or else what the member reads."""


class Instead(msgspec.Struct, frozen=True):
    """There was no turn: what to tell the member, None for "unavailable, try again"."""

    outcome: Outcome
    screen: Screen | None = None


class Chain:
    """The middleware of an app, in order. Raises `ValueError` for what cannot be one."""

    def __init__(self, middleware: Sequence[Middleware], publish: Publish) -> None:
        self.middleware = tuple(middleware)
        self.names = names(self.middleware)
        self._publish = publish
        self._left: set[asyncio.Task[Outcome]] = set()
        """Those that were told to stop, until they have."""

    async def around(
        self,
        turn: TurnContext,
        core: Callable[[], Awaitable[tuple[T, Outcome]]],
        *,
        before: float,
        until: float,
    ) -> T | Instead:
        """A turn, with all middleware around it. What `core` raises is raised.

        `before` and `until` are event-loop times: the turn begins by the one, and all is over by the other.
        """
        loop = asyncio.get_running_loop()
        passage = Passage(self, turn)
        work = asyncio.create_task(passage.taken())
        try:
            with _by(loop, passage.wanted, before):
                asked = await passage.wanted
            if asked is None:
                passage.over = True
                if not work.done():
                    passage.failed(passage.at, TimeoutError())
                    return Instead(
                        Outcome(what="unavailable", error="TimeoutError", by=self.names[passage.at])
                    )
                return Instead(work.result(), passage.screen)
            with _context_of(asked):
                result, outcome = await core()
            passage.give(outcome)
            with _by(loop, passage.ended, until):
                await passage.ended
            if not work.done():
                passage.failed(passage.at, TimeoutError())
            return result
        finally:
            passage.over = True
            if not work.done():
                work.cancel()
                self._left.add(work)
                work.add_done_callback(self._left.discard)

    def failed(
        self, turn: TurnContext, name: str, when: Literal["before", "after"], error: BaseException
    ) -> None:
        """Publish what went wrong in a middleware."""
        self._publish(
            MiddlewareFailed(
                channel=turn.channel,
                gateway=turn.gateway,
                session=turn.session,
                name=name,
                when=when,
                error=described(error),
            )
        )


class Passage:
    """One turn on its way through the middleware."""

    def __init__(self, chain: Chain, turn: TurnContext) -> None:
        loop = asyncio.get_running_loop()
        self.wanted: asyncio.Future[Context | None] = loop.create_future()
        """Done once the turn is asked for, with the context that it is to run in: from then on its reply stands. None
        when nobody will ask for it, or nobody may any more."""
        self.ended: asyncio.Future[None] = loop.create_future()
        """Done when no middleware is at work any more, or none is waited for."""
        self.screen: Screen | None = None
        """What a middleware answered in place of the turn."""
        self.over = False
        self.at = 0
        """Which middleware is at work."""
        self._asked = False
        self._outcome: Outcome | None = None
        self._waiting: list[asyncio.Future[Outcome]] = []
        self._chain = chain
        self._turn = turn

    async def taken(self) -> Outcome:
        """All of it, as a task of its own."""
        try:
            return await self.level(0)
        finally:
            for future in (self.wanted, self.ended):
                if not future.done():
                    future.set_result(None)

    def give(self, outcome: Outcome) -> None:
        """The turn is done: tell who waits for it, also those that come later."""
        self._outcome = outcome
        for future in self._waiting:
            if not future.done():
                future.set_result(outcome)

    async def level(self, at: int) -> Outcome:
        """One middleware and all that is inside of it. Never raises, except to be cancelled."""
        if at == len(self._chain.middleware):
            return await self._turn_itself()
        inner: Outcome | None = None
        called = False

        async def proceed() -> Outcome:
            nonlocal inner, called
            if called:
                raise Misuse(
                    f"middleware {self._chain.names[at]} called proceed() twice: a turn is taken once"
                )
            if self.over:
                raise self._too_late(at)
            called = True
            inner = await self.level(at + 1)
            self.at = at
            return inner

        self.at = at
        answer: Outcome | Screen | Text | None = None
        error: BaseException | None = None
        try:
            answer = await self._chain.middleware[at](self._turn, proceed)
        except (Exception, asyncio.CancelledError) as problem:
            if told_to_stop(problem):
                raise
            error = problem
        else:
            error = self._wrong(at, answer, inner)
        if error is not None:
            self.failed(at, error)
        if self._asked:
            return await self._given()
        name = self._chain.names[at]
        if error is not None:
            self.screen = None
            return Outcome(what="unavailable", error=described(error), by=name)
        if isinstance(answer, str | Message):
            answer = Screen((answer,))
        if isinstance(answer, Screen):
            self.screen = answer
            return Outcome(what="answered", by=name)
        assert inner is not None
        return inner

    async def _turn_itself(self) -> Outcome:
        if self.wanted.done():
            raise self._too_late(self.at)
        self._asked = True
        self.wanted.set_result(copy_context())
        return await self._given()

    def _too_late(self, at: int) -> Misuse:
        return Misuse(f"middleware {self._chain.names[at]} called proceed() after its turn was over")

    async def _given(self) -> Outcome:
        """What became of the turn. Each who waits has a future of its own, which they may cancel."""
        if self._outcome is not None:
            return self._outcome
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return await future

    def failed(self, at: int, error: BaseException) -> None:
        """Publish what went wrong in one of them."""
        self._chain.failed(self._turn, self._chain.names[at], "after" if self._asked else "before", error)

    def _wrong(self, at: int, answer: object, inner: Outcome | None) -> Misuse | None:
        """What is wrong with what a middleware returned; None if nothing."""
        name, turned = self._chain.names[at], self._asked
        if answer is None or isinstance(answer, Outcome):
            if inner is not None or turned:
                return None
            return Misuse(f"middleware {name} neither awaited proceed() nor returned what to tell the member")
        if isinstance(answer, str | Message | Screen):
            if turned:
                return Misuse(
                    f"middleware {name} answered after proceed(): the reply stands as it was committed"
                )
            texts = answer.body if isinstance(answer, Screen) else (answer,)
            problem = unfit(*texts)
            return Misuse(f"what middleware {name} answered: {problem}") if problem else None
        return Misuse(
            f"middleware {name} returned a {type(answer).__name__}: it must return what proceed() gave, "
            "or a Screen or text for the member"
        )


def names(middleware: Sequence[Middleware]) -> tuple[str, ...]:
    """What to call each, in order, outermost first. Raises `ValueError` for what cannot be awaited or called."""
    found = []
    for place, one in enumerate(middleware, 1):
        bare: Any = one
        while isinstance(bare, partial):
            bare = bare.func
        call = bare if inspect.isroutine(bare) else getattr(type(bare), "__call__", None)  # noqa: B004
        if not inspect.iscoroutinefunction(call):
            raise ValueError(
                f"middleware {place} is {one!r}: it must be `async def name(turn: TurnContext, proceed: Proceed)`, "
                "or an object whose __call__ is that"
            )
        found.append(getattr(bare, "__name__", type(bare).__name__))
    return tuple(found)


@contextlib.contextmanager
def _by(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], when: float) -> Iterator[None]:
    """What is not done by then is done with None: whoever comes later is late."""

    def late() -> None:
        if not future.done():
            future.set_result(None)

    timer = loop.call_at(when, late)
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _context_of(context: Context) -> Iterator[None]:
    """What middleware set in context variables before the turn holds in the turn, as if that ran inside of it."""
    tokens: list[tuple[ContextVar[Any], Token[Any]]] = []
    for var, value in context.items():
        if var.get(_UNSET) is not value:
            tokens.append((var, var.set(value)))
    try:
        yield
    finally:
        for var, token in reversed(tokens):
            var.reset(token)


_UNSET: Final = object()
