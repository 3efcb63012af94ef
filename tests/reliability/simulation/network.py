"""What lies between the workers and what they talk to: requests and answers take time, get lost, and overtake others.

A request that left arrives, whatever becomes of who sent it, unless it is lost on the way. Who asks waits for so long
and then only knows that nobody answered.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final

from kikao.testing import ProcessDied

if TYPE_CHECKING:
    from tests.reliability.simulation.worker import Life
    from tests.reliability.simulation.world import World

PATIENCE: Final = 2.0
"""Seconds until a client of the store gives up on an answer."""

LATE: Final = (2.5, 6.0, 18.0)
"""Seconds that a slow request, or a slow answer, takes."""

QUICK: Final = 0.004
"""Seconds that others take at most."""

Run = Callable[[], Coroutine[Any, Any, Any]]


class Nobody(Exception):
    """No answer came in time: what was asked for may have happened, or may yet happen."""


class Refused(Exception):
    """The request was not taken: what was asked for never happens."""


class Network:
    """Carries requests. What goes wrong is drawn from the schedule, and counted by its name."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._outside = Context()

    async def ask(self, life: Life, what: str, run: Run) -> Any:
        """Have `run` done at the store's. Raises `Nobody`, `Refused`, and what `run` raises."""
        weather = self._world.weather
        limits = (weather.refused, weather.lost, weather.silent, weather.slow)
        return await self._ask(life, what, run, limits, PATIENCE)

    async def call(self, life: Life, what: str, run: Run) -> Any:
        """Have `run` done at the bank's."""
        weather = self._world.weather
        limits = (weather.bank_lost / 2, weather.bank_lost / 2, weather.bank_silent, weather.bank_slow)
        return await self._ask(life, f"bank {what}", run, limits, self._world.bank_patience)

    async def _ask(
        self, life: Life, what: str, run: Run, limits: tuple[float, float, float, float], patience: float
    ) -> Any:
        world, loop = self._world, self._world.loop
        if loop.ghosts or life.dead:
            raise ProcessDied
        there, back = world.delays.get(what) or self._fate(what, limits)
        if world.silenced.get(what):
            world.silenced[what] -= 1
            back = math.inf
        world.changes += 1
        if there < 0:
            raise Refused(what)
        future: asyncio.Future[Any] = loop.create_future()
        if there + back > patience:
            loop.call_later(patience, _give_up, future, what)

        life.in_flight += 1

        def arrived() -> None:
            life.in_flight -= 1
            world.changes += 1
            if life.dead and life.takes_along(what):
                world.note(what, "dies with its sender")
                return
            result: Any = None
            error: BaseException | None = None
            coro = run()
            try:
                coro.send(None)
            except StopIteration as stop:
                result = stop.value
            except Exception as problem:
                error = problem
            else:
                raise AssertionError(f"{what} waits for something at the store's")
            if back < math.inf:
                loop.call_later(back, _answer, future, result, error, context=self._outside)

        if there < math.inf:
            loop.call_later(there, arrived, context=self._outside)
        result = await future
        if loop.ghosts:
            raise ProcessDied
        return result

    def _fate(self, what: str, limits: tuple[float, float, float, float]) -> tuple[float, float]:
        """Seconds there and back; less than 0 is refused, infinity is lost."""
        world = self._world
        chance = world.chance.random
        there, back = chance() * QUICK, chance() * QUICK
        if world.calm:
            return there, back
        refused, lost, silent, slow = limits
        drawn = chance()
        if drawn < refused:
            world.trouble(what, "refused")
            return -1.0, 0.0
        drawn -= refused
        if drawn < lost:
            world.trouble(what, "request lost")
            return math.inf, back
        drawn -= lost
        if drawn < silent:
            world.trouble(what, "answer lost")
            return there, math.inf
        drawn -= silent
        if drawn < slow:
            # None is under way for longer than a session lives: it would bring back one that was swept.
            seconds = min(world.chance.choice(LATE), world.weather.idle / 2)
            overtaken = world.bank.keeps_refusals or not what.startswith("bank")
            if drawn < slow / 2 and overtaken:
                world.trouble(what, "request slow")
                return seconds, back
            world.trouble(what, "answer slow")
            return there, seconds
        return there, back


def _give_up(future: asyncio.Future[Any], what: str) -> None:
    if not future.done():
        future.set_exception(Nobody(what))


def _answer(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
