"""Who is away hears of it as the app says: what they did not read, once for each, whoever dies on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kikao.notices.inbox import Inbox, Notification, Notifications, handing
from kikao.notices.inbox.handing import GIVE_UP, LEASE
from kikao.notices.inbox.tables import NOTIFICATIONS
from kikao.notices.inbox.telling import GRACE
from kikao.testing import Clock
from tests.databases import ON_BOTH, rows
from tests.notices.inbox.inboxes import Devices, an_inbox
from tests.waiting import PATIENCE

CLEAR = 95.0
"""Seconds after which a lost connection is known to be lost."""


class Texts:
    """What the app sent to who was away; it may fail, or do something first."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.fails = 0
        self.first = asyncio.Event()
        self.first.set()
        self.called = asyncio.Event()

    async def __call__(self, user_id: str, one: Notification) -> None:
        self.called.set()
        await self.first.wait()
        if self.fails:
            self.fails -= 1
            raise ConnectionError("the SMS centre says: +256772000001 is off")
        self.sent.append(f"{user_id} {one.kind}")


@asynccontextmanager
async def a_process(
    folder: Path, texts: Texts, clock: Clock, devices: Devices | None
) -> AsyncIterator[Inbox]:
    """A process of an app that texts who is away."""
    async with an_inbox(
        folder, Notifications(away=texts), clock=clock, live=devices is not None, clear=CLEAR
    ) as inbox:
        inbox.connect(devices)
        yield inbox


async def states(folder: Path) -> list[str]:
    return [row["state"] for row in await rows(folder, NOTIFICATIONS)]


@ON_BOTH
async def test_who_is_away_is_texted_once(tmp_path: Path) -> None:
    texts, clock, devices = Texts(), Clock(), Devices()
    async with a_process(tmp_path, texts, clock, devices) as inbox:
        await inbox.push("asha", "bill", {})
        await inbox.once()
        assert texts.sent == ["asha bill"]
        assert devices.take() == ["asha notice bill", "asha unread 1"]
        clock.advance(3600)
        await inbox.once()
        assert texts.sent == ["asha bill"]
        assert (await inbox.unread("asha")).total == 1, "they find it when they come"


async def test_who_is_there_is_not(tmp_path: Path) -> None:
    texts, clock, devices = Texts(), Clock(), Devices()
    devices.connected = {"asha"}
    async with a_process(tmp_path, texts, clock, devices) as inbox:
        await inbox.push("asha", "bill", {})
        await inbox.once()
        clock.advance(CLEAR)
        await inbox.once()
        assert await states(tmp_path) == ["done"]
        devices.connected.clear()
        clock.advance(3600)
        await inbox.once()
        assert texts.sent == []


async def test_who_had_lost_the_connection_is_texted_when_that_is_clear(tmp_path: Path) -> None:
    texts, clock, devices = Texts(), Clock(), Devices()
    devices.connected = {"asha"}
    async with a_process(tmp_path, texts, clock, devices) as inbox:
        await inbox.push("asha", "bill", {})
        await inbox.once()
        devices.connected.clear()
        clock.advance(CLEAR - 1)
        await inbox.once()
        assert texts.sent == []
        clock.advance(1)
        await inbox.once()
        assert texts.sent == ["asha bill"]


@ON_BOTH
async def test_what_was_read_or_has_expired_is_not_handed_over(tmp_path: Path) -> None:
    texts, clock, devices = Texts(), Clock(), Devices()
    devices.connected = {"asha"}
    async with a_process(tmp_path, texts, clock, devices) as inbox:
        await inbox.push("asha", "bill", {})
        await inbox.push("asha", "code", {}, expires=60)
        await inbox.once()
        devices.connected.clear()
        await inbox.mark_read("asha", kinds=["bill"])
        clock.advance(CLEAR)
        await inbox.once()
        assert texts.sent == []
        await inbox.sweep()
        assert await states(tmp_path) == ["done"], "and what has expired is gone"


async def test_what_is_read_before_it_is_told_is_told_and_not_handed_over(tmp_path: Path) -> None:
    texts, clock, devices = Texts(), Clock(), Devices()
    async with a_process(tmp_path, texts, clock, devices) as inbox:
        await inbox.push("asha", "bill", {})
        await inbox.mark_read("asha")
        await inbox.once()
        assert devices.take() == ["asha notice bill", "asha unread 0"]
        assert (texts.sent, await states(tmp_path)) == ([], ["done"])


async def test_an_app_without_live_sessions_texts_everybody(tmp_path: Path) -> None:
    texts = Texts()
    async with a_process(tmp_path, texts, Clock(), None) as inbox:
        await inbox.push_many([f"user{n}" for n in range(50)], "bill", {})
        await inbox.once()
        assert sorted(texts.sent) == sorted(f"user{n} bill" for n in range(50))


async def test_a_hook_that_fails_is_called_again_and_given_up_after_a_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    texts, clock = Texts(), Clock()
    async with a_process(tmp_path, texts, clock, None) as inbox:
        texts.fails = 3
        await inbox.push("asha", "bill", {})
        for wait in (0, 2, 4, 8):
            clock.advance(wait - 1 if wait else 0)
            await inbox.once()
            if wait:
                assert texts.sent == []
                clock.advance(1)
                await inbox.once()
        assert texts.sent == ["asha bill"]
        texts.fails = 10_000
        await inbox.push("asha", "news", {})
        for _ in range(8):
            clock.advance(GIVE_UP / 4)
            await inbox.once()
        assert texts.fails == 10_000 - 4
        assert await states(tmp_path) == ["done", "done"]
    assert "is given up: ConnectionError" in caplog.text
    assert "+256" not in caplog.text


@ON_BOTH
async def test_a_process_that_dies_loses_nothing(tmp_path: Path) -> None:
    texts, clock, devices = Texts(), Clock(), Devices()
    async with (
        a_process(tmp_path, texts, clock, devices) as dead,
        a_process(tmp_path, texts, clock, devices) as inbox,
    ):
        await dead.push("asha", "bill", {})  # and dies before it tells
        clock.advance(GRACE)
        await inbox.once()
        assert texts.sent == ["asha bill"]

        texts.first.clear()
        texts.called.clear()
        await dead.push("asha", "news", {})
        running = asyncio.create_task(dead.run())
        async with asyncio.timeout(PATIENCE):
            await texts.called.wait()
        running.cancel()  # and dies while it texts
        await asyncio.gather(running, return_exceptions=True)
        clock.advance(LEASE - 1)
        await inbox.once()
        texts.first.set()
        clock.advance(1)
        await inbox.once()
        assert texts.sent == ["asha bill", "asha news"]


@ON_BOTH
async def test_two_processes_hand_over_once(tmp_path: Path) -> None:
    texts, clock = Texts(), Clock()
    async with a_process(tmp_path, texts, clock, None) as one, a_process(tmp_path, texts, clock, None) as two:
        for n in range(30):
            await one.push(f"user{n}", "bill", {})
        await asyncio.gather(one.once(), two.once())
        assert sorted(texts.sent) == sorted(f"user{n} bill" for n in range(30))


async def test_while_nobody_knows_who_is_there_it_waits(tmp_path: Path) -> None:
    texts, clock, devices = Texts(), Clock(), Devices()
    async with a_process(tmp_path, texts, clock, devices) as inbox:
        await inbox.push("asha", "bill", {})
        devices.is_cut = True
        await inbox.once()
        devices.is_cut = False
        clock.advance(GRACE)
        devices.session_exists = unsure  # type: ignore[method-assign]
        await inbox.once()
        assert texts.sent == []
        del devices.session_exists
        clock.advance(GRACE)
        await inbox.once()
        assert texts.sent == ["asha bill"]


async def unsure(user_id: str) -> bool:
    raise ConnectionError


async def test_a_hook_that_takes_too_long_is_cut_short(tmp_path: Path) -> None:
    texts, clock = Texts(), Clock()
    texts.first.clear()
    async with a_process(tmp_path, texts, clock, None) as inbox:
        inbox.connect(None, patience=0.01)
        await inbox.push("asha", "bill", {})
        await inbox.once()
        assert texts.sent == []
        inbox.connect(None, patience=PATIENCE)
        texts.first.set()
        clock.advance(2)
        await inbox.once()
        assert texts.sent == ["asha bill"]


async def test_it_runs_beside_the_turns_and_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing, "EVERY", 3600.0)  # nobody waits for the next look
    texts, devices = Texts(), Devices()
    async with a_process(tmp_path, texts, Clock(), devices) as inbox:
        running = asyncio.create_task(inbox.run())
        await inbox.push("asha", "bill", {})
        async with asyncio.timeout(PATIENCE):
            await texts.called.wait()
        texts.first.clear()
        texts.called.clear()
        await inbox.push("asha", "news", {})
        async with asyncio.timeout(PATIENCE):
            await texts.called.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert texts.sent == ["asha bill"]
