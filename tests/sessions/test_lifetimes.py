"""How long a session lives, what opens one, and what a new dialogue does about the one before."""

from __future__ import annotations

import pytest

from kikao.conversation import Chat, Done, Flows, Pin, Secret, Text
from kikao.i18n import Catalogs
from kikao.members import Known
from kikao.sessions.policy import Explicit, SessionPolicy
from kikao.sessions.session import MAX_STATE
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock
from kikao.turn import Turns
from tests.talk import PlainGateway, Process, Talk, start

OFFER = "Continue where you stopped?\n1 Continue\n2 Start again"
EXPIRED = "Session expired. Please start again."
SHORT = 20.0
"""Seconds that a redelivery is recognised for here: records are kept at least so long."""

flows = Flows()


@flows.flow("order")
async def order(chat: Chat) -> None:
    what = await chat.ask("what", Text(), "What")
    size = await chat.ask("size", Text(), "Size")
    await chat.confirm("ok", f"{size} {what}?")
    await chat.secret("pin", Pin(), "PIN", use=pay)
    await chat.end("Paid")


async def pay(pin: Secret, key: str) -> Done[int]:
    return Done(1)


async def phone(policy: SessionPolicy, **options: str) -> Talk:
    gateway = PlainGateway()
    gateway.retention = SHORT
    gateway.slug = options.get("gateway", "plain")
    talk = await start(flows, "order", policy=policy)
    return Talk(talk.process, gateway=gateway)


def question(text: str) -> str:
    """The screen without what is offered below it."""
    return text.partition("\n0 ")[0].partition("\n00 ")[0]


async def stored(talk: Talk) -> int:
    return len([record async for record in talk.process.store.scan()])


async def sweep(talk: Talk) -> int:
    return await talk.process.store.sweep(now=talk.process.clock(), limit=100)


# --- idle and absolute ---


async def test_a_session_lives_while_somebody_talks() -> None:
    talk = await phone(SessionPolicy(idle=300))
    await talk.dial()
    for answer, shown in (("tea", "Size"), ("00", "What"), ("tea", "Size")):
        talk.process.clock.advance(299)
        assert question(await talk.say(answer)) == shown


async def test_a_reply_to_an_expired_session_is_told_so_and_answers_nothing() -> None:
    talk = await phone(SessionPolicy(idle=300))
    await talk.dial()
    await talk.say("tea")
    (before,) = await talk.process.stored()
    talk.process.clock.advance(300)

    assert question(await talk.say("large")) == f"{EXPIRED}\nWhat"

    (after,) = await talk.process.stored()
    assert after.id != before.id
    assert after.created_at == talk.process.clock()
    assert after.conversation.run is not None
    assert after.conversation.run.journal == []


async def test_an_expired_session_is_not_offered_to_go_on_with() -> None:
    talk = await phone(SessionPolicy(idle=300, resume=3600))
    await talk.dial()
    await talk.say("tea")
    talk.process.clock.advance(300)

    assert await talk.dial() == "What"


async def test_nobody_is_busy_for_ever() -> None:
    talk = await phone(SessionPolicy(idle=300, absolute=1000))
    await talk.dial()
    await talk.say("tea")
    for answer, shown in (("0", "What"), ("tea", "Size"), ("0", "What")):
        talk.process.clock.advance(299)
        assert question(await talk.say(answer)) == shown
    talk.process.clock.advance(103)

    assert question(await talk.say("large")) == f"{EXPIRED}\nWhat"


async def test_what_has_expired_is_swept_whichever_time_came_first() -> None:
    for policy, lasts in (
        (SessionPolicy(idle=300), 300),
        (SessionPolicy(idle=7 * 86400, absolute=900), 900),
        (SessionPolicy(idle=300, absolute=900), 300),
    ):
        talk = await phone(policy)
        await talk.dial()
        talk.process.clock.advance(lasts - 1)
        assert (await sweep(talk), await stored(talk)) == (0, 1)
        talk.process.clock.advance(1)
        assert (await sweep(talk), await stored(talk)) == (1, 0)


async def test_a_record_outlives_its_session_while_a_copy_may_still_arrive() -> None:
    talk = await phone(SessionPolicy(idle=5))
    shown = await talk.dial()
    talk.process.clock.advance(SHORT - 1)

    assert await sweep(talk) == 0
    assert await talk.send() == shown
    talk.process.clock.advance(1)
    assert await sweep(talk) == 1


# --- a dialogue that ended, and the next one ---


async def test_within_the_reconnection_window_a_dial_goes_on_without_asking() -> None:
    talk = await phone(SessionPolicy(reconnection=30))
    await talk.dial()
    await talk.say("tea")
    talk.process.clock.advance(29)
    assert question(await talk.dial()) == "Size"
    talk.process.clock.advance(30)
    assert await talk.dial() == OFFER


async def test_a_reconnection_comes_to_the_last_plain_answer_before_a_confirmation_or_a_pin() -> None:
    for answers in (("tea", "large"), ("tea", "large", "1")):
        talk = await phone(SessionPolicy(reconnection=30))
        await talk.dial()
        await talk.say(*answers)
        assert question(await talk.dial()) == "Size"


async def test_without_a_window_not_even_a_clock_that_stepped_back_goes_on() -> None:
    talk = await phone(SessionPolicy())
    await talk.dial()
    await talk.say("tea")
    talk.process.clock.now -= 5

    assert await talk.dial() == OFFER


@pytest.mark.parametrize(("silence", "shown"), [(60, OFFER), (61, "What")])
async def test_the_offer_to_go_on_ends_with_the_resume_window(silence: float, shown: str) -> None:
    talk = await phone(SessionPolicy(idle=600, resume=60))
    await talk.dial()
    await talk.say("tea")
    talk.process.clock.advance(silence)

    assert await talk.dial() == shown


async def test_with_no_resume_window_every_dial_begins_anew() -> None:
    talk = await phone(SessionPolicy(resume=0))
    await talk.dial()
    await talk.say("tea")

    assert await talk.dial() == "What"


# --- what opens a session ---


async def test_where_a_dial_opens_a_session_a_reply_alone_is_told_that_there_is_none() -> None:
    talk = await phone(SessionPolicy(opens="dial"))
    talk.accumulates = False
    await talk.dial()
    await talk.process.sessions.store.end(await only_key(talk))

    assert question(await talk.say("tea")) == f"{EXPIRED}\nWhat"


async def test_where_a_message_opens_a_session_nobody_speaks_of_expiry() -> None:
    talk = await phone(SessionPolicy(idle=300, opens="message"))
    await talk.dial()
    await talk.say("tea")
    talk.process.clock.advance(300)

    assert question(await talk.say("large")) == "What"


async def only_key(talk: Talk) -> bytes:
    (record,) = [record async for record in talk.process.store.scan()]
    return record.key


# --- who shares one ---


async def two_gateways(policy: SessionPolicy) -> tuple[Talk, Talk]:
    first = await phone(policy, gateway="one")
    other = PlainGateway()
    other.slug = "two"
    return first, Talk(first.process, gateway=other)


async def test_a_conversation_goes_on_at_another_gateway_where_gateways_are_no_boundary() -> None:
    one, two = await two_gateways(SessionPolicy.across_gateways())
    await one.dial()
    await one.say("tea")

    assert await two.dial() == OFFER
    assert question(await two.say("1")) == "Size"


async def test_and_does_not_where_they_are() -> None:
    one, two = await two_gateways(SessionPolicy())
    await one.dial()
    await one.say("tea")

    assert await two.dial() == "What"
    assert await stored(one) == 2


async def test_an_ephemeral_session_is_one_of_a_dialogue() -> None:
    talk = await phone(SessionPolicy.ephemeral())
    await talk.dial()
    await talk.say("tea")
    assert question(talk.text) == "Size"

    assert await talk.dial() == "What"
    assert await stored(talk) == 2


async def test_everybody_shares_an_explicit_session() -> None:
    asha = await phone(SessionPolicy(identifier=Explicit("kiosk-7")))
    ben = Talk(asha.process, "+256772000002", asha.gateway)
    await asha.dial()
    await asha.say("tea")

    assert await ben.dial() == OFFER


# --- an expired session is somebody's new one ---


class Moved:
    """Says that whoever is behind an address has become somebody else."""

    def __init__(self) -> None:
        self.id = "a" * 32

    async def meet(self, kind: str, identity: str) -> Known:
        return Known(self.id, "", "")

    def recall(self, kind: str, identity: str) -> Known | None:
        return None

    async def holds(self, member_id: str, kind: str, identity: str) -> bool:
        return True

    async def remember(self, member_id: str, *, locale: str | None = None) -> None:
        raise AssertionError("nobody chose a language")


async def test_who_is_behind_an_address_is_asked_again_with_a_new_session_and_not_before() -> None:
    named = Flows()

    @named.flow("name")
    async def name(chat: Chat) -> None:
        await chat.ask("any", Text(), f"I am {chat.member.id[0]}")

    process, members = Process(named, "name", MemoryStore(), Clock()), Moved()
    process.turns = Turns(
        process.engine,
        process.sessions,
        {},
        members,
        translate=Catalogs().translate,
        publish=process.publish,
    )
    await process.open()
    talk = Talk(process)
    assert await talk.dial() == "I am a"
    members.id = "b" * 32
    assert await talk.dial() == "I am a"
    process.clock.advance(300)
    assert await talk.dial() == "I am b"


async def test_what_looks_for_a_session_that_is_gone_keeps_nobody_waiting() -> None:
    """An outcome that comes late, recovery, an operator: the member may be dialling at that moment."""
    talk = await phone(SessionPolicy())
    await talk.dial()
    sessions = talk.process.sessions
    (key,) = [record.key async for record in sessions.store.scan()]
    assert await sessions.store.end(key)
    assert await sessions.claim(key, wait=0.0) is None
    assert await sessions.claim(key, wait=0.0) is None, "nobody holds it"
    assert await talk.dial() == "What"


# --- past the cap ---


async def test_a_member_gets_on_from_a_session_that_a_result_made_too_large() -> None:
    """What has happened is kept, however large; then every turn would be refused until the session expired."""
    flows = Flows()

    @flows.flow("statement")
    async def statement(chat: Chat) -> None:
        await chat.ask("month", Text(), "Month")
        await chat.step("order", order, retry="key")
        await chat.ask("more", Text(), "More")

    async def order(key: str) -> Done[bytes]:
        return Done(bytes(MAX_STATE))

    talk = await start(flows, "statement", policy=SessionPolicy(idle=7 * 86400, resume=7 * 86400))
    await talk.dial()
    assert await talk.say("May") == "Something went wrong. Try again."
    assert await talk.dial() == OFFER
    assert await talk.say("1") == "Something went wrong. Try again."
    assert await talk.dial() == OFFER
    assert question(await talk.say("2")) == "Your last request was completed.\nMonth"
    assert len(str(await talk.process.conversation())) < 1000
