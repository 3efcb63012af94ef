"""The bus: who hears of which event. A subscriber that fails or is slow harms nobody but itself.

    bus = Bus([LogLines()])
    bus.on("session.*", notice)
    bus(TurnCommitted(what="asked"))

A plain function is called at once and must be quick; an `async` one gets its events in order, through a queue of its
own (see `kikao.events.queues`). What nobody listens to need not even be made: ask `wants` first.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from kikao.events.described import described
from kikao.events.event import Event
from kikao.events.queues import Queued
from kikao.events.selecting import Selection, selected
from kikao.events.types import EVENTS, ErrorUncaught, EventsDropped

Subscriber: TypeAlias = Callable[[Any], Awaitable[None] | None]
"""A function of an event, plain or `async def`. One with an attribute `listens_to` says itself what it is for."""

Deliver: TypeAlias = Callable[[Any], object]

FAILURES: Final = (Exception, asyncio.CancelledError)
"""What a subscriber may raise. Nobody cancels a plain function: it only hands on that something of its own was."""

PER: Final = 60.0
"""Seconds in which what goes wrong with a subscriber is told once."""

BOUND: Final = 1000
"""Events that wait for an asynchronous subscriber; more are dropped."""

DRAIN: Final = 5.0
"""Seconds that asynchronous subscribers get at the end for what waits for them."""


class NotAsync(TypeError):
    """A plain function gave something to await, and nobody awaits it."""

    SAFE = True


class Bus:
    """Publishes events: call it with one. `subscribers` get all events, or those they say in `listens_to`.

    `clock` gives seconds that only grow. Raises `NoSuchEvent` for a name or pattern that means no event.
    """

    def __init__(
        self,
        subscribers: Iterable[Subscriber] = (),
        *,
        bound: int = BOUND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bound = bound
        self._clock = clock
        self._subscriptions: list[_Subscription] = []
        self._left: list[_Subscription] = []
        """Those that were taken back while events waited for them."""
        self._listeners: Mapping[type[Event], tuple[_Subscription, ...]] = {}
        for subscriber in subscribers:
            self.on(getattr(subscriber, "listens_to", "*"), subscriber)

    def on(self, what: Selection, subscriber: Subscriber) -> Callable[[], None]:
        """Have a function called with every event that is meant. What is returned takes that back.

        What waits for it by then still reaches it. Raises `NoSuchEvent`.
        """
        subscription = _Subscription(selected(what), subscriber, self, bound=self._bound, clock=self._clock)
        self._subscriptions.append(subscription)
        self._changed()

        def off() -> None:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)
                self._left = [each for each in (*self._left, subscription) if each.busy]
                self._changed()

        return off

    def wants(self, kind: type[Event]) -> bool:
        """Whether anybody listens to a type of event."""
        return kind in self._listeners

    def __call__(self, event: Event, *, besides: _Subscription | None = None) -> None:
        for subscription in self._listeners.get(type(event), ()):
            if subscription is not besides:
                try:
                    found = subscription.deliver(event)
                    if found is not None:
                        _refuse_awaitable(found)
                except FAILURES as error:  # what a subscriber does must not undo a turn
                    subscription.failed(error)

    @property
    def waiting(self) -> int:
        """Events that wait for asynchronous subscribers."""
        return sum(queue.waiting for queue in self._queues())

    async def drained(self) -> None:
        """Wait until no event waits for an asynchronous subscriber."""
        while queues := [queue for queue in self._queues() if queue.busy]:
            for queue in queues:
                await queue.drained(None)

    async def close(self, budget: float = DRAIN) -> None:
        """Give asynchronous subscribers `budget` seconds in all for what waits for them; what is left is dropped."""
        until = time.monotonic() + budget
        for queue in self._queues():
            await queue.close(max(0.0, until - time.monotonic()))
        for subscription in (*self._subscriptions, *self._left):
            subscription.tell_drops()

    def _queues(self) -> list[Queued]:
        return [each.queue for each in (*self._subscriptions, *self._left) if each.queue is not None]

    def _changed(self) -> None:
        found: dict[type[Event], tuple[_Subscription, ...]] = {}
        for kind in EVENTS:
            if hear := tuple(each for each in self._subscriptions if kind in each.kinds):
                found[kind] = hear
        self._listeners = found


class _Subscription:
    """One subscriber, and what went wrong with it since that was last told."""

    def __init__(
        self,
        kinds: frozenset[type[Event]],
        subscriber: Subscriber,
        publish: Bus,
        *,
        bound: int,
        clock: Callable[[], float],
    ) -> None:
        self.kinds = kinds
        self.name = _name_of(subscriber)
        self.queue: Queued | None = None
        if _is_async(subscriber):
            self.queue = Queued(subscriber, bound=bound, failed=self.failed, dropped=self.dropped)
        self.deliver: Deliver = subscriber if self.queue is None else self.queue.put
        self._publish = publish
        self._clock = clock
        self._failures, self._drops = 0, 0
        self._failures_told, self._drops_told = -PER, -PER

    @property
    def busy(self) -> bool:
        """Whether an event waits for it."""
        return self.queue is not None and self.queue.busy

    def failed(self, error: BaseException) -> None:
        """It raised something. The others are told, seldom enough for this to come to an end where those fail, too."""
        self._failures += 1
        now = self._clock()
        if now - self._failures_told >= PER:
            event = ErrorUncaught(
                where="subscriber", error=described(error), subscriber=self.name, times=self._failures
            )
            self._failures, self._failures_told = 0, now
            self._publish(event, besides=self)

    def dropped(self, count: int) -> None:
        """So many events did not reach it."""
        self._drops += count
        if self._clock() - self._drops_told >= PER:
            self.tell_drops()

    def tell_drops(self) -> None:
        """Tell of dropped events that were not told yet."""
        if self._drops:
            event = EventsDropped(subscriber=self.name, count=self._drops)
            self._drops, self._drops_told = 0, self._clock()
            self._publish(event, besides=self)


def _refuse_awaitable(found: object) -> None:
    """Raises `NotAsync` for what a plain function gave to be awaited."""
    if inspect.iscoroutine(found):
        found.close()
    if inspect.isawaitable(found):
        raise NotAsync("it returned something to await: subscribe an `async def` instead")


def _is_async(subscriber: Subscriber) -> bool:
    called = getattr(subscriber, "__call__", None)  # noqa: B004 - an object may have an `async def __call__`
    return inspect.iscoroutinefunction(subscriber) or inspect.iscoroutinefunction(called)


def _name_of(subscriber: Subscriber) -> str:
    """What code calls it: `shop.alarms.tell`."""
    subscriber = getattr(subscriber, "func", subscriber)  # of a partial
    named = subscriber if hasattr(subscriber, "__qualname__") else type(subscriber)
    return f"{getattr(named, '__module__', None) or 'builtins'}.{named.__qualname__}"[:200]
