"""The audit trail: what effects leave in the records, once, and nothing else."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import msgspec
import pytest

from kikao.audit.relay import AuditRelay
from kikao.audit.trail import AuditTrail
from kikao.channels.outbox import Delivered, Dispatcher, Letter, Rejected, TryLater
from kikao.conversation.facts import fact
from kikao.events import AnswerTaken, FlowFinished, StepDone, StepUnknown
from kikao.records import Records, RecordsRefused
from kikao.sessions import trail as left
from kikao.sessions.stores.memory import MemoryStore
from kikao.sessions.trail import TO, Trail, encode, told, worthy
from kikao.testing import Clock, ProcessDied
from tests.bank import PIN, Bank, fail
from tests.conversation.payments.sending import sending
from tests.databases import ON_BOTH, records_of
from tests.talk import Process, Talk

DONE = fact(StepDone, flow="send", at="pin#1", kind="secret", source="turn")


@asynccontextmanager
async def a_trail(folder: Path) -> AsyncIterator[AuditTrail]:
    records = Records(await records_of(folder, "records.db"))
    await records.migrate(*_tables(), upgrade=True)
    trail = AuditTrail(records)
    await trail.start()
    try:
        yield trail
    finally:
        await records.close()


def _tables() -> tuple[Path, str]:
    from kikao.audit.trail import MIGRATIONS, VERSION_TABLE

    return MIGRATIONS, VERSION_TABLE


def left_by(at: float, member: str = "m1") -> Trail:
    return Trail(at, "s1", member, "ussd", "plain", 3, told([DONE]))


def letter(number: int, trail: Trail) -> Letter:
    return Letter(number.to_bytes(16, "big"), TO, encode(trail), 1)


# --- what turns leave ---


def test_a_turn_without_an_effect_leaves_nothing() -> None:
    assert not worthy(
        [fact(AnswerTaken, flow="send", at="to#1"), fact(FlowFinished, flow="send", what="ended")]
    )
    assert worthy([DONE])


def test_a_service_does_not_get_its_own_words_into_the_trail() -> None:
    unknown = fact(StepUnknown, flow="f", at="s#1", kind="step", source="turn", tries=1, reason="Asha owes 5")
    ((event, fields),) = told([unknown, fact(AnswerTaken, flow="f", at="a#1")])
    assert (event, fields) == (
        "step.unknown",
        {"flow": "f", "at": "s#1", "kind": "step", "source": "turn", "tries": 1},
    )


def served() -> tuple[Talk, Process, Bank]:
    bank = Bank()
    process = Process(sending(), "send", MemoryStore(), Clock(), services={Bank: bank})
    process.sessions.audited = True
    return Talk(process), process, bank


async def sent(process: Process, trail: AuditTrail) -> list[str]:
    """What the trail has after everything that waited was sent."""
    relay = AuditRelay(trail, days=1, clock=process.clock)
    await Dispatcher(process.sessions, relay.destinations, process.publish).once()
    return [
        f"{row.event} {row.fields.get('at', '')}".strip() for row in reversed(await trail.latest(limit=99))
    ]


@ON_BOTH
async def test_a_payment_leaves_a_trail_with_its_turn(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        talk, process, _ = served()
        await process.open()
        await talk.dial()
        await talk.say("Ann", "700", "1")
        assert [message async for message in process.store.messages()] == [], "menus cost nothing"
        await talk.say("1111")
        process.clock.advance(1.0)
        await talk.say(PIN)
        assert await sent(process, trail) == ["step.refused pin#1", "step.done pin#1", "flow.finished"]
        (refused, *_) = reversed(await trail.latest(limit=99))
        assert refused.fields["code"] == "wrong_secret"
        everything = repr(await trail.latest(limit=99))
        assert not any(said in everything for said in ("Ann", "700", PIN, "1111", talk.number))
        assert await sent(process, trail) == ["step.refused pin#1", "step.done pin#1", "flow.finished"]


async def test_what_recovery_found_leaves_a_trail_and_what_was_rolled_back_leaves_none(
    tmp_path: Path,
) -> None:
    async with a_trail(tmp_path) as trail:
        talk, process, bank = served()
        await process.open()
        await talk.dial()
        await talk.say("Ann", "700", "1")
        bank.after = fail(ProcessDied())
        process.store.die_before = ("commit", process.store.calls["commit"] + 1)
        with pytest.raises(ProcessDied):
            await talk.say(PIN)
        process = await process.again()
        process.sessions.audited = True
        assert await sent(process, trail) == []
        process.clock.advance(60.0)
        await process.recovery.once()
        assert await sent(process, trail) == ["step.done pin#1"]
        (row,) = await trail.latest(limit=9)
        assert row.fields["source"] == "recovery"


# --- the relay ---


@ON_BOTH
async def test_what_is_brought_twice_is_written_once_and_together(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        relay = AuditRelay(trail, days=1)
        letters = [letter(number, left_by(number)) for number in range(40)]
        outcomes = await asyncio.gather(*[relay.send(each) for each in [*letters, *letters]])
        assert set(outcomes) == {Delivered()}
        assert [row.at for row in await trail.latest(limit=99)] == [float(at) for at in reversed(range(40))]
        assert await relay.send(Letter(b"x" * 16, TO, b"nonsense", 1)) == Rejected(
            "it is no trail of this version"
        )


@ON_BOTH
async def test_what_does_not_fit_into_the_records_holds_up_nothing_else(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        relay = AuditRelay(trail, days=1)
        huge = msgspec.structs.replace(left_by(3.0), release=2**63)
        letters = [letter(1, left_by(1.0)), letter(2, left_by(2.0)), letter(3, huge), letter(4, left_by(4.0))]
        outcomes = await asyncio.gather(*[relay.send(each) for each in letters])
        assert [isinstance(outcome, Delivered) for outcome in outcomes] == [True, True, False, True]
        assert isinstance(outcomes[2], TryLater)
        assert [row.at for row in await trail.latest(limit=9)] == [4.0, 2.0, 1.0]


async def test_while_the_records_are_away_it_is_brought_again(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        relay = AuditRelay(trail, days=1)
        with (
            closing(sqlite3.connect(tmp_path / "records.db")) as other,
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr("kikao.records.sqlite.BUSY_SECONDS", 0.05)
            async with a_trail_beside(tmp_path) as hasty:
                other.execute("BEGIN IMMEDIATE")
                away = await AuditRelay(hasty, days=1).send(letter(1, left_by(1.0)))
                assert away == TryLater("RecordsAway")
        assert await relay.send(letter(1, left_by(1.0))) == Delivered()
        assert len(await trail.latest(limit=9)) == 1


@asynccontextmanager
async def a_trail_beside(folder: Path) -> AsyncIterator[AuditTrail]:
    records = Records(folder / "records.db")
    yield AuditTrail(records)
    await records.close()


@ON_BOTH
async def test_it_is_looked_through_and_what_is_too_old_goes(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        days = [(number, left_by(86_400.0 * number, f"m{number % 2}")) for number in range(6)]
        await trail.add([(number.to_bytes(16, "big"), each) for number, each in days])
        assert len(await trail.latest(member="m1", limit=99)) == 3
        assert await trail.latest(session="other", limit=99) == []
        assert len(await trail.latest(event="step.done", session="s1", limit=4)) == 4
        relay = AuditRelay(trail, days=2, clock=lambda: 86_400.0 * 5)
        pruning = asyncio.create_task(relay.run())
        while len(await trail.latest(limit=99)) > 3:
            continue
        pruning.cancel()
        assert [row.at for row in await trail.latest(limit=99)] == [86_400.0 * 5, 86_400.0 * 4, 86_400.0 * 3]


async def test_who_only_reads_makes_no_table(tmp_path: Path) -> None:
    records = Records(tmp_path / "records.db")
    with pytest.raises(RecordsRefused, match="lacks an upgrade"):
        await AuditTrail(records).expect()
    await records.close()


def test_what_is_stored_is_read_by_later_versions() -> None:
    assert left.decode(encode(left_by(1.0))) == left_by(1.0)
