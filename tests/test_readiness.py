"""Readiness: a word for each dependency, in bounded time, however many ask, and no text of any error."""

from __future__ import annotations

import asyncio

import pytest

from kikao.readiness import FRESH, Bad, Readiness
from kikao.testing import Clock

pytestmark = pytest.mark.virtual_time


async def well() -> None:
    """Nothing is wrong."""


async def away() -> None:
    raise ConnectionError("redis://:hunter2@cache refused")


async def hangs() -> None:
    await asyncio.Event().wait()


async def full() -> None:
    raise Bad("full")


async def test_all_well() -> None:
    readiness = Readiness()
    readiness.add("sessions", well)
    readiness.add("bus", well, needed=False)
    assert await readiness.state() == (True, (("sessions", "ok"), ("bus", "ok")))


@pytest.mark.parametrize(("check", "word"), [(away, "away"), (hangs, "slow"), (full, "full")])
@pytest.mark.parametrize("needed", [True, False])
async def test_what_is_not_well_is_a_word_and_only_what_is_needed_counts(
    check: type, word: str, needed: bool
) -> None:
    readiness = Readiness(patience=0.01)
    readiness.add("records", check, needed=needed)
    readiness.add("sessions", well)
    state = await readiness.state()
    assert state.ready is not needed
    assert state.text == f"records: {word}\nsessions: ok\n"


async def test_a_flood_of_probes_asks_once_and_the_next_moment_again() -> None:
    clock, asked = Clock(), 0

    async def count() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)

    readiness = Readiness(monotonic=clock)
    readiness.add("sessions", count)
    await asyncio.gather(*(readiness.state() for _ in range(100)))
    await readiness.state()
    assert asked == 1
    clock.advance(FRESH)
    await readiness.state()
    assert asked == 2


async def test_who_gives_up_waiting_stops_nobody() -> None:
    readiness = Readiness(patience=0.05)
    readiness.add("sessions", hangs)
    impatient, patient = asyncio.create_task(readiness.state()), asyncio.create_task(readiness.state())
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).text == "sessions: slow\n"


async def test_closing_stops_what_is_asked() -> None:
    readiness = Readiness(patience=60.0)
    readiness.add("sessions", hangs)
    asking = asyncio.create_task(readiness.state())
    await asyncio.sleep(0)
    await readiness.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await Readiness().close()
