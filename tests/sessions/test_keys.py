"""Secret keys come and go, and a start never goes on without one that members are kept under."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from kikao.conversation.journal import Posted
from kikao.events import Event, KeysResealed
from kikao.sessions.keeper import Held, Sessions
from kikao.sessions.keys import Need
from kikao.sessions.outgoing import Dead, Outgoing, Sent
from kikao.sessions.posting import opened, outgoing
from kikao.sessions.resealing import Resealer
from kikao.sessions.sealing import KeyRing, kid_of
from kikao.sessions.store import Record, Replacement, SessionStore, StoreRefused
from kikao.sessions.stores import MemoryStore, SQLiteStore
from kikao.sessions.stores.sqlite.file import MIGRATIONS, prepare
from kikao.testing import Clock
from tests.sessions.office import Office, key, ring, total

FAR = 1e11

HOUR = 3600.0
"""Seconds that a message may come again at the gateway of these tests."""


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SessionStore:
    return MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "sessions.db")


@pytest.fixture
async def office(store: SessionStore) -> AsyncIterator[Office]:
    office = await Office(store).start("k1")
    yield office
    await office.stop()


async def test_a_new_key_seals_and_the_old_one_still_opens(office: Office) -> None:
    phone = office.phone()
    await phone.dial()
    await phone.say("5")
    await office.start("k2", "k1")
    assert total(await phone.say("6")) == "Total 11"
    (record,) = [record async for record in office.store.scan()]
    assert (kid_of(record.state), kid_of(record.address)) == ("k2", "k2"), "every write of a turn"


async def test_a_store_of_one_tenant_is_refused_to_another_with_the_same_keys(store: SessionStore) -> None:
    keys = {"k1": bytes(range(32))}
    acme, ujamaa, nobody = (KeyRing(keys, tenant=tenant) for tenant in ("acme", "ujamaa", ""))
    assert len({each.lookup("session", "+256772000001") for each in (acme, ujamaa, nobody)}) == 3
    first = Sessions(store, acme)
    await first.open()
    await first.close()
    for another in (ujamaa, nobody):
        with pytest.raises(StoreRefused, match="'k1' is not the one this store looks up with"):
            await Sessions(store, another).open()
    again = Sessions(store, KeyRing(keys, tenant="acme"))
    await again.open()
    await again.close()


async def test_a_key_that_is_needed_cannot_be_taken_away(office: Office) -> None:
    phone = office.phone()
    await phone.dial()
    asked = await phone.say("5")
    with pytest.raises(StoreRefused, match=r"looks up with the secret key 'k1', which is not set. Add it"):
        await office.start("k2")
    await office.rekey("k2", "k1")
    await office.start("k3", "k2", "k1")
    with pytest.raises(StoreRefused) as refused:
        await office.start("k3", "k1")
    assert "looks up with the secret key 'k2'" in str(refused.value)
    await office.rekey("k3", "k2", "k1")
    await office.start("k3", "k2", "k1")
    assert await phone.send() == asked


async def test_a_start_says_what_still_needs_a_key_and_how_long(office: Office) -> None:
    phone, other = office.phone(), office.phone("+256772000002")
    await office.start("k2", "k1")
    await phone.dial()
    await phone.say("5")
    await other.dial()
    await office.start("k1", "k2")
    with pytest.raises(StoreRefused) as refused:
        await office.start("k1")
    text = str(refused.value)
    assert text.startswith(
        "2 sessions and 3 replies in this store can only be opened with the secret key 'k2'"
    )
    assert "kikao migrate --reseal" in text
    assert "has expired by 2025-06-15 16:07 UTC" in text, "an hour after 15:06:40"


async def test_a_key_of_the_same_id_is_another_key(office: Office) -> None:
    await office.start("k2", "k1")
    phone = office.phone()
    await phone.dial()
    good = ring("k1", "k2")
    await office.start(keys=good)
    wrong = KeyRing({"k1": bytes(range(32)), "k2": bytes(32)})
    with pytest.raises(StoreRefused, match="'k1' is not the one this store looks up with"):
        await office.start(keys=wrong)
    half = KeyRing({"k1": key("k1"), "k2": bytes(32)})
    with pytest.raises(StoreRefused, match=r"key 'k2', which is not set \(there is another one of that id\)"):
        await office.start(keys=half)
    await office.start(keys=good)
    assert total(await phone.say("1")) == "Total 1"


async def test_what_is_sealed_anew_needs_the_old_key_no_more(office: Office) -> None:
    await office.start("k2", "k1")
    phone, other = office.phone(), office.phone("+256772000002")
    await phone.dial()
    asked = await phone.say("5")
    await other.dial()
    done = await office.reseal("k1", "k2")
    assert (done.sealed, done.overtaken, done.unreadable) == (2, 0, 0)
    assert (await office.reseal("k1", "k2")).sealed == 0
    await office.start("k1")
    assert await phone.send() == asked, "a reply was sealed anew with its session"
    assert total(await phone.say("6")) == "Total 11"
    assert total(await other.say("7")) == "Total 7"


async def test_a_running_server_seals_anew_what_nobody_writes_and_says_when_it_is_done(
    office: Office,
) -> None:
    await office.start("k2", "k1")
    phones = [office.phone(f"+2567720000{number:02}") for number in range(50)]
    for phone in phones:
        await phone.dial()
    await office.start("k1", "k2")
    assert list(office.process.sessions.retired) == ["k2"]
    events: list[Event] = []
    resealer = Resealer(office.process.sessions, events.append)
    await resealer.run()
    (event,) = events
    assert isinstance(event, KeysResealed)
    assert (event.count, event.left, event.error) == (50, 0, "")
    assert set(await office.needs()) == {"k1"}
    await office.start("k1")
    assert total(await phones[49].say("3")) == "Total 3"
    assert not office.process.sessions.retired


async def test_turns_that_overtake_the_sealing_are_met_by_the_next_pass(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.start("k2", "k1")
    phone = office.phone()
    await phone.dial()
    await phone.say("5")
    await office.start("k1", "k2")
    events: list[Event] = []
    resealer = Resealer(office.process.sessions, events.append)
    found = office.process.store.store

    async def overtaking() -> AsyncIterator[Record]:
        async for record in found.scan():
            await phone.say("1")
            yield record

    with monkeypatch.context() as patched:
        patched.setattr(office.process.store, "scan", overtaking)
        assert not await resealer.once()
    assert (await office.needs())["k2"].replies == 2, "of messages before"
    assert await resealer.once()
    assert [(event.count, event.left) for event in events if isinstance(event, KeysResealed)] == [
        (0, 1),
        (1, 0),
    ]
    assert set(await office.needs()) == {"k1"}


async def test_a_key_stays_while_a_message_to_send_needs_it(office: Office) -> None:
    await office.start("k2", "k1")
    old = posted(office, b"1", b"2", b"3")
    await office.store.post(old)
    for outcome in (Sent(FAR), Dead(FAR, "HTTP 410")):
        (taken,) = await office.store.take(
            now=office.clock(), lease=60.0, limit=1, destinations=["webhook/crm"]
        )
        assert await office.store.settle(taken, outcome)
    with pytest.raises(StoreRefused, match="2 messages to send in this store can only be opened"):
        await office.start("k1")

    await office.start("k1", "k2")
    events: list[Event] = []
    await Resealer(office.process.sessions, events.append).run()
    assert [(e.count, e.left) for e in events if isinstance(e, KeysResealed)] == [(2, 0)]
    assert "k2" not in await office.needs()

    await office.start("k1")
    sealed = {message.id: message async for message in office.store.messages() if message.state != "sent"}
    said = [opened(office.process.sessions.ring, sealed[message.id]) for message in old[1:]]
    assert said == [b"2", b"3"]


async def test_messages_follow_their_session_to_another_look_up_key(office: Office) -> None:
    await office.start("k1")
    await office.phone().dial()
    (record,) = [record async for record in office.store.scan()]
    await office.store.post(
        [structs.replace(each, session=record.key) for each in posted(office, b"1", b"2")]
    )
    await office.rekey("k2", "k1")
    await office.start("k2", "k1")
    (moved,) = [record async for record in office.store.scan()]
    messages = [message async for message in office.store.messages()]
    assert {message.session for message in messages} == {moved.key} != {record.key}
    assert [opened(office.process.sessions.ring, message) for message in messages] == [b"1", b"2"]


def posted(office: Office, *bodies: bytes) -> list[Outgoing]:
    """Messages of nobody's session."""
    posts = [Posted(bytes([number]) * 16, "webhook/crm", body) for number, body in enumerate(bodies)]
    return outgoing(office.process.sessions.ring, b"\x17" * 32, posts, office.clock())


async def test_with_one_key_there_is_nothing_to_look_for(office: Office) -> None:
    events: list[Event] = []
    await Resealer(office.process.sessions, events.append).run()
    assert events == []


async def test_what_expired_or_does_not_open_holds_no_key_for_ever(office: Office) -> None:
    await office.start("k2", "k1")
    phone, other = office.phone(), office.phone("+256772000002")
    await phone.dial()
    await other.dial()
    await office.start("k1", "k2")
    async for record in office.store.scan():
        (dedupe,) = await office.store.seen(record.key)
        spoiled = b"\x01\x02k2" + bytes(40)
        await office.store.replace(
            Replacement(
                record.key,
                record.version,
                record.fence,
                record.key,
                spoiled,
                spoiled,
                ((dedupe.key, spoiled),),
            )
        )
        break
    done = await office.reseal("k1", "k2")
    assert (done.sealed, done.unreadable) == (1, 1)
    with pytest.raises(StoreRefused, match="1 session and 1 reply in this store"):
        await office.start("k1")
    office.clock.advance(HOUR)
    await office.start("k1")
    assert set(await office.needs()) == set()


async def test_a_session_is_kept_as_long_as_what_it_has_seen(office: Office) -> None:
    """Where recovery writes last: it answers no inbound, and must not shorten the life of the record."""
    phone = office.phone()
    await phone.dial()
    sessions = office.process.sessions
    (record,) = [record async for record in office.store.scan()]
    held = await sessions.claim(record.key, wait=0)
    assert isinstance(held, Held)
    await held.commit()
    (after,) = [record async for record in office.store.scan()]
    (dedupe,) = await office.store.seen(record.key)
    assert after.expires_at == record.expires_at == dedupe.expires_at == office.clock() + HOUR


async def test_a_store_of_an_earlier_kikao_keeps_its_look_up_key(tmp_path: Path) -> None:
    path, old = tmp_path / "sessions.db", ring("k1")
    prepare(path, migrations=MIGRATIONS[:1]).release()
    with closing(sqlite3.connect(path)) as database:
        database.execute("INSERT INTO meta VALUES ('bound/lookup_kid', ?)", (b"k1",))
        database.execute("INSERT INTO meta VALUES ('bound/lookup_check', ?)", (old.lookup_check,))
        place = old.lookup("session", "anybody")
        blobs = (old.seal(b"", place, b"state", 1), old.seal(b"", place, b"address"))
        database.execute("INSERT INTO sessions VALUES (?, 1, 1, 9e9, 0, 9e9, ?, ?)", (place, *blobs))
        database.commit()
    with pytest.raises(StoreRefused, match="looks up with the secret key 'k1'"):
        await Sessions(SQLiteStore(path), ring("k2"), clock=Clock()).open()
    sessions = Sessions(SQLiteStore(path), ring("k2", "k1"), clock=Clock())
    await sessions.open()
    assert (sessions.ring.lookup_kid, sessions.retired) == ("k1", ("k1",))
    await sessions.close()


def test_needs_are_told_in_plain_words() -> None:
    assert str(Need(1, 0, 1)) == "1 session and 1 reply"
    assert str(Need(1200, 2, 0)) == "1,200 sessions and 2 open intents"
