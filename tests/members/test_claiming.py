"""Whose session a turn goes on with: the member's who is behind its address, whatever became of links on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kikao import App, Chat, Done, Flows, SessionPolicy, t
from kikao.conversation import Number
from kikao.events import MembersLinked
from kikao.members import Unlisted
from kikao.members.directory import Directory
from kikao.members.ending import end_sessions
from kikao.members.links import Links
from kikao.sessions.anchors import Anchors
from kikao.sessions.keeper import Held
from kikao.sessions.policy import Address, Explicit, session_key
from kikao.sessions.store import Write
from kikao.testing import Phone, Stage

HOME, WORK, OTHER = "+256772000001", "+256752000002", "+256752000003"
NOBODY = "0" * 32
flows = Flows()


class Till:
    """Takes money from an account, once a key; it says nothing of what became of a key before it is asked again."""

    def __init__(self) -> None:
        self.taken: dict[str, tuple[str, int]] = {}

    async def take(self, account: str, amount: int, *, key: str) -> Done[str]:
        """Take an amount."""
        self.taken.setdefault(key, (account, amount))
        return Done(account)


@flows.flow("shop")
async def shop(chat: Chat) -> None:
    amount = await chat.ask("amount", Number(1, 50), t("How many?"))
    await chat.confirm("ok", t("{amount} from {number}?", amount=amount, number=chat.member.msisdn))
    till = chat.service(Till)
    await chat.step("take", lambda key: till.take(chat.member.msisdn, amount, key=key), retry="key")
    await chat.end(t("Taken from {number} of {who}.", number=chat.member.msisdn, who=chat.member.id[:6]))


def an_app(policy: SessionPolicy | None = None) -> App:
    return App(flows, entry="shop", services={Till: Till()}, policy=policy)


@asynccontextmanager
async def staged(policy: SessionPolicy | None = None) -> AsyncIterator[Stage]:
    async with Stage(an_app(policy or SessionPolicy.across_channels())) as stage:
        yield stage


def directory_of(stage: Stage) -> Directory:
    directory = stage.server.services[Directory]
    assert isinstance(directory, Directory)
    return directory


def links_of(stage: Stage) -> Links:
    links = stage.server.services[Links]
    assert isinstance(links, Links)
    return links


def anchors_of(stage: Stage) -> Anchors:
    """Anchors by hand: what is left where a process died between the two databases."""
    return Anchors(stage.server.sessions, flow="shop")


async def met(stage: Stage, number: str) -> str:
    """The member of a number, who is elder than all who come later."""
    known = await directory_of(stage).meet("msisdn", number)
    stage.clock.advance(1)
    return known.id


async def linked(stage: Stage, *numbers: str) -> str:
    """Numbers that are one member, whose sessions are kept with the first."""
    first = await met(stage, HOME)
    for number in numbers:
        assert await links_of(stage).link(first, "msisdn", number)
    return first


async def asked(phone: Phone) -> str:
    """Dial, and come as far as the confirmation."""
    await phone.dial()
    return await phone.reply("7")


# --- anchors ---


async def test_an_anchor_that_was_made_for_somebody_else_leads_nowhere() -> None:
    """The process died between moving the anchor and linking, and the member was erased before the next one started."""
    async with staged() as stage:
        home, work = stage.phone(HOME), stage.phone(WORK)
        assert "7 from" in await asked(home)
        assert await anchors_of(stage).link(("msisdn", WORK), ("msisdn", HOME), NOBODY)
        assert f"7 from {WORK}?" in await asked(work)
        assert "Continue" in await home.dial()
        assert "Continue" in await work.dial()
        assert f"7 from {WORK}?" in await work.reply("1", "7")
        assert f"Taken from {WORK}" in await work.reply("1")
        assert "Continue" in await home.dial()


async def test_an_anchor_holds_while_its_link_is_on_the_way() -> None:
    async with staged() as stage:
        home, work = stage.phone(HOME), stage.phone(WORK)
        await asked(home)
        member = await met(stage, HOME)
        assert await anchors_of(stage).link(("msisdn", WORK), ("msisdn", HOME), member)
        assert await directory_of(stage).find("msisdn", WORK) is None
        assert "Continue" in await work.dial()
        await work.reply("1", "7")
        assert await work.reply("1") == f"Taken from {HOME} of {member[:6]}."


async def test_what_was_delivered_over_an_anchor_is_recognised_when_it_leads_nowhere_any_more() -> None:
    async with staged() as stage:
        member = await linked(stage, OTHER)
        assert await anchors_of(stage).link(("msisdn", WORK), ("msisdn", HOME), member)
        work = stage.phone(WORK)
        await asked(work)
        receipt = await work.reply("1")

        async def moved(_: object) -> bool:
            return True

        assert await directory_of(stage).unlink(member, "msisdn", HOME, anchor=moved)
        assert await work.again() == receipt
        assert len(stage.service(Till).real.taken) == 1
        assert "How many?" in await work.dial()


async def test_erasing_leaves_nothing_that_ties_those_who_come_next() -> None:
    async with staged() as stage:
        member = await linked(stage, WORK)
        await asked(stage.phone(WORK))
        directory, sessions = directory_of(stage), stage.server.sessions

        async def nothing(_: object) -> None:
            pass

        async def ended(addresses: object) -> None:
            await end_sessions(sessions, addresses)  # type: ignore[arg-type]
            # A link on its way puts the anchor back, and its process dies.
            assert await anchors_of(stage).link(("msisdn", WORK), ("msisdn", HOME), member)

        assert await directory.erase(member, forget=nothing, end_sessions=ended)
        home, work = stage.phone(HOME), stage.phone(WORK)
        assert "7 from" in await asked(home)
        assert await work.dial() == "How many?"


# --- numbers that are handed on ---


@pytest.mark.parametrize("policy", [SessionPolicy(), SessionPolicy.across_channels()])
async def test_who_gets_a_number_gets_nothing_of_a_conversation_that_was_held_there(
    policy: SessionPolicy,
) -> None:
    async with staged(policy) as stage:
        member = await linked(stage, WORK)
        work = stage.phone(WORK)
        if policy.identifier == "member":  # it died after the anchor moved
            assert await anchors_of(stage).unlink(("msisdn", WORK))
        await asked(work)
        assert await links_of(stage).unlink(member, "msisdn", WORK)
        assert "How many?" in await work.reply("1"), "nobody confirms what somebody else was asked"
        assert stage.service(Till).real.taken == {}
        assert await work.dial() == "How many?"
        assert await work.reply("9", "1") != ""
        taken = work.screen
        assert taken.startswith(f"Taken from {WORK} of ")
        assert member[:6] not in taken


async def test_nor_is_told_what_became_of_a_request_that_is_not_theirs() -> None:
    async with staged(SessionPolicy()) as stage:
        member = await linked(stage, WORK)
        work, till = stage.phone(WORK), stage.service(Till)
        await asked(work)
        with till.away():
            await work.reply("1")
        assert await links_of(stage).unlink(member, "msisdn", WORK)
        assert await work.dial() == "Your last request is still being processed. Dial again shortly."
        stage.clock.advance(60)
        assert await stage.server.recovery.once() == 1
        assert [account for account, _ in till.real.taken.values()] == [WORK]
        assert await work.dial() == "How many?"


async def test_who_turned_out_to_be_one_goes_on() -> None:
    async with staged(SessionPolicy()) as stage:
        elder = await met(stage, HOME)
        work = stage.phone(WORK)
        await asked(work)
        assert await links_of(stage).link(elder, "msisdn", WORK)
        assert (await work.reply("1")).startswith(f"Taken from {WORK} of ")


async def test_a_session_that_many_are_to_share_stays_theirs() -> None:
    async with staged(SessionPolicy(identifier=Explicit("kiosk-7"))) as stage:
        await asked(stage.phone(HOME))
        assert "Continue" in await stage.phone(WORK).dial()


async def test_whoever_begins_a_conversation_in_it_acts_for_themselves() -> None:
    """And whoever goes on with another's, for that other."""
    async with staged(SessionPolicy(identifier=Explicit("kiosk-7"))) as stage:
        home, work = stage.phone(HOME), stage.phone(WORK)
        elder, younger = await met(stage, HOME), await met(stage, WORK)
        await asked(home)
        await work.dial()
        assert await work.reply("1", "7", "1") == f"Taken from {HOME} of {elder[:6]}."
        await asked(home)
        await work.dial()
        assert await work.reply("2", "7", "1") == f"Taken from {WORK} of {younger[:6]}."


@pytest.mark.parametrize(
    "policy", [SessionPolicy.across_channels(), SessionPolicy(identifier=Explicit("kiosk"))]
)
async def test_a_conversation_that_leads_to_another_stays_with_whoever_began_it(
    policy: SessionPolicy,
) -> None:
    moving = Flows()

    @moving.flow("basket")
    async def basket(chat: Chat) -> None:
        cups = await chat.ask("cups", Number(), t("Cups?"))
        await chat.goto("pay", total=cups * await chat.ask("price", Number(), t("Price?")))

    @moving.flow("pay")
    async def pay(chat: Chat, total: int) -> None:
        await chat.confirm("ok", t("Pay {total}?", total=total))
        await chat.end(t("{number} of {who}", number=chat.member.msisdn, who=chat.member.id))

    async with Stage(App(moving, entry="basket", policy=policy)) as stage:
        member = await linked(stage, WORK) if policy.names_address else await met(stage, HOME)
        home, work = stage.phone(HOME), stage.phone(WORK)
        await home.dial()
        await home.reply("5")
        await work.dial()
        assert await work.reply("1", "7", "1") == f"{HOME} of {member}"


async def test_without_a_directory_every_address_is_its_own() -> None:
    app = App(flows, entry="shop", services={Till: Till()}, members=False)
    async with Stage(app) as stage:
        home = stage.phone(HOME)
        await asked(home)
        ring = stage.server.sessions.ring
        stage.server.turns.members = Unlisted(type(ring)({"another": b"k" * 32}))
        assert "Continue" in await home.dial(), "also when ids are made with another key"


# --- one conversation, two numbers ---


async def test_a_run_stays_with_the_number_that_it_began_with() -> None:
    async with staged() as stage:
        member = await linked(stage, WORK)
        home, work = stage.phone(HOME), stage.phone(WORK)
        assert HOME in await asked(home)
        await work.dial()
        assert await work.reply("1", "7", "1") == f"Taken from {HOME} of {member[:6]}."
        assert WORK in await asked(work), "the next one is begun at the other number"


async def test_an_answer_is_to_the_screen_of_its_own_phone() -> None:
    """Where a gateway sends single answers, and both phones are on it."""
    async with staged() as stage:
        await linked(stage, WORK)
        home, work = stage.phone(HOME, gateway="nalo"), stage.phone(WORK, gateway="nalo")
        assert await home.dial() == "How many?"
        assert await work.dial() == "How many?"
        assert "7 from" in await work.reply("7")
        assert "7 from" in await home.reply("1"), "one, to the question how many"
        assert stage.service(Till).real.taken == {}
        assert "Taken" in await home.reply("1")


async def test_what_is_typed_on_one_phone_is_no_long_dial_after_the_other_dialled_anew() -> None:
    async with staged() as stage:
        await linked(stage, WORK)
        home, work = stage.phone(HOME), stage.phone(WORK)
        assert await home.dial() == "How many?"
        for _ in range(3):
            await asked(work)
        assert "Continue" in await work.dial()
        assert "Continue" in await home.reply("7"), "seven, to the question how many"
        assert "How many?" in await home.reply("1")
        assert f"7 from {WORK}?" in await home.reply("7")


async def test_recovery_pays_from_the_number_that_the_request_was_made_for() -> None:
    async with staged() as stage:
        await linked(stage, WORK)
        home, work, till = stage.phone(HOME), stage.phone(WORK), stage.service(Till)
        await asked(work)
        await work.reply("1")
        await asked(home)
        with till.away():
            await home.reply("1")
        stage.clock.advance(60)
        assert await stage.server.recovery.once() == 1
        assert [account for account, _ in till.real.taken.values()] == [WORK, HOME]


# --- links at work ---


async def test_a_flow_may_link_the_number_that_it_talks_to() -> None:
    joining = Flows()

    @joining.flow("join")
    async def join(chat: Chat) -> None:
        links = chat.service(Links)
        made = await chat.read("made", lambda: links.link(chat.member.id, "msisdn", WORK))
        await chat.end(t("{made}", made="Linked." if made else "You will be told."))

    policy = SessionPolicy.across_channels()
    async with Stage(App(joining, entry="join", policy=policy)) as stage:
        assert await stage.phone(HOME).dial() == "You will be told."
        assert await links_of(stage).once() == 1
        directory = directory_of(stage)
        assert await directory.find("msisdn", WORK) == await directory.find("msisdn", HOME)


async def test_a_link_that_cannot_be_made_does_not_keep_others_waiting() -> None:
    async with staged() as stage:
        member = await met(stage, HOME)
        work, other = stage.phone(WORK), stage.phone(OTHER)
        for phone in (work, other):
            await asked(phone)
            assert not await links_of(stage).link(member, "msisdn", phone.number)
            stage.clock.advance(1)
        await spoil(stage, WORK)
        stage.clock.advance(3600)
        assert await links_of(stage).once() == 1
        assert await directory_of(stage).find("msisdn", OTHER) == member
        last = stage.events[-1]
        assert isinstance(last, MembersLinked)
        assert last.error.startswith("SealError")


async def spoil(stage: Stage, number: str) -> None:
    """A session that opens for nobody."""
    sessions = stage.server.sessions
    parts = ("flow:shop", f"msisdn:{number}")
    held = await sessions.claim(
        session_key(sessions.ring, parts), (), Address("ussd", "", number, parts=parts), wait=0
    )
    assert isinstance(held, Held)
    record = held.claim.record
    assert record is not None
    write = Write(record.key, held.claim.fence, record.version, 0.0, b"noise", record.address)
    await sessions.store.commit(write)
