"""What operators do with sessions, asked in the process itself and through a server's door: both must be the same."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kikao.control import Ask, Call, CommandRefused, Commands, Door, Nothing, Visitor
from kikao.conversation import Chat, Done, Flows, Number, Pin, Secret, Text, Unknown
from kikao.events import SessionEnded, SweepDone, TurnCommitted
from kikao.i18n import t
from kikao.sessions import operating
from kikao.sessions.anchors import Anchors
from kikao.sessions.finding import AT_A_TIME
from kikao.sessions.keeper import Held
from kikao.sessions.masking import masked, masked_part
from kikao.sessions.operating import Operator
from kikao.sessions.policy import Address, SessionPolicy, session_key
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import Write
from kikao.sessions.stores.memory import MemoryStore
from kikao.sessions.views import (
    END,
    EXPLAIN,
    LIST,
    SHOW,
    SWEEP,
    Detail,
    Ended,
    Ending,
    Explaining,
    Explanation,
    Line,
    Listing,
    Named,
)
from kikao.testing import Clock
from tests.talk import KEY, Process, Talk

A = TypeVar("A", bound=msgspec.Struct)
I = TypeVar("I", bound=msgspec.Struct)  # noqa: E741 - an item

ASHA, BEN = "+256772000001", "+256752000002"


class Note(msgspec.Struct):
    text: str


class Office:
    """An app at work and an operator who asks it, one way or another."""

    def __init__(self, ask: Ask, process: Process, service: Service) -> None:
        self.ask = ask
        self.process = process
        self.service = service

    def phone(self, number: str = ASHA) -> Talk:
        talk = Talk(self.process, number)
        talk.gateway.retention = 20.0
        return talk

    async def many(self, call: Call[A, I], args: A) -> list[I]:
        return [item async for item in self.ask.ask(call, args)]

    async def lines(self, **listing: Any) -> list[Line]:
        return await self.many(LIST, Listing(**listing))

    async def show(self, who: str) -> Detail:
        (detail,) = await self.many(SHOW, Named(who))
        return detail

    async def end(self, who: str, *, force: bool = False) -> Ended:
        (ended,) = await self.many(END, Ending(who, force))
        return ended

    async def sweep(self) -> int:
        (swept,) = await self.many(SWEEP, Nothing())
        return swept.count

    async def explain(self, who: str = "", **asked: Any) -> Explanation:
        (explanation,) = await self.many(EXPLAIN, Explaining(who, **asked))
        return explanation

    async def stored(self) -> int:
        return len([record async for record in self.process.store.scan()])


class Service:
    """What the flow pays at, in a mood of its own."""

    def __init__(self) -> None:
        self.outcome: Any = Done("R1")
        self.called = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def pay(self, pin: Secret, key: str) -> Any:
        self.called.set()
        await self.go_on.wait()
        return self.outcome

    async def check(self, key: str) -> Any:
        return self.outcome


flows = Flows()


@flows.flow("shop")
async def shop(chat: Chat) -> None:
    service = chat.service(Service)
    await chat.session.set("note", Note("Zanzibar"))
    what = await chat.ask("what", Text(), t("What, {name}?", name="Mwangaza"))
    await chat.read("stock", lambda: {"Kilimanjaro": 7})
    count = await chat.ask("count", Number(), t("How many {what}?", what=what))
    await chat.secret(
        "pin", Pin(), t("PIN for {count}", count=count), use=service.pay, check=service.check, done=t("Paid.")
    )
    await chat.end(t("Done"))


def ended(office: Office) -> list[tuple[str, str, str, str, bool]]:
    """The sessions that were said to be ended, and where their members were."""
    return [
        (event.session, event.flow, event.at, event.by, event.forced)
        for event in office.process.events
        if isinstance(event, SessionEnded)
    ]


@pytest.fixture(params=["here", "door"])
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    service = Service()
    policy = SessionPolicy(idle=300, absolute=3600, resume=60)
    process = Process(flows, "shop", MemoryStore(), Clock(), services={Service: service}, policy=policy)
    await process.open()
    commands = Commands()
    Operator(process.sessions, process.publish, flow="shop").offer(commands)
    if request.param == "here":
        yield Office(commands, process, service)
        return
    door = Door(commands, "", lambda *_: None)
    await door.open(tmp_path)
    try:
        yield Office(Visitor(tmp_path, ""), process, service)
    finally:
        await door.close()


# --- list ---


async def test_a_line_for_each_session(office: Office) -> None:
    asha, ben = office.phone(ASHA), office.phone(BEN)
    await asha.dial()
    await asha.say("Tea")
    began = office.process.clock()
    office.process.clock.advance(60)
    await ben.dial()

    lines = {line.address: line for line in await office.lines()}

    assert lines.keys() == {"+25677****01", "+25675****02"}
    one = lines["+25677****01"]
    stored = {session.id: session for session in await office.process.stored()}
    assert stored[one.id].member == one.member
    events = office.process.events
    (key,) = [event.session for event in events if isinstance(event, TurnCommitted) and event.version == 2]
    assert one == Line(
        key=key,
        version=2,
        kid="test",
        kept_until=began + 300,
        id=one.id,
        member=one.member,
        channel="ussd",
        gateway="plain",
        address="+25677****01",
        flow="shop",
        at="count#1",
        created_at=began,
        seen_at=began,
        expires_at=began + 300,
    )
    assert lines["+25675****02"].at == "what#1"


async def test_some_of_them(office: Office) -> None:
    for n in range(1, 4):
        await office.phone(f"+25677200000{n}").dial()
    office.process.clock.advance(300)
    await office.phone(BEN).dial()

    assert [len(await office.lines(**some)) for some in ({}, {"limit": 2}, {"limit": 9})] == [4, 2, 4]
    assert len(await office.lines(expired=True)) == 3
    assert len(await office.lines(channel="ussd", flow="shop", expired=True, limit=2)) == 2
    assert await office.lines(channel="telegram") == []
    assert await office.lines(flow="bank") == []


async def test_a_session_past_its_absolute_time_has_expired_however_busy(office: Office) -> None:
    talk = office.phone()
    await talk.dial()
    for _ in range(12):
        office.process.clock.advance(299)
        await talk.say("0")
    (line,) = await office.lines()
    assert line.expires_at == line.created_at + 3600
    assert not line.expired
    office.process.clock.advance(12)
    (line,) = await office.lines()
    assert line.expired


async def test_what_cannot_be_opened_is_listed_and_shown_as_such(office: Office) -> None:
    sessions = office.process.sessions
    ring = sessions.ring
    sessions.ring = KeyRing({"lost": bytes(31) + b"x", "test": KEY}, lookup="test")
    await office.phone(ASHA).dial()
    sessions.ring = ring
    await office.phone(BEN).dial()

    sealed, opened = sorted(await office.lines(), key=lambda line: line.kid)
    assert (sealed.kid, sealed.problem) == (
        "lost",
        "sealed with key 'lost', which is not among the secret keys",
    )
    assert (sealed.id, sealed.address, sealed.version) == ("", "", 1)
    assert (opened.kid, opened.problem, opened.address) == ("test", "", "+25675****02")
    detail = await office.show(sealed.key)
    assert detail.line == sealed
    assert detail.address_kid == "lost"
    assert detail.runs == ()


async def test_a_list_is_not_gathered_before_it_is_told(office: Office) -> None:
    store, sessions = office.process.store.store, office.process.sessions
    blob = sessions.ring.seal(b"", b"key", b"state")
    for n in range(3000):
        await store.commit(Write(n.to_bytes(32, "big"), 1, 0, 1e12, blob, blob))
    read = 0
    scan = store.scan

    async def counted() -> AsyncIterator[Any]:
        nonlocal read
        async for record in scan():
            read += 1
            yield record

    store.scan = counted  # type: ignore[method-assign]
    assert len(await office.lines(limit=5)) == 5
    assert read <= 5
    assert len(await office.lines()) == 3000


async def test_turns_go_on_while_a_list_is_told(office: Office) -> None:
    for n in range(3 * AT_A_TIME):
        await office.phone(f"+2567720{n:05}").dial()
    listing = asyncio.create_task(office.lines())
    turns = 0
    while not listing.done():
        await office.phone(BEN).dial()
        turns += 1
        await asyncio.sleep(0)
    assert turns >= 3
    assert len(listing.result()) >= 3 * AT_A_TIME


# --- show ---


async def test_everything_but_what_was_said(office: Office) -> None:
    talk = office.phone()
    await talk.dial()
    await talk.say("Serengeti", "42")

    detail = await office.show(ASHA)

    assert detail.line == (await office.lines())[0]
    (run,) = detail.runs
    assert [(entry.key, entry.kind, entry.type) for entry in run.journal] == [
        ("session.set note#1", "read", ""),
        ("what#1", "ask", "text"),
        ("stock#1", "read", ""),
        ("count#1", "ask", "number"),
    ]
    assert [entry.size for entry in run.journal] == [1, len("Serengeti") + 1, len("Kilimanjaro") + 3, 1]
    assert (run.question, run.accepts, run.secret, run.flow) == ("pin#1", "pin", True, "shop")
    (note,) = detail.data
    assert (note.key, note.type.rpartition(":")[2], note.size) == (
        "note",
        "Note",
        len("text") + len("Zanzibar") + 3,
    )
    assert detail.parts == (
        "flow:shop",
        "channel:ussd",
        "gateway:ussd/plain",
        "msisdn:+25677****01",
        "code:*284#",
    )
    assert detail.rules is not None
    assert (detail.rules.idle, detail.rules.absolute, detail.rules.resume) == (300, 3600, 60)
    assert detail.rules.idle_until == detail.line.seen_at + 300
    assert detail.rules.absolute_until == detail.line.created_at + 3600
    assert detail.typed == len("Serengeti*42")
    told = msgspec.json.encode([detail, await office.lines(), await office.explain(ASHA)]).decode()
    for said in (
        "Serengeti",
        "42*",
        "Kilimanjaro",
        "Zanzibar",
        "Mwangaza",
        "How many",
        "PIN for",
        ASHA,
        ASHA[1:],
    ):
        assert said not in told


async def test_an_open_effect_and_who_works_on_it(office: Office) -> None:
    talk, clock = office.phone(), office.process.clock
    office.service.outcome = Unknown("timeout")
    await talk.dial()
    await talk.say("Tea", "2")
    began = clock()
    await talk.say("2580")

    detail = await office.show(ASHA)
    (run,) = detail.runs
    (intent,) = run.intents
    assert (intent.key, intent.kind, intent.retry, intent.tries) == ("pin#1", "secret", "check", 1)
    assert (intent.since, intent.lease_until, intent.settled) == (began, 0.0, False)
    assert intent.due_at == began + 5
    assert detail.line.waiting
    assert detail.line.open == 1
    clock.advance(5)
    await office.process.recovery.once()
    ((again,),) = [run.intents for run in (await office.show(ASHA)).runs]
    assert (again.tries, again.since, again.due_at) == (2, began, began + 5 + 10)


async def test_a_turn_at_work_is_not_waited_for(office: Office) -> None:
    await office.phone().dial()
    (line,) = await office.lines()
    held = await office.process.sessions.claim(bytes.fromhex(await whole_key(office)), wait=0.0)
    assert isinstance(held, Held)
    detail = await office.show(line.key)
    await held.release()

    assert detail.at_work
    assert not (await office.show(line.key)).at_work


async def whole_key(office: Office) -> str:
    (record,) = [record async for record in office.process.store.scan()]
    return record.key.hex()


async def test_a_session_by_any_of_its_names(office: Office) -> None:
    await office.phone(ASHA).dial()
    await office.phone(BEN).dial()
    ben = next(line for line in await office.lines() if line.address.endswith("02"))

    for who in (BEN, "+256 752-000 002", f"msisdn:{BEN}", ben.key, ben.key[:6], ben.id, ben.member):
        assert (await office.show(who)).line == ben


@pytest.mark.parametrize(
    ("who", "told"),
    [
        ("", "name a session by"),
        ("abc", "name a session by"),
        ("0772000001", "no stored session is meant"),
        ("Asha", "name a session by"),
        ("+1", "no stored session is meant"),
        ("+", "no stored session is meant"),
        ("telegram:", "name a session by"),
        ("telegram:12", "no stored session is meant"),
        ("f" * 64, "no stored session is meant"),
        ("\ud800", "name a session by"),
    ],
)
async def test_a_name_that_means_none(office: Office, who: str, told: str) -> None:
    await office.phone(ASHA).dial()
    if "\ud800" in who and isinstance(office.ask, Visitor):
        return  # what no request can carry
    for ask in (office.show, office.end):
        with pytest.raises(CommandRefused, match=told):
            await ask(who)


async def test_a_number_with_several_sessions_is_asked_for_one(office: Office) -> None:
    for gateway in ("one", "two"):
        talk = office.phone()
        talk.gateway.slug = gateway
        await talk.dial()
    keys = sorted(line.key for line in await office.lines())

    for ask in (office.show, office.end, office.explain):
        with pytest.raises(CommandRefused, match="one of several: ") as refused:
            await ask(ASHA)
        assert all(f"{key} (ussd/" in str(refused.value) for key in keys)
        assert ASHA not in str(refused.value)
    assert (await office.show(keys[0])).line.key == keys[0]


# --- end ---


async def test_a_session_is_ended_and_the_member_starts_again(office: Office) -> None:
    talk = office.phone()
    await talk.dial()
    await talk.say("Tea")
    (line,) = await office.lines()

    assert await office.end(ASHA) == Ended(line.key, line.id)

    assert ended(office) == [(line.key, "shop", "count#1", "operator", False)]
    assert (await talk.say("2")).startswith("Session expired. Please start again.\nWhat, Mwangaza?")
    (after,) = await office.lines()
    assert after.id != line.id


async def test_nothing_of_it_is_left_but_where_the_member_is(office: Office) -> None:
    talk = office.phone()
    await talk.dial()
    asked = await talk.say("Serengeti")
    before = (await office.show(ASHA)).line

    await office.end(ASHA)

    detail = await office.show(before.key)
    assert (detail.runs, detail.data, detail.notices, detail.over) == ((), (), 0, True)
    assert detail.line.id not in ("", before.id)
    assert (detail.line.member, detail.line.expired, detail.line.waiting) == ("", True, False)
    assert not await office.process.holds("Serengeti")
    assert await talk.send() == asked, "a copy of the last message gets its bytes, and is not done again"
    office.process.clock.advance(19)
    assert await office.sweep() == 0
    assert await talk.send() == asked
    office.process.clock.advance(1)
    assert await office.sweep() == 1


async def test_ending_twice_does_no_harm(office: Office) -> None:
    talk = office.phone()
    await talk.dial()
    first = await office.end(ASHA)
    assert (await office.end(ASHA)).key == first.key
    assert (await talk.dial()).startswith("What, Mwangaza?")


async def test_an_open_effect_is_never_taken_away(office: Office) -> None:
    talk = office.phone()
    office.service.outcome = Unknown("timeout")
    await talk.dial()
    await talk.say("Tea", "2", "2580")

    for force in (False, True):
        with pytest.raises(CommandRefused, match="an effect of it is open"):
            await office.end(ASHA, force=force)

    assert await office.stored() == 1


async def test_an_outcome_that_waits_to_be_told_is_ended_only_by_force(office: Office) -> None:
    talk = office.phone()
    office.service.outcome = Unknown("timeout")
    await talk.dial()
    await talk.say("Tea", "2", "2580")
    office.process.clock.advance(5)
    office.service.outcome = Done("R1")
    await office.process.recovery.once()

    with pytest.raises(CommandRefused, match=r"waits to be told to the member\. --force ends it untold"):
        await office.end(ASHA)
    assert await office.stored() == 1
    (line,) = await office.lines()
    assert await office.end(ASHA, force=True) == Ended(line.key, line.id)
    assert not (await office.show(ASHA)).line.waiting
    (told,) = ended(office)
    assert (told[0], *told[3:]) == (line.key, "operator", True)


async def test_what_cannot_be_opened_is_ended_only_by_force(office: Office) -> None:
    ring = office.process.sessions.ring
    office.process.sessions.ring = KeyRing({"lost": bytes(31) + b"x", "test": KEY}, lookup="test")
    await office.phone(ASHA).dial()
    office.process.sessions.ring = ring
    (line,) = await office.lines()

    with pytest.raises(CommandRefused, match=r"cannot be opened: .* --force removes it"):
        await office.end(line.key)
    assert await office.end(line.key, force=True) == Ended(line.key)
    assert await office.stored() == 0


async def test_a_turn_at_work_comes_first(office: Office) -> None:
    talk = office.phone()
    office.service.go_on.clear()
    await talk.dial()
    await talk.say("Tea", "2")
    paying = asyncio.create_task(talk.say("2580"))
    await office.service.called.wait()
    ending = asyncio.create_task(office.end(ASHA, force=True))
    office.service.go_on.set()

    assert await paying == "Done"
    await ending
    assert (await office.show(ASHA)).over


async def test_a_turn_that_takes_too_long_is_not_cut_off(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "PATIENCE", 0.01)
    talk = office.phone()
    office.service.go_on.clear()
    await talk.dial()
    await talk.say("Tea", "2")
    paying = asyncio.create_task(talk.say("2580"))
    await office.service.called.wait()
    with pytest.raises(CommandRefused, match="a turn is at work in it; try again"):
        await office.end(ASHA)
    office.service.go_on.set()
    assert await paying == "Done"


async def test_whoever_is_first_a_member_never_notices_more_than_an_ended_session(office: Office) -> None:
    talk = office.phone()
    for _ in range(20):
        await talk.dial()
        said, ended = await asyncio.gather(talk.say("Tea"), office.end(ASHA))
        assert re.match("How many Tea|Session expired", said), said
        detail = await office.show(ended.key)
        assert detail.line.id != ended.id
        assert detail.over == said.startswith("How many Tea")


async def test_a_store_that_does_not_answer_is_told_and_the_lease_is_given_back(office: Office) -> None:
    await office.phone().dial()
    store = office.process.store
    for stored in (True, False):
        store.unanswered = ("commit", store.calls["commit"] + 1, stored)
        with pytest.raises(CommandRefused, match="the store did not confirm it"):
            await office.end(ASHA)
    store.unanswered = None
    assert (await office.end(ASHA)).key == (await office.show(ASHA)).line.key


# --- sweep ---


async def test_what_has_expired_is_swept_at_once_and_counted(office: Office) -> None:
    for n in range(1, 4):
        await office.phone(f"+25677200000{n}").dial()
    office.process.clock.advance(300)
    await office.phone(BEN).dial()

    assert await office.sweep() == 3
    assert await office.sweep() == 0
    assert await office.stored() == 1
    assert [event.count for event in office.process.events if isinstance(event, SweepDone)] == [3, 0]


async def test_a_sweep_that_ends_early_says_so(office: Office) -> None:
    office.process.store.unavailable = True
    with pytest.raises(CommandRefused, match=r"the sweep ended early \(StoreUnavailable"):
        await office.sweep()


# --- explain ---


async def test_how_a_stored_key_came_about(office: Office) -> None:
    talk = office.phone()
    await talk.dial()
    (line,) = await office.lines()

    explanation = await office.explain(ASHA)

    assert explanation.rules == (
        ("boundary flow", "apart for each flow: shop"),
        ("boundary channel", "apart for each channel: ussd"),
        ("boundary gateway", "apart for each gateway: plain"),
        ("boundary url", "shared"),
        ("identifier", "of the channel: msisdn:+25677****01 + code:*284#"),
        ("key", "flow:shop | channel:ussd | gateway:ussd/plain | msisdn:+25677****01 | code:*284#"),
    )
    assert (explanation.key, explanation.id, explanation.changed) == (line.key, line.id, False)
    assert explanation.policy is not None
    assert explanation.policy.idle_until == line.seen_at + 300
    clear = await office.explain(ASHA, clear=True)
    assert clear.parts[3] == f"msisdn:{ASHA}"
    assert clear.rules[-1][1].endswith(f"msisdn:{ASHA} | code:*284#")


async def test_a_policy_that_changed_since(office: Office) -> None:
    await office.phone().dial()
    (line,) = await office.lines()
    sessions = office.process.sessions
    sessions.policies = type(sessions.policies)(SessionPolicy.durable())

    explanation = await office.explain(line.key)

    assert explanation.changed
    assert explanation.parts[-1] == "code:*284#", "as it is stored"
    assert explanation.rules[-1][1].endswith("msisdn:+25677****01"), "as it would be today"
    assert explanation.key == line.key


async def test_a_key_that_somebody_would_get(office: Office) -> None:
    await office.phone().dial()
    (line,) = await office.lines()
    met = Address("ussd", "plain", ASHA, "*284#", ASHA)

    there = await office.explain(address=met)
    assert (there.key, there.id) == (line.key, line.id)
    assert there.parts[3] == f"msisdn:{ASHA}", "what an operator typed"
    nobody = await office.explain(address=replace(met, service_code="*999#"))
    assert (nobody.id, nobody.policy is not None) == ("", True)
    assert nobody.key not in ("", line.key)
    assert (await office.explain(parts=there.parts)).id == line.id
    nameless = await office.explain(address=Address("telegram", "bot-api", ""))
    assert (nameless.key, nameless.problem) == ("", "telegram/bot-api: the inbound names no sender")
    with pytest.raises(CommandRefused, match="name a stored session, or an address"):
        await office.explain()


async def test_without_the_app_nothing_is_said_of_policies(office: Office) -> None:
    await office.phone().dial()
    operator = Operator(office.process.sessions, office.process.publish, flow=None)
    (line,) = [line async for line in operator.lines(Listing())]
    (detail,) = [detail async for detail in operator.show(Named(ASHA))]
    (explanation,) = [found async for found in operator.explain(Explaining(ASHA))]

    assert (line.expires_at, line.expired, detail.rules) == (None, False, None)
    assert (explanation.rules, explanation.policy, explanation.changed) == ((), None, False)
    assert explanation.key == line.key
    with pytest.raises(CommandRefused, match="the app's policies are not known here"):
        await anext(operator.explain(Explaining(address=Address("ussd", "plain", ASHA))))
    office.process.clock.advance(300)
    (line,) = [line async for line in operator.lines(Listing(expired=True))]
    assert line.expired


# --- linked addresses ---


async def link(process: Process, number: str, to: str) -> None:
    """Have the dealings of one number kept with those of another."""
    sessions = process.sessions
    address = Address("ussd", "", number, msisdn=number, parts=("flow:shop", f"msisdn:{number}"))
    held = await sessions.claim(session_key(sessions.ring, address.parts), (), address, wait=0.0)
    assert isinstance(held, Held)
    held.session.anchor = ("flow:shop", f"msisdn:{to}")
    held.session.member = await met(process, to)
    await held.commit()


async def test_over_a_link_to_where_the_session_is() -> None:
    process = Process(
        flows,
        "shop",
        MemoryStore(),
        Clock(),
        services={Service: Service()},
        policy=SessionPolicy.across_channels(),
    )
    await process.open()
    await link(process, BEN, ASHA)
    commands = Commands()
    Operator(process.sessions, process.publish, flow="shop").offer(commands)
    office = Office(commands, process, Service())
    with pytest.raises(CommandRefused, match="gone by now"):
        await office.show(BEN)
    await Talk(process, BEN).dial()

    anchor, kept = sorted(await office.lines(), key=lambda line: not line.anchor)
    assert (anchor.anchor, anchor.address, kept.anchor) == (kept.key, "+25675****02", "")
    for who in (BEN, anchor.key):
        detail = await office.show(who)
        assert (detail.line.key, detail.through) == (kept.key, (anchor.key,))
    explanation = await office.explain(BEN)
    assert (explanation.key, explanation.through, explanation.id) == (anchor.key, (kept.key,), kept.id)
    assert explanation.parts == ("flow:shop", "msisdn:+25675****02")
    met = await office.explain(address=Address("ussd", "plain", BEN, msisdn=BEN))
    assert (met.key, met.through, met.id) == (anchor.key, (kept.key,), kept.id)
    with pytest.raises(CommandRefused, match=f"kept under {kept.key}. End that one"):
        await office.end(anchor.key)
    assert (await office.end(BEN)).key == kept.key
    assert {line.key: line.anchor for line in await office.lines()} == {anchor.key: kept.key, kept.key: ""}


async def test_a_session_is_of_the_address_that_its_key_names_whichever_linked_one_came_first() -> None:
    """Or a number would be kept, and found, in what is another member's by the time that it is unlinked."""
    policy = SessionPolicy.across_channels(idle=3600)
    process = Process(flows, "shop", MemoryStore(), Clock(), services={Service: Service()}, policy=policy)
    await process.open()
    anchors = Anchors(process.sessions, flow="shop")
    assert await anchors.link(("msisdn", BEN), ("msisdn", ASHA), await met(process, ASHA))
    ben = Talk(process, BEN)
    await ben.dial()
    process.clock.advance(3600)
    assert await anchors.unlink(("msisdn", BEN))
    commands = Commands()
    Operator(process.sessions, process.publish, flow="shop").offer(commands)
    office = Office(commands, process, Service())

    (line,) = await office.lines()
    assert (line.address, line.channel, line.gateway) == ("+25677****01", "ussd", "plain")
    assert (await office.show(ASHA)).line == line
    for asked in (office.show(BEN), office.end(BEN)):
        with pytest.raises(CommandRefused, match="no stored session is meant"):
            await asked


async def met(process: Process, number: str) -> str:
    """The id of a member."""
    return (await process.turns.members.meet("msisdn", number)).id


async def test_an_address_that_is_linked_meanwhile_stays_linked() -> None:
    policy = SessionPolicy.across_channels()
    process = Process(flows, "shop", MemoryStore(), Clock(), services={Service: Service()}, policy=policy)
    await process.open()
    ben = Talk(process, BEN)
    await ben.dial()
    process.clock.advance(ben.gateway.retention + 300)
    operator = Operator(process.sessions, process.publish, flow="shop")
    looks, store = 0, process.store.store
    claim = store.claim

    async def claim_after_a_link(*args: Any, **options: Any) -> Any:
        nonlocal looks
        looks += 1
        if looks == 3:  # the path was looked at, twice
            assert await Anchors(process.sessions, flow="shop").link(
                ("msisdn", BEN), ("msisdn", ASHA), "a" * 32
            )
        return await claim(*args, **options)

    store.claim = claim_after_a_link  # type: ignore[method-assign]
    with pytest.raises(CommandRefused, match="linked meanwhile; try again"):
        await anext(operator.end(Ending(BEN)))
    store.claim = claim  # type: ignore[method-assign]
    assert [session.anchor for session in await process.stored() if session.anchor] == [
        ("flow:shop", f"msisdn:{ASHA}")
    ]


# --- masks ---


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        ("flow:menu", "flow:menu"),
        ("gateway:ussd/nalo", "gateway:ussd/nalo"),
        ("url:pay.example_ussd", "url:pay.example_ussd"),
        ("code:*284#", "code:*284#"),
        ("explicit:kiosk-7", "explicit:kiosk-7"),
        ("msisdn:+256772000001", "msisdn:+25677****01"),
        ("msisdn:+1234567", "msisdn:+1****67"),
        ("token:ussd/nalo/abcdefgh", "token:ussd/nalo/****gh"),
        ("token:ussd/nalo/ab/cdefgh", "token:ussd/nalo/****gh"),
        ("token:ussd/nalo/abc", "token:ussd/nalo/****"),
        ("request:ussd/nalo/dialogue-9", "request:ussd/nalo/****-9"),
        ("user_id:telegram/4711999", "user_id:telegram/****99"),
        ("telegram:4711", "telegram:****"),
        ("telegram:47119", "telegram:****19"),
        ("whatsapp:256772000001", "whatsapp:****01"),
        ("user:asha@example", "user:****le"),
        ("given:asha", "given:****"),
        ("", "****"),
        ("nonsense", "nonsense:****"),
    ],
)
def test_a_part_as_it_is_shown(part: str, shown: str) -> None:
    assert masked_part(part).removeprefix(":") == shown


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_four_digits_of_a_number_are_never_shown(number: str) -> None:
    head, _, tail = masked("msisdn", number).partition("****")

    assert number.startswith(head)
    assert number.endswith(tail)
    assert len(number) - len(head) - len(tail) >= 4


@given(st.sampled_from(["telegram", "user", "token", "given"]), st.text(min_size=1, max_size=12))
def test_three_characters_of_a_name_are_never_shown_nor_any_of_a_short_one(kind: str, name: str) -> None:
    shown = masked(kind, name).removeprefix(f"{kind}:****")

    assert name.endswith(shown)
    assert len(name) - len(shown) >= min(3, len(name))
