"""Devices hear of what is stored, once it is, in order; and of what a process that died had stored."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kikao.notices.inbox import Inbox, telling
from kikao.notices.inbox.tables import INBOXES, NOTIFICATIONS
from kikao.notices.inbox.telling import GRACE
from kikao.testing import Clock
from tests.databases import ON_BOTH, its_records, rows
from tests.notices.inbox.inboxes import Devices, an_inbox
from tests.waiting import PATIENCE


def connected(inbox: Inbox) -> Devices:
    devices = Devices()
    inbox.connect(devices)
    return devices


@ON_BOTH
async def test_devices_hear_of_pushes_and_of_every_change_of_the_counts(tmp_path: Path) -> None:
    async with an_inbox(tmp_path) as inbox:
        devices = connected(inbox)
        one = await inbox.push("asha", "bill", {"n": 1})
        await inbox.push_many(["asha", "binta"], "news", {})
        assert devices.heard == [], "nobody waits for devices"
        await inbox.once()
        assert sorted(devices.take()) == [
            "asha notice bill",
            "asha notice news",
            "asha unread 2",
            "binta notice news",
            "binta unread 1",
        ]
        assert one is not None
        await inbox.mark_read("asha", [one.id])
        await inbox.mark_read("asha", [one.id])
        await inbox.once()
        assert devices.take() == ["asha unread 1"], "what changes nothing is not told"
        await inbox.once()
        assert devices.take() == []
        assert {row["state"] for row in await rows(tmp_path, NOTIFICATIONS)} == {"done"}
        assert {row["due_at"] for row in await rows(tmp_path, INBOXES)} == {None}


async def test_a_notice_says_what_a_page_says(tmp_path: Path) -> None:
    async with an_inbox(tmp_path) as inbox:
        devices = connected(inbox)
        one = await inbox.push("asha", "bill", {"n": 1})
        await inbox.once()
        assert one is not None
        unread = await inbox.unread("asha")
        assert devices.heard == [
            (
                "notices:asha",
                "notice",
                {"id": one.id, "kind": "bill", "payload": {"n": 1}, "at": one.at, "read": False},
            ),
            ("notices:asha", "unread", {"total": 1, "by_kind": {"bill": 1}, "version": unread.version}),
        ]


@ON_BOTH
async def test_what_a_dead_process_stored_is_told_by_another(tmp_path: Path) -> None:
    clock = Clock()
    async with an_inbox(tmp_path, clock=clock) as dead, an_inbox(tmp_path, clock=clock) as inbox:
        connected(dead)
        devices = connected(inbox)
        for n in range(3):
            await dead.push("asha", f"bill{n}", {})
        await inbox.once()
        assert devices.take() == [], "who stored it may be about to tell"
        clock.advance(GRACE)
        await inbox.once()
        assert devices.take() == [
            "asha notice bill0",
            "asha notice bill1",
            "asha notice bill2",
            "asha unread 3",
        ]
        await dead.mark_read("asha")
        clock.advance(GRACE)
        await inbox.once()
        assert devices.take() == ["asha unread 0"]
        await dead.once()
        await inbox.once()
        assert devices.take() == []


async def test_what_no_server_stored_is_told_at_the_next_look(tmp_path: Path) -> None:
    async with an_inbox(tmp_path) as script, an_inbox(tmp_path) as inbox:
        devices = connected(inbox)
        await script.push("asha", "bill", {})
        await inbox.once()
        assert devices.take() == ["asha notice bill", "asha unread 1"]


async def test_while_the_bus_is_away_nothing_is_lost(tmp_path: Path) -> None:
    clock = Clock()
    async with an_inbox(tmp_path, clock=clock) as inbox:
        devices = connected(inbox)
        devices.is_cut = True
        await inbox.push("asha", "bill", {})
        await inbox.once()
        await inbox.settled()
        clock.advance(GRACE)
        await inbox.once()
        devices.is_cut = False
        await inbox.once()
        assert devices.take() == [], "it is not asked all the time"
        clock.advance(GRACE)
        await inbox.once()
        assert devices.take() == ["asha notice bill", "asha unread 1"]


@ON_BOTH
async def test_two_processes_tell_what_is_left_once(tmp_path: Path) -> None:
    clock = Clock()
    async with an_inbox(tmp_path, clock=clock) as one, an_inbox(tmp_path, clock=clock) as two:
        for n in range(20):
            await one.push(f"user{n}", "bill", {})
        first, second = connected(one), connected(two)
        await asyncio.gather(one.once(), two.once())
        told = first.take() + second.take()
        assert len(told) == len(set(told)) == 40


async def test_an_app_without_live_sessions_writes_nothing_twice(tmp_path: Path) -> None:
    async with an_inbox(tmp_path, live=False) as inbox:
        inbox.connect(None)
        await inbox.push("asha", "bill", {})
        await inbox.mark_read("asha")
        assert [(row["state"], row["due_at"]) for row in await rows(tmp_path, NOTIFICATIONS)] == [
            ("done", None)
        ]
        assert [row["due_at"] for row in await rows(tmp_path, INBOXES)] == [None]
        await inbox.once()
        await inbox.settled()


async def test_it_runs_beside_the_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "EVERY", 3600.0)  # nobody waits for the next look
    async with an_inbox(tmp_path) as inbox:
        devices = connected(inbox)
        running = asyncio.create_task(inbox.run())
        async with asyncio.timeout(PATIENCE):
            for n in range(3):
                await inbox.push("asha", f"bill{n}", {})
                await inbox.settled()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert [each for each in devices.take() if "notice" in each] == [
            f"asha notice bill{n}" for n in range(3)
        ]


async def test_what_was_damaged_holds_up_nothing_else(tmp_path: Path) -> None:
    clock = Clock()
    async with an_inbox(tmp_path, clock=clock) as inbox:
        await inbox.push_many(["asha", "binta", "chidi"], "bill", {}, expires=60)
        async with its_records(tmp_path) as records:
            asha, binta = [row["id"] for row in await rows(tmp_path, INBOXES)][:2]
            damaged = INBOXES.update().where(INBOXES.c.id == asha).values(key=b"noise")
            body = NOTIFICATIONS.update().where(NOTIFICATIONS.c.inbox == binta).values(body=b"noise")
            await records.write(lambda connection: connection.execute(damaged).close())
            await records.write(lambda connection: connection.execute(body).close())
        devices = connected(inbox)
        await inbox.once()
        assert len([each for each in devices.take() if "notice" in each]) == 1
        clock.advance(60)
        assert await inbox.sweep() == 3
