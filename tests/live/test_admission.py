"""Who may come in, and how often: nobody takes the places of others, and nothing is loaded for who comes too often."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from kikao.events import RequestRefused
from kikao.live import Live, LiveLimits, User
from kikao.live.admission import TOO_OFTEN
from tests.live.hubs import AtWork, at_work


class Loads:
    """A directory that counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, user_id: str, claims: Mapping[str, Any]) -> User | None:
        self.asked.append(user_id)
        return User(user_id)


async def opened(work: AtWork, user: str) -> int:
    """The status; whoever comes in leaves again."""
    socket = work.socket(user)
    if (status := await socket.open()) == 101:
        await socket.leave()
    return status


async def test_who_comes_too_often_is_refused_before_anything_is_loaded_and_harms_nobody_else() -> None:
    users = Loads()
    live = Live(limits=LiveLimits(user_connects=2.0, user_burst=3, connects=5.0, waits=0.01))
    async with at_work(live, users=users) as work:
        assert [await opened(work, "ada") for _ in range(40)] == [101] * 3 + [429] * 37
        assert users.asked == ["ada"] * 3
        assert {event.reason for event in work.heard(RequestRefused)} == {TOO_OFTEN}
        assert [await opened(work, "bob") for _ in range(2)] == [101, 101]  # of five places three were taken
        work.time.passed += 0.4
        assert await opened(work, "ada") == 429
        work.time.passed += 0.1
        assert [await opened(work, "ada") for _ in range(2)] == [101, 429]
        work.time.passed += 60
        assert [await opened(work, "ada") for _ in range(4)] == [101] * 3 + [429]


async def test_who_has_too_many_sockets_and_who_has_no_token_is_not_counted() -> None:
    live = Live(limits=LiveLimits(sockets=1, user_connects=1.0, user_burst=2))
    async with at_work(live) as work:
        one = await work.open("ada")
        assert [await work.socket("ada").open() for _ in range(5)] == [429] * 5
        assert await work.socket("ada", token="none").open() == 403
        await one.leave()
        assert await opened(work, "ada") == 101


async def test_all_tabs_of_a_user_may_come_back_at_once() -> None:
    limits = LiveLimits()
    async with at_work(Live(limits=limits)) as work:
        for _ in range(2):  # and do it again at once
            tabs = [work.socket("ada") for _ in range(limits.sockets)]
            assert await asyncio.gather(*(tab.open() for tab in tabs)) == [101] * limits.sockets
            for tab in tabs:
                await tab.lose()


@pytest.mark.parametrize("name", ["user_connects", "user_burst", "heartbeat"])
def test_no_limit_is_nothing(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be more than 0"):
        LiveLimits(**{name: 0})
