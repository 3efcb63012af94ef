"""How a live store comes to its first connection, and what is said until then."""

from __future__ import annotations

import asyncio

import pytest

from kikao.live.stores.opening import Opening
from kikao.live.stores.store import LiveAway
from kikao.sessions.store import StoreRefused, StoreUnavailable
from tests.waiting import until

SERVER = "bus://here"


class Door:
    """Lets in whoever comes after `problems`."""

    def __init__(self, *problems: Exception) -> None:
        self.problems = list(problems)
        self.asked = 0

    async def connect(self) -> None:
        self.asked += 1
        if self.problems:
            raise self.problems.pop(0)


async def test_it_is_tried_until_it_stands_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    door = Door(StoreUnavailable("nobody there"), StoreRefused("not you"))
    opening = Opening(SERVER, door.connect)
    with pytest.raises(LiveAway, match="bus://here is not open"):
        opening.expect()
    await opening.begin()
    with pytest.raises(LiveAway, match="nobody there"):
        opening.expect()
    await opening.begin()
    await until(lambda: "answers now" in caplog.text, "the third try")
    opening.expect()
    assert [record.message.split(". ")[0] for record in caplog.records] == [
        "live sessions: nobody there",
        "live sessions: bus://here answers now",
    ]
    assert door.asked == 3


async def test_what_stands_at_once_is_not_worth_a_word(caplog: pytest.LogCaptureFixture) -> None:
    opening = Opening(SERVER, Door().connect)
    await opening.begin()
    opening.expect()
    assert caplog.text == ""


async def test_nobody_waits_for_a_server_that_says_nothing_and_it_ends() -> None:
    cancelled = asyncio.Event()

    async def connect() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    opening = Opening(SERVER, connect, patience=0.01)
    await opening.begin()
    with pytest.raises(LiveAway, match="is not open"):
        opening.expect()
    await opening.end()
    assert cancelled.is_set()
    await opening.end()


async def test_whoever_ended_may_begin_again() -> None:
    door = Door()
    opening = Opening(SERVER, door.connect)
    for times in (1, 2):
        await opening.begin()
        opening.expect()
        await opening.end()
        with pytest.raises(LiveAway, match="is not open"):
            opening.expect()
        assert door.asked == times
