"""A store gets another look-up key: nobody is lost, and what comes again is recognised."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kikao.records import Records
from kikao.sessions.anchors import Anchors
from kikao.sessions.keeper import Held
from kikao.sessions.ledger import Ledger, LedgeredStore
from kikao.sessions.policy import SessionPolicy, session_key
from kikao.sessions.store import Claim, Replacement, SessionStore, StoreRefused, Write
from kikao.sessions.stores import MemoryStore, SQLiteStore
from kikao.testing import ProcessDied
from tests.bank import PIN, Bank, fail
from tests.conversation.payments.sending import sending
from tests.sessions.office import Office, ring, total
from tests.talk import whats

HOUR = 3600.0
"""Seconds that a message may come again at the gateway of these tests."""

HOME, WORK = "+256772000001", "+256752000002"


class LedgeredAnew(LedgeredStore):
    """At each opening as another process makes it: with nothing but what is stored."""

    def __init__(self, where: str) -> None:
        self.made = MemoryStore(), where, ring("k1", "k2", "k3")
        super().__init__(self.made[0], Ledger(Records(where)), self.made[2])

    async def open(self) -> None:
        fast, where, keys = self.made
        super().__init__(fast, Ledger(Records(where)), keys)
        await super().open()


@pytest.fixture(params=["memory", "sqlite", "ledger"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SessionStore:
    if request.param == "ledger":
        return LedgeredAnew(str(tmp_path / "records.db"))
    return MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "sessions.db")


@pytest.fixture
async def office(store: SessionStore) -> AsyncIterator[Office]:
    office = await Office(store).start("k1")
    yield office
    await office.stop()


async def test_conversations_go_on_and_redeliveries_get_their_bytes(office: Office) -> None:
    phones = [office.phone(f"+2567720000{number:02}") for number in range(30)]
    asked = []
    for number, phone in enumerate(phones):
        await phone.dial()
        asked.append(await phone.say(str(number)))
    before = {record.key async for record in office.store.scan()}

    keys = await office.rekey("k2", "k1")
    assert keys is not None
    assert (keys.lookup.kid, [(key.kid, key.until) for key in keys.former]) == (
        "k2",
        [("k1", office.clock() + HOUR)],
    )

    await office.start("k2", "k1")
    after = {record.key async for record in office.store.scan()}
    assert len(after) == 30
    assert not before & after
    for number, phone in enumerate(phones):
        assert await phone.send() == asked[number]
        assert total(await phone.say("100")) == f"Total {100 + number}"
        again = await phone.send()
        assert total(again) == f"Total {100 + number}", "what came after the move is known by its new name"
    assert (
        whats(office.process.events)
        == [
            "duplicate",
            "asked",
            "duplicate",
        ]
        * 30
    )


async def test_without_the_former_key_it_starts_only_when_nothing_can_come_again(office: Office) -> None:
    phone = office.phone()
    await phone.dial()
    await phone.say("5")
    office.clock.advance(100)
    await office.rekey("k2", "k1")
    with pytest.raises(StoreRefused) as refused:
        await office.start("k2")
    assert "may come again until 2025-06-15 16:07 UTC, and is told by the secret key 'k1'" in str(
        refused.value
    )
    office.clock.advance(HOUR - 101)
    with pytest.raises(StoreRefused):
        await office.start("k2")
    office.clock.advance(1)
    await office.start("k2")
    assert await phone.dial()


async def test_two_moves_in_an_hour_are_both_remembered(office: Office) -> None:
    first, second, third = (office.phone(f"+25677200000{number}") for number in range(3))
    asked = []
    for phone, kids in ((first, ("k2", "k1")), (second, ("k3", "k2", "k1")), (third, ("k1", "k2", "k3"))):
        asked.append(await phone.dial())
        await office.rekey(*kids)
        await office.start(*kids)
    for phone, screen in zip((first, second, third), asked, strict=True):
        assert await phone.send() == screen
        assert total(await phone.say("1")) == "Total 1"
    events = whats(office.process.events)
    assert events == ["duplicate", "asked"] * 3


async def test_a_move_to_the_present_key_moves_nothing(office: Office) -> None:
    await office.phone().dial()
    before = [record async for record in office.store.scan()]
    await office.rekey("k1", "k2")
    await office.start("k1")
    assert [record async for record in office.store.scan()] == before


@pytest.mark.parametrize("at", [1, 2, 7, 12])
async def test_a_move_cut_short_is_ended_before_anybody_is_served(office: Office, at: int) -> None:
    phones = [office.phone(f"+2567720000{number:02}") for number in range(12)]
    for phone in phones:
        await phone.dial()
        await phone.say("5")
    assert await office.rekey("k2", "k1", dies_at=at) is None
    for kids in (("k1", "k2"), ("k2", "k1")):
        with pytest.raises(
            StoreRefused, match=r"half-way from the look-up key 'k1' to 'k2'\. Finish with: kikao"
        ):
            await office.start(*kids)
    with pytest.raises(StoreRefused, match="Put 'k2' first in KIKAO_SECRET_KEYS"):
        await office.rekey("k3", "k2", "k1")
    with pytest.raises(StoreRefused, match="looks up with the secret key 'k1', which is not set"):
        await office.rekey("k2")
    assert await office.rekey("k2", "k1") is not None
    await office.start("k2", "k1")
    for phone in phones:
        assert total(await phone.send()) == "Total 5"
        assert total(await phone.say("6")) == "Total 11"


async def test_a_consumed_message_without_a_reply_is_no_answer_after_the_move_either(
    store: SessionStore,
) -> None:
    bank = Bank()
    office = await Office(store, sending(), "send", services={Bank: bank}).start("k1")
    talk = office.phone()
    await talk.dial()
    await talk.say("0772000002", "5000", "1")
    office.process.store.die_before = ("commit", 5)
    with pytest.raises(ProcessDied):
        await talk.say(PIN)
    assert len(bank.moved) == 1, "it died between the effect and the commit of its turn"
    await office.rekey("k2", "k1")
    await office.start("k2", "k1")
    sessions, inbound = office.process.sessions, talk.inbound()
    assert inbound.message_id is not None
    names = sessions.names("message", "ussd", "plain", inbound.message_id.reveal())
    (record,) = [record async for record in store.scan()]
    for known, consumed in ((names, True), (names[:1], False)):
        held = await sessions.claim(record.key, known, wait=0)
        assert isinstance(held, Held)
        assert held.seen is consumed
        await held.release()
    await office.process.recovery.once()
    told = await talk.send()
    assert "Sent. Ref TX1" in told
    assert await talk.send() == told
    assert len(bank.moved) == 1
    await office.stop()


async def test_open_effects_are_settled_and_told_under_the_new_key(store: SessionStore) -> None:
    bank = Bank()
    office = await Office(store, sending(), "send", services={Bank: bank}).start("k1")
    talk = office.phone()
    await talk.dial()
    await talk.say("0772000002", "5000", "1")
    bank.after, bank.away = fail(TimeoutError()), True
    await talk.say(PIN)
    (row,) = await store.due(now=office.clock() + HOUR, limit=10)

    await office.rekey("k2", "k1")
    await office.start("k2", "k1")
    (moved,) = await store.due(now=office.clock() + HOUR, limit=10)
    assert moved.id != row.id
    assert (await office.needs())["k2"].intents == 1
    office.clock.advance(60)
    bank.away = False
    assert await office.process.recovery.once() == 1
    assert await store.due(now=office.clock() + HOUR, limit=10) == []
    assert "Sent. Ref TX1" in await talk.dial()
    assert len(bank.moved) == 1
    await office.stop()


async def test_linked_addresses_stay_linked(store: SessionStore) -> None:
    policy = SessionPolicy.across_channels(idle=30 * 86400.0)
    office = await Office(store, policy=policy).start("k1")
    assert await Anchors(office.process.sessions, flow="tally").link(("msisdn", WORK), ("msisdn", HOME), "m")
    work = office.phone(WORK)
    await work.dial()
    asked = await work.say("5")
    await office.rekey("k2", "k1")
    await office.start("k2", "k1")
    assert await work.send() == asked
    assert total(await work.say("6")) == "Total 11"
    sessions = office.process.sessions
    held = await sessions.claim(session_key(sessions.ring, ("flow:tally", f"msisdn:{WORK}")), wait=0)
    assert isinstance(held, Held)
    assert held.session.anchor == ("flow:tally", f"msisdn:{HOME}")
    await office.stop()


async def test_a_session_that_would_be_lost_stops_the_move_before_it_begins(office: Office) -> None:
    await office.phone().dial()
    good = [record async for record in office.store.scan()]
    place = office.process.sessions.ring.lookup("session", "made by hand")
    claim = await office.store.claim(place, None, now=office.clock(), lease=1, wait=0)
    assert isinstance(claim, Claim)
    await office.store.commit(Write(place, claim.fence, 0, office.clock() + HOUR, b"?", b"?"))
    with pytest.raises(
        StoreRefused, match="1 session does not open, or does not tell what its key was made of"
    ):
        await office.rekey("k2", "k1")
    await office.start("k1")
    assert good[0] in [record async for record in office.store.scan()]
    office.clock.advance(HOUR)
    assert await office.rekey("k2", "k1") is not None
    await office.start("k2")


async def test_somebody_else_at_work_on_the_store_stops_the_move(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.phone().dial()

    async def overtaken(replacement: Replacement) -> bool:
        return False

    monkeypatch.setattr(office.store, "replace", overtaken)
    with pytest.raises(StoreRefused, match="Stop every server that uses this store"):
        await office.rekey("k2", "k1")
    monkeypatch.undo()
    with pytest.raises(StoreRefused, match="half-way"):
        await office.start("k1", "k2")
    assert await office.rekey("k2", "k1") is not None
