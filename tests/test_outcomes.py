"""Outcomes that come after their reply: a chat goes on by itself, and after a USSD dialogue an SMS tells; each once."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import msgpack

from kikao import App, Chat, Flows, Money, SessionPolicy, Unknown
from kikao.channels.inbound import Chatted, Inbound
from kikao.channels.outbox.sender import Delivered, Letter, TryLater
from kikao.channels.sms.emulator import SHORT_CODE
from kikao.conversation.outcomes import Done
from kikao.conversation.secrets import Secret
from kikao.events import MessageDead, TurnCommitted
from kikao.i18n import t
from kikao.live import Live, anyone
from kikao.outcomes import Outcomes
from kikao.sessions.keeper import Held
from kikao.sessions.outcomes import Left
from kikao.sessions.posting import OUTCOMES, opened
from kikao.testing import Phone, Stage
from tests.channels.sms.serving import ASHA

SENT = "Sent UGX 500. Ref A1"


class Bank:
    """Pays, and knows what it has paid."""

    def __init__(self) -> None:
        self.paid: dict[str, str] = {}

    async def pay(self, key: str) -> str:
        return self.paid.setdefault(key, f"A{len(self.paid) + 1}")

    async def find(self, key: str) -> Any:
        return Done(self.paid[key]) if key in self.paid else Unknown("never heard of it")


def shop(**options: Any) -> App:
    flows = Flows()

    @flows.flow("pay", title=t("Pay"))
    async def pay(chat: Chat) -> None:
        bank = chat.service(Bank)
        amount = await chat.ask("amount", Money("UGX"), t("How much?"))
        ref = await chat.step("pay", bank.pay, retry="check", check=bank.find)
        if amount.minor >= 1000:
            await chat.confirm("more", t("{amount} went. Ref {ref}. Again?", amount=amount, ref=ref))
            await chat.step("again", bank.pay, retry="check", check=bank.find)
        await chat.end(t("Sent {amount}. Ref {ref}", amount=amount, ref=ref))

    return App(
        flows, entry="pay", members=False, channels=["ussd", "sms"], services={Bank: Bank()}, **options
    )


class Asha:
    """A member of the stage's app, who writes SMS."""

    def __init__(self, stage: Stage) -> None:
        self.api = stage.chats.texts["africastalking"]

    async def writes(self, *texts: str) -> None:
        for text in texts:
            await self.api.texts(ASHA, text)

    @property
    def inbox(self) -> list[str]:
        """What is on her phone."""
        return self.api.inbox(ASHA)


async def settle(stage: Stage) -> None:
    """What was held back comes to its end, and all that is due has left."""
    await stage.settle()
    await stage.push()


RECEIVED = "Request received. Do not repeat it. You will get the result here."


# --- in a chat ---


async def test_a_chat_goes_on_by_itself_once() -> None:
    async with Stage(shop()) as stage:
        asha = Asha(stage)
        with stage.service(Bank).slow("pay"):
            await asha.writes("Hi", "500")
            assert asha.inbox == ["How much?", RECEIVED]
        await settle(stage)
        assert asha.inbox[2:] == [SENT]
        assert {sent.sender for sent in asha.api.sent} == {SHORT_CODE}, "from where she wrote to"
        await settle(stage)
        await asha.writes("Hi")
        assert asha.inbox[2:] == [SENT, "How much?"]
    turns = [event for event in stage.events if isinstance(event, TurnCommitted)]
    assert [turn.what for turn in turns] == ["asked", "overdue", "ended", "asked"]


async def test_who_wrote_meanwhile_has_seen_it() -> None:
    async with Stage(shop()) as stage:
        asha = Asha(stage)
        with stage.service(Bank).slow("pay"):
            await asha.writes("Hi", "500")
        await stage.settle()  # it is stored, and its letter waits
        stage.server.sending.screens._stopping = True
        await asha.writes("Well?")
        stage.server.sending.screens._stopping = False
        await settle(stage)
        assert asha.inbox[2:] == [SENT]


async def test_who_asks_too_early_is_told_to_wait_and_then_told() -> None:
    async with Stage(shop()) as stage:
        asha = Asha(stage)
        with stage.service(Bank).slow("pay"):
            await asha.writes("Hi", "500", "Well?")
        await settle(stage)
        assert asha.inbox[2:] == [
            "Your last request is still being processed. You will get the result here.",
            SENT,
        ]


async def test_each_effect_of_a_conversation_is_told() -> None:
    async with Stage(shop()) as stage:
        asha = Asha(stage)
        for number, text in enumerate(("1000", "1")):
            with stage.service(Bank).slow("pay"):
                await asha.writes(*(("Hi", text) if number == 0 else (text,)))
            await settle(stage)
        assert [each.partition("\n")[0] for each in asha.inbox] == [
            "How much?",
            RECEIVED,
            "UGX 1,000 went. Ref A1. Again?",
            RECEIVED,
            "Sent UGX 1,000. Ref A1",
        ]


@pytest.mark.parametrize("before", [True, False])
async def test_a_process_that_dies_around_the_turn_that_tells_leaves_it_to_the_next(before: bool) -> None:
    async with Stage(shop()) as stage:
        asha = Asha(stage)
        with stage.service(Bank).slow("pay"):
            await asha.writes("Hi", "500")
        await stage.settle()
        stage.crash_at("commit", before=before)
        await stage.push()
        assert asha.inbox[2:] == []
        await stage.restart()
        stage.clock.advance(60)  # the lease of the letter that was on its way
        await settle(stage)
        await settle(stage)
        assert asha.inbox[2:] == [SENT]


async def test_what_recovery_finds_out_is_told_as_well() -> None:
    async with Stage(shop()) as stage:
        asha = Asha(stage)
        with stage.service(Bank).slow("pay"):
            await asha.writes("Hi", "500")
            await stage.crash()
        await stage.restart()
        stage.clock.advance(60)
        await settle(stage)
        assert asha.inbox[2:] == [SENT]


async def test_what_was_left_behind_is_told_above_what_is_asked_now() -> None:
    async with Stage(shop()) as stage:
        asha = Asha(stage)
        with stage.service(Bank).away("find"), stage.service(Bank).breaks("pay"):
            await asha.writes("Hi", "500", "Hi", "2")
        assert (
            asha.inbox[1] == "We are checking your request. Do not repeat it. You will get the result here."
        )
        assert asha.inbox[-1] == "How much?"
        stage.clock.advance(60)
        await settle(stage)
        assert asha.inbox[-1] == "Your last request was completed.\nHow much?"


# --- after a dialogue of USSD ---


async def dialled(stage: Stage, amount: str = "500") -> Phone:
    """Asha asked for something that takes longer than a dialogue."""
    phone = stage.phone(ASHA)
    with stage.service(Bank).slow("pay"):
        await phone.dial()
        closing = await phone.reply(amount)
        assert closing == "Request received. Do not repeat it. Dial again to see the result."
    await stage.settle()
    return phone


async def test_after_a_dialogue_an_sms_tells_and_so_does_the_next_dial() -> None:
    async with Stage(shop()) as stage:
        phone = await dialled(stage)
        await settle(stage)
        assert Asha(stage).inbox == [SENT]
        assert await phone.dial() == SENT
        await settle(stage)
        assert Asha(stage).inbox == [SENT]


async def test_who_dialled_meanwhile_gets_no_sms() -> None:
    async with Stage(shop()) as stage:
        phone = await dialled(stage)
        assert await phone.dial() == SENT
        await settle(stage)
        assert Asha(stage).inbox == []


async def test_a_question_is_not_asked_by_sms_and_nothing_is_done_for_it() -> None:
    async with Stage(shop()) as stage:
        phone = await dialled(stage, "1000")
        await settle(stage)
        assert Asha(stage).inbox == ["Your last request was completed.\nDial *284# to go on."]
        assert (await phone.dial()).startswith("UGX 1,000 went. Ref A1. Again?")
        assert len(stage.service(Bank).real.paid) == 1


async def test_a_member_who_said_stop_hears_of_it_at_the_next_dial() -> None:
    async with Stage(shop()) as stage:
        asha = Asha(stage)
        stage.clock.advance(1)
        await asha.writes("STOP")
        phone = await dialled(stage)
        await settle(stage)
        assert len(asha.inbox) == 1, "that it is stopped"
        assert [each.reason for each in stage.events if isinstance(each, MessageDead)] == ["stopped"]
        assert await phone.dial() == SENT


async def test_where_the_app_wants_none_only_the_next_dial_tells() -> None:
    async with Stage(shop(outcomes=())) as stage:
        phone = await dialled(stage)
        await settle(stage)
        assert await phone.dial() == SENT
        assert Asha(stage).api.calls == 0
        assert [each async for each in stage.store.messages()] == []


async def test_without_any_line_there_is_nothing_to_tell_with() -> None:
    async with Stage(shop()) as stage:
        server = stage.server
        bare = Outcomes(server.turns, {}, server.messages, {}, server.turns._translate, over=())
        assert bare.destinations == {}
        assert OUTCOMES in server.sending.screens.destinations


def test_what_outcomes_can_be_told_over_is_known() -> None:
    for wrong in ("sms", ["whatsapp"]):
        with pytest.raises(ValueError, match="outcomes must be a list, of sms, ussd, socket or empty"):
            shop(outcomes=wrong)


# --- on other channels ---


def chats(**options: Any) -> App:
    return App(
        shop().engine.flows,
        entry="pay",
        members=False,
        channels=["telegram", "whatsapp"],
        services={Bank: Bank()},
        **options,
    )


@pytest.mark.parametrize("channel", ["telegram", "whatsapp"])
async def test_other_chats_go_on_by_themselves_as_well(channel: str) -> None:
    async with Stage(chats()) as stage:
        asha = stage.telegram("Asha") if channel == "telegram" else stage.whatsapp("Asha", phone=ASHA)
        with stage.service(Bank).slow("pay"):
            await asha.write("hi")
            assert await asha.write("500") == RECEIVED
        await settle(stage)
        assert asha.chat.messages[-1].text == SENT


async def test_a_conversation_in_a_group_goes_on_there() -> None:
    policy = SessionPolicy(idle=3600, resume=0.0, opens="message")
    async with Stage(chats(policy={"telegram": policy})) as stage:
        asha = stage.telegram("Asha")
        group = stage.chats.bot().group("Savings", asha.member)
        with stage.service(Bank).slow("pay"):
            await asha.write("@kikao_bot hi", group=group)
            await asha.write("@kikao_bot 500", group=group)
            assert group.chat.messages[-1].text == RECEIVED
        await settle(stage)
        assert group.chat.messages[-1].text == SENT
        assert SENT not in [message.text for message in asha.chat.messages]


async def test_a_letter_whose_line_is_gone_is_given_up_and_the_outcome_stays() -> None:
    async with Stage(shop()) as stage:
        asha = Asha(stage)
        with stage.service(Bank).slow("pay"):
            await asha.writes("Hi", "500")
        await stage.settle()
        lines, stage.server.outcomes._lines = stage.server.outcomes._lines, {}
        await stage.push()
        stage.server.outcomes._lines = lines
        reasons = [each.reason for each in stage.events if isinstance(each, MessageDead)]
        assert reasons == ["its line is not in the settings"]
        await asha.writes("Well?")
        assert asha.inbox[-1] == SENT


async def test_a_letter_about_a_session_that_is_gone_or_busy() -> None:
    async with Stage(shop()) as stage:
        outcomes = stage.server.outcomes
        letter = Letter(bytes(16), OUTCOMES, msgpack.encode((b"k" * 32, "t")), 1)
        assert await outcomes.send(letter) == Delivered()
        await dialled(stage)
        (kept,) = [each async for each in stage.store.messages()]
        waits = Letter(kept.id, kept.to, opened(stage.server.sessions.ring, kept), 1)
        held = await stage.server.sessions.claim(Left.read(waits.body).session, wait=0.0)
        assert isinstance(held, Held)
        assert await outcomes.send(waits) == TryLater("busy")
        await stage.server.sessions.release_quietly(held)
        assert await outcomes.send(waits) == Delivered()


async def test_a_flow_that_reads_from_a_service_that_is_away_tells_what_is_certain() -> None:
    flows = Flows()

    @flows.flow("pay", title=t("Pay"))
    async def pay(chat: Chat) -> None:
        bank = chat.service(Bank)
        await chat.ask("amount", Money("UGX"), t("How much?"))
        await chat.step("pay", bank.pay, retry="key", done=t("You paid."))
        balance = await chat.read("balance", lambda: bank.find("x"))
        await chat.end(t("Balance {balance}", balance=str(balance)))

    app = App(flows, entry="pay", members=False, channels=["ussd", "sms"], services={Bank: Bank()})
    async with Stage(app) as stage:
        await dialled(stage)
        with stage.service(Bank).away("find"):
            await settle(stage)
        assert Asha(stage).inbox == ["You paid.\nDial *284# to go on."]


async def test_an_outcome_of_nobody_begins_nothing() -> None:
    async with Stage(shop()) as stage:
        gateway = stage.server.lines["sms/africastalking"]
        inbound = Inbound("sms", "africastalking", ASHA, "outcome", Secret(""), msisdn=ASHA, chat=Chatted())
        assert (await stage.server.turns.handle(inbound, gateway)).status == 200
        await settle(stage)
        assert Asha(stage).inbox == []
        assert not any(isinstance(each, TurnCommitted) for each in stage.events)


# --- in a web chat ---


def with_page(**options: Any) -> App:
    flows = shop().engine.flows
    return App(flows, entry="pay", services={Bank: Bank()}, live=Live(users=anyone), **options)


async def test_who_has_a_web_chat_and_no_sms_reads_it_there() -> None:
    async with Stage(with_page()) as stage:
        page = stage.webchat("Asha")
        await page.listen()
        phone = await dialled(stage)
        members, links = stage.server.members, stage.server.links
        assert members is not None
        assert links is not None
        (session,) = await stage.stored()
        await links.link(session.member, "user", "asha")
        await settle(stage)
        assert await page.listen() == SENT
        assert await phone.dial() == SENT


async def test_who_has_neither_hears_of_it_at_the_next_dial_and_nobody_looks_into_it() -> None:
    async with Stage(with_page()) as stage:
        phone = await dialled(stage)
        await settle(stage)
        assert await phone.dial() == SENT
        assert [each for each in stage.events if isinstance(each, MessageDead)] == []


async def test_what_comes_late_in_a_web_chat_is_said_there() -> None:
    async with Stage(with_page(outcomes=())) as stage:
        page = stage.webchat("Asha")
        with stage.service(Bank).slow("pay"):
            await page.start()
            assert await page.write("500") == RECEIVED
        await settle(stage)
        assert await page.listen() == SENT
