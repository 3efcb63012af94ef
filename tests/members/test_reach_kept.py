"""What is known of addresses, in the records: what a turn pays for it, what several processes see, what goes when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from kikao.events import AddressesSwept, Event
from kikao.members import MemberAddress, No, OnlyTemplate, Reach, UnknownMember, Yes
from kikao.members import reach_kept as module
from kikao.members.directory import MIGRATIONS, VERSION_TABLE, Directory
from kikao.members.reach import DAY, Told
from kikao.members.reach_kept import COARSE, KEPT
from kikao.members.tables import REACH
from kikao.records import Records, RecordsAway
from kikao.testing import Clock
from tests.databases import ON_BOTH, records_of, rows
from tests.key_rings import K1, K2, ring
from tests.members.anchors import anywhere
from tests.members.directories import ASHA, BINTA, a_directory
from tests.members.test_rotation import Progress, Stopped, rekey
from tests.waiting import PATIENCE, until

T = TypeVar("T")

CHAT = ("telegram", "77001")
BOT = "telegram/bot-api"
CLOUD = "whatsapp/cloud-api"
SMS = "sms/africastalking"
WA = ("whatsapp", "256772000001", CLOUD)


class Watched(Records):
    """Records that count what is asked of them, and may be away."""

    def __init__(self, where: str | Path) -> None:
        super().__init__(where)
        self.reads = self.writes = 0
        self.away = False
        self.held = asyncio.Event()
        self.held.set()

    async def read(self, work: Callable[[Connection], T]) -> T:
        self.reads += 1
        await self._unless_away()
        return await super().read(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        self.writes += 1
        await self._unless_away()
        return await super().write(work)

    async def _unless_away(self) -> None:
        if self.away:
            raise RecordsAway("records: away")
        await self.held.wait()

    def trips(self) -> tuple[int, int]:
        """Reads and writes since the last look."""
        found, self.reads, self.writes = (self.reads, self.writes), 0, 0
        return found


@asynccontextmanager
async def watched(
    folder: Path, clock: Clock, *, patience: float = PATIENCE
) -> AsyncIterator[tuple[Directory, Watched]]:
    records = Watched(await records_of(folder, "data/records.db"))
    try:
        directory = Directory(records, ring(), clock=clock, patience=patience)
        await records.migrate(MIGRATIONS, VERSION_TABLE, upgrade=True)
        await directory.start()
        records.trips()
        yield directory, records
        await directory.close()
    finally:
        await records.close()


async def stored_at(folder: Path) -> list[float]:
    return [row["heard_at"] for row in await rows(folder, REACH)]


# --- what a turn pays ---


async def test_a_turn_pays_for_an_address_once_an_hour(tmp_path: Path) -> None:
    clock = Clock()
    async with watched(tmp_path, clock) as (directory, records):
        reach, began = directory.reach, clock.now
        await reach.heard(*CHAT, BOT, clock.now)
        assert records.trips() == (1, 1)
        for _ in range(5):
            clock.advance(COARSE / 6)
            await reach.heard(*CHAT, BOT, clock.now)
        assert records.trips() == (0, 0)
        assert await stored_at(tmp_path) == [began]
        assert (await reach.of(*CHAT, BOT)).heard_at == clock.now, "this process knows better"
        clock.advance(COARSE / 6)
        await reach.heard(*CHAT, BOT, clock.now)
        assert records.trips() == (2, 1)
        assert await stored_at(tmp_path) == [clock.now]


async def test_an_address_that_was_met_elsewhere_is_read_and_not_written(tmp_path: Path) -> None:
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as other, watched(tmp_path, clock) as (directory, records):
        await other.reach.heard(*CHAT, BOT, clock.now)
        clock.advance(60)
        await directory.reach.heard(*CHAT, BOT, clock.now)
        await directory.reach.heard(*CHAT, BOT, clock.now)
        assert records.trips() == (1, 0)


async def test_another_process_closes_the_window_an_hour_early_at_most(tmp_path: Path) -> None:
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as other, a_directory(tmp_path, clock=clock) as directory:
        await directory.reach.heard(*WA, clock.now)
        clock.advance(COARSE - 1)
        await directory.reach.heard(*WA, clock.now)
        clock.advance(DAY - COARSE)
        assert isinstance(await other.reach.may(*WA, "notice"), Yes)
        clock.advance(2)
        assert await other.reach.may(*WA, "notice") == OnlyTemplate()
        assert isinstance(await directory.reach.may(*WA, "notice"), Yes)


async def test_what_opens_a_window_that_is_stored_as_closed_is_stored_at_once(tmp_path: Path) -> None:
    clock = Clock()
    async with watched(tmp_path, clock) as (directory, records):
        began = clock.now
        await directory.reach.heard(*WA, began)
        clock.advance(DAY + 60)
        records.trips()
        await directory.reach.heard(*WA, began + 30)
        assert records.trips() == (0, 0), "it is closed either way"
        await directory.reach.heard(*WA, began + 120)  # less than an hour later, and delivered a day late
        assert records.trips() == (1, 1)
        async with a_directory(tmp_path, clock=clock) as other:
            assert await other.reach.may(*WA, "notice") == Yes(began + 120 + DAY)


async def test_what_takes_back_a_block_is_stored_at_once(tmp_path: Path) -> None:
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as other, watched(tmp_path, clock) as (directory, records):
        await directory.reach.heard(*CHAT, BOT, clock.now)
        await directory.reach.tell(*CHAT, BOT, "blocked", at=clock.now + 1)
        clock.advance(10)
        records.trips()
        await directory.reach.heard(*CHAT, BOT, clock.now)
        assert records.trips() == (1, 1)
        assert await other.reach.may(*CHAT, BOT, "notice") == Yes()


async def test_what_is_heard_at_one_moment_is_stored_together(tmp_path: Path) -> None:
    clock = Clock()
    async with watched(tmp_path, clock) as (directory, records):
        who = [("user", str(number), BOT) for number in range(9)]
        await asyncio.gather(*(directory.reach.heard(*each, clock.now) for each in who))
        assert records.trips() == (1, 1)
        assert len(await rows(tmp_path, REACH)) == 9
        records.held.clear()
        first = asyncio.create_task(directory.reach.heard("user", "first", BOT, clock.now))
        await until(lambda: records.reads == 1, "the first is at work")
        others = [
            asyncio.create_task(directory.reach.heard("user", f"x{n}", BOT, clock.now)) for n in range(4)
        ]
        await asyncio.sleep(0)
        records.held.set()
        await asyncio.gather(first, *others)
        assert records.trips() == (2, 2), "those that came while one was at work go together"


# --- several processes ---


async def test_a_block_that_another_process_was_told_of_holds_here_at_once(tmp_path: Path) -> None:
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as other, a_directory(tmp_path, clock=clock) as directory:
        await directory.reach.heard(*CHAT, BOT, clock.now)
        clock.advance(60)
        await other.reach.tell(*CHAT, BOT, "blocked", at=clock.now)
        assert await directory.reach.may(*CHAT, BOT, "notice") == No("blocked")


@ON_BOTH
async def test_what_was_heard_meanwhile_takes_back_a_block_within_a_minute(tmp_path: Path) -> None:
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as other, watched(tmp_path, clock) as (directory, records):
        events: list[Event] = []
        directory.reach.publish = events.append
        await directory.reach.heard(*CHAT, BOT, clock.now)
        await directory.reach.heard("user", "asha", BOT, clock.now)
        clock.advance(60)
        await other.reach.tell(*CHAT, BOT, "blocked", at=clock.now)
        clock.advance(60)
        records.trips()
        await directory.reach.heard(*CHAT, BOT, clock.now)
        await directory.reach.heard("user", "asha", BOT, clock.now)
        assert records.trips() == (0, 0)
        assert await other.reach.may(*CHAT, BOT, "notice") == No("blocked")
        assert await other.reach.may(*CHAT, BOT, "reply", heard_at=clock.now) == Yes(), (
            "it knows what it answers"
        )
        assert await directory.reach.once() == 1
        assert records.trips() == (1, 1)
        assert await other.reach.may(*CHAT, BOT, "notice") == Yes()
        assert len(events) == 1
        assert await directory.reach.once() == 0


@ON_BOTH
async def test_what_is_told_at_the_same_time_is_all_known(tmp_path: Path) -> None:
    clock = Clock()
    whats: tuple[Told, ...] = (
        "blocked",
        "gone",
        "stopped",
        "refuses_marketing",
        "started",
        "allows_marketing",
        "unblocked",
    )
    async with a_directory(tmp_path, clock=clock) as one, a_directory(tmp_path, clock=clock) as other:
        await asyncio.gather(
            *(
                each.reach.tell(*CHAT, BOT, what, at=clock.now - place)
                for place, what in enumerate(whats)
                for each in (one, other)
            )
        )
        known = Reach()
        for place, what in enumerate(whats):
            known = known.told(what, clock.now - place)
        assert await one.reach.of(*CHAT, BOT) == known
    assert len(await rows(tmp_path, REACH)) == 1


async def test_who_answers_at_once_asks_nobody_but_this_process(tmp_path: Path) -> None:
    clock = Clock()
    async with watched(tmp_path, clock) as (directory, records):
        reach, began = directory.reach, clock.now
        await reach.heard(*WA, began)
        records.trips()
        clock.advance(2)
        assert await reach.may(*WA, "reply", heard_at=began) == Yes(began + DAY)
        assert records.trips() == (0, 0)
        assert await reach.may(*WA, "notice", heard_at=began) == Yes(began + DAY)
        await reach.tell(*WA, "blocked", at=clock.now)
        assert await reach.may(*WA, "reply", heard_at=began) == No("blocked")
        clock.advance(60)
        await reach.heard(*WA, clock.now)
        records.trips()
        clock.advance(31)
        assert isinstance(await reach.may(*WA, "reply", heard_at=clock.now - 31), Yes)
        assert records.trips() == (1, 0), "it was a while ago"


# --- records that are away ---


async def test_what_could_not_be_stored_is_stored_later(tmp_path: Path) -> None:
    clock = Clock()
    async with watched(tmp_path, clock) as (directory, records):
        records.away = True
        with pytest.raises(RecordsAway):
            await directory.reach.heard(*CHAT, BOT, clock.now)
        with pytest.raises(RecordsAway):
            await directory.reach.once()
        with pytest.raises(RecordsAway):
            await directory.reach.may(*CHAT, BOT, "reply")
        records.away = False
        assert await directory.reach.once() == 1
        assert await stored_at(tmp_path) == [clock.now]


async def test_a_turn_does_not_wait_for_long(tmp_path: Path) -> None:
    clock = Clock()
    async with watched(tmp_path, clock, patience=0.01) as (directory, records):
        records.held.clear()
        with pytest.raises(RecordsAway, match="does not say what is known of an address"):
            await directory.reach.heard(*CHAT, BOT, clock.now)
        records.held.set()
        assert await directory.reach.once() == 1


async def test_it_goes_on_beside_the_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", 0.001)
    clock = Clock()
    async with watched(tmp_path, clock) as (directory, records):
        told: asyncio.Queue[Event] = asyncio.Queue()
        directory.reach.publish = told.put_nowait
        await directory.reach.heard(*CHAT, BOT, clock.now)
        running = asyncio.create_task(directory.reach.run())
        try:
            records.away = True
            await asyncio.sleep(0.01)
            records.away = False
            clock.advance(KEPT + 1)
            assert await asyncio.wait_for(told.get(), PATIENCE) == AddressesSwept(count=1)
        finally:
            running.cancel()


# --- the member's own word ---


async def test_a_member_opts_out_and_in_with_every_address_of_a_line(tmp_path: Path) -> None:
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as directory:
        asha = await directory.meet("msisdn", ASHA)
        await directory.link(asha.id, *CHAT, anchor=anywhere)
        await directory.link(asha.id, "telegram", "77002", anchor=anywhere)
        assert await directory.opt_out(asha.id, BOT) == 2
        assert await directory.reach.may(*CHAT, BOT, "marketing") == No("marketing_refused")
        assert await directory.reach.may("telegram", "77002", BOT, "marketing") == No("marketing_refused")
        assert await directory.reach.may("msisdn", ASHA, SMS, "marketing") == Yes()
        clock.advance(1)
        assert await directory.opt_in(asha.id, BOT) == 2
        assert await directory.reach.may(*CHAT, BOT, "marketing") == Yes()
        assert await directory.opt_in(asha.id, CLOUD) == 0
        with pytest.raises(UnknownMember):
            await directory.opt_in("0" * 32, BOT)
        with pytest.raises(ValueError, match="is no line"):
            await directory.opt_in(asha.id, "telegram")


# --- what goes ---


@ON_BOTH
async def test_only_what_keeps_nobody_from_writing_is_swept(tmp_path: Path) -> None:
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as directory:
        reach = directory.reach
        shut: dict[str, Told] = {"b": "blocked", "s": "stopped", "r": "refuses_marketing"}
        for identity, what in shut.items():
            await directory.meet("user", identity)
            await reach.tell("user", identity, SMS, what, at=clock.now)
        await reach.tell("user", "nobody has it", SMS, "gone", at=clock.now)
        await reach.heard("user", "o", SMS, clock.now)
        clock.advance(KEPT)
        await reach.heard("user", "new", SMS, clock.now)
        await reach.tell("user", "p", SMS, "paused", at=clock.now - KEPT, until=clock.now + 1)
        assert await reach.sweep() == 0
        clock.advance(1)
        assert await reach.sweep() == 2
        assert len(await rows(tmp_path, REACH)) == 5
        assert await reach.may("user", "b", SMS, "notice") == No("blocked")
        assert await reach.may("user", "s", SMS, "notice") == No("stopped")
        assert await reach.may("user", "r", SMS, "marketing") == No("marketing_refused")


@ON_BOTH
async def test_erasing_a_member_erases_what_is_known_of_their_addresses(tmp_path: Path) -> None:
    async def forget(numbers: tuple[str, ...]) -> None:
        pass

    async def end_sessions(addresses: tuple[MemberAddress, ...]) -> None:
        pass

    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as directory:
        asha = await directory.meet("msisdn", ASHA)
        await directory.link(asha.id, *CHAT, anchor=anywhere)
        await directory.reach.heard(*CHAT, BOT, clock.now)
        await directory.reach.tell("msisdn", ASHA, SMS, "stopped", at=clock.now)
        await directory.reach.tell("msisdn", BINTA, SMS, "stopped", at=clock.now)
        profile = await directory.show(ASHA)
        assert [(one.address.identity, one.line, one.reach.standing) for one in profile.reached] == [
            (ASHA, SMS, "stopped"),
            ("77001", BOT, "open"),
        ]
        assert (await directory.export(asha.id))["reach"] == [
            {
                "kind": "msisdn",
                "identity": ASHA,
                "line": SMS,
                "standing": "stopped",
                "stopped": {"at": "2025-06-15T15:06:40+00:00", "reason": ""},
            },
            {
                "kind": "telegram",
                "identity": "77001",
                "line": BOT,
                "standing": "open",
                "heard_at": "2025-06-15T15:06:40+00:00",
            },
        ]
        await directory.erase(asha.id, forget=forget, end_sessions=end_sessions)
        assert len(directory.reach) == 0
        assert (
            await directory.reach.of(*CHAT, BOT) == await directory.reach.of("msisdn", ASHA, SMS) == Reach()
        )
        assert await directory.reach.may("msisdn", BINTA, SMS, "notice") == No("stopped")
        with pytest.raises(UnknownMember):
            await directory.show(ASHA)


async def test_members_who_become_one_keep_what_is_known_of_each_address(tmp_path: Path) -> None:
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as directory:
        asha = await directory.meet("msisdn", ASHA)
        await directory.reach.tell("msisdn", ASHA, SMS, "stopped", at=clock.now)
        clock.advance(1)
        await directory.meet(*CHAT)
        await directory.reach.tell(*CHAT, BOT, "blocked", at=clock.now)
        assert await directory.link(asha.id, *CHAT, anchor=anywhere)
        assert [one.reach.standing for one in (await directory.show(asha.id)).reached] == [
            "stopped",
            "blocked",
        ]
        assert await directory.unlink(asha.id, *CHAT, anchor=anywhere)
        assert await directory.reach.may(*CHAT, BOT, "notice") == No("blocked"), "it is of the address"


async def test_nothing_of_an_address_is_stored_but_its_hash(tmp_path: Path) -> None:
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as directory:
        await directory.reach.tell("msisdn", ASHA, SMS, "blocked", reason="x", at=clock.now)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert ASHA.encode() not in stored
    assert b"africastalking" in stored


# --- another look-up key ---


@ON_BOTH
async def test_it_moves_to_another_look_up_key_with_the_addresses(tmp_path: Path) -> None:
    clock, both = Clock(), ring(k2=K2, k1=K1)
    async with a_directory(tmp_path, clock=clock) as directory:
        await directory.reach.tell("msisdn", ASHA, SMS, "stopped", at=clock.now)
        await directory.meet(*CHAT)
        await directory.reach.tell(*CHAT, BOT, "blocked", at=clock.now)
        await directory.reach.tell("user", "nobody has it", BOT, "gone", at=clock.now)
    await rekey(tmp_path, both, both, Progress())
    async with a_directory(tmp_path, both, clock=clock) as directory:
        assert await directory.reach.may("msisdn", ASHA, SMS, "notice") == No("stopped")
        assert await directory.reach.may(*CHAT, BOT, "notice") == No("blocked")
    assert {row["lookup_kid"] for row in await rows(tmp_path, REACH)} == {"k2"}
    assert len(await rows(tmp_path, REACH)) == 2


async def test_a_move_that_stopped_half_way_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kikao.members.rotation.BATCH", 2)
    clock, both = Clock(), ring(k2=K2, k1=K1)
    numbers = [f"+2567720000{number:02}" for number in range(5)]
    async with a_directory(tmp_path, clock=clock) as running:
        for number in numbers:
            await running.reach.tell("msisdn", number, SMS, "stopped", at=clock.now)
        with pytest.raises(Stopped):
            await rekey(tmp_path, both, both, Progress(stop_at=2))
        assert [row["lookup_kid"] for row in await rows(tmp_path, REACH)].count("k2") == 2

        refused = 0
        for number in numbers:
            try:
                assert await running.reach.may("msisdn", number, SMS, "notice") == No("stopped")
            except RecordsAway:
                refused += 1
        assert refused == 2, "what has moved is not taken for new"
        with pytest.raises(RecordsAway):
            await running.reach.tell("msisdn", numbers[0], SMS, "blocked", at=clock.now)
        with pytest.raises(RecordsAway):
            await running.reach.heard(*CHAT, BOT, clock.now)
        await rekey(tmp_path, both, both, Progress())
    async with a_directory(tmp_path, both, clock=clock) as directory:
        for number in numbers:
            assert await directory.reach.may("msisdn", number, SMS, "notice") == No("stopped")
    assert len(await rows(tmp_path, REACH)) == 5
