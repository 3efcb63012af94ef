"""Members on WhatsApp talk to an app, through its real webhook and the emulated Cloud API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kikao import App, Chat, Flows, QuickReply, Template, Text, t
from kikao.channels.chat.message import MessageRefused
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.whatsapp.emulator import CloudApi
from kikao.conversation.answers import Location
from kikao.events import GatewayTold, MessageDead, MessageReported, MessageRetried
from kikao.testing import Approved, Stage

flows = Flows()


@flows.flow("shop")
async def shop(chat: Chat) -> None:
    what = await chat.choose(
        "what", t("What would you like?"), {key: t(label) for key, label in GOODS.items()}
    )
    if what == "many":
        many = {str(n): t("Kind {n}", n=str(n)) for n in range(1, 8)}
        what = await chat.choose("kind", t("Which kind?"), many)
    if what == "here":
        place = await chat.ask("where", Location(), t("Where are you?"))
        await chat.end(t("We come to {where}.", where=f"{place.latitude:.2f}, {place.longitude:.2f}"))
    name = await chat.ask("name", Text(), t("Your name?"))
    await chat.confirm("ok", t("{what} for {name}?", what=str(what), name=name))
    await chat.end(t("Thank you."))


GOODS = {"tea": "Tea", "many": "Many kinds", "here": "Come here"}


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with Stage(App(flows, entry="shop", channels=["whatsapp"])) as stage:
        yield stage


@pytest.fixture
def api(stage: Stage) -> CloudApi:
    return stage.chats.business()[0]


async def test_a_conversation_from_hello_to_the_end(stage: Stage, api: CloudApi) -> None:
    asha = stage.whatsapp("Asha")
    assert await asha.write("hello") == "What would you like?\n[Tea]\n[Many kinds]\n[Come here]"
    assert await asha.tap("Tea") == "Your name?\n[Back]\n[Home]"
    assert "tea for Asha?" in await asha.write("Asha")
    assert await asha.tap(0) == "Thank you."
    assert api.refused == []
    assert api.ignored == set()


async def test_a_list_opens_where_there_are_more_than_three(stage: Stage, api: CloudApi) -> None:
    asha = stage.whatsapp("Asha")
    await asha.write("hello")
    await asha.tap("Many kinds")
    last = asha.chat.last
    assert (len(last.rows), last.opens) == (9, "Choose")
    assert "Your name?" in await asha.tap("Kind 7")
    assert api.refused == []


async def test_a_location_is_asked_for_with_a_button_and_taken(stage: Stage, api: CloudApi) -> None:
    asha = stage.whatsapp("Asha")
    await asha.write("hello")
    assert "[Send location]" in await asha.tap("Come here")
    assert await asha.share_location(0.3476, 32.5825) == "We come to 0.35, 32.58."
    assert api.refused == []


async def test_somebody_who_hides_their_number_is_answered(stage: Stage, api: CloudApi) -> None:
    hidden = stage.whatsapp("Chidi", user_id="UG.13491208655302741918", phone="")
    await hidden.write("hello")
    assert "Your name?" in await hidden.tap("Tea")
    assert api.ledger[-1].to == "UG.13491208655302741918"


async def test_what_is_no_answer_runs_no_turn(stage: Stage, api: CloudApi) -> None:
    asha = stage.whatsapp("Asha")
    await asha.write("hello")
    sent = len(api.ledger)
    await asha.member.react("👍")
    await asha.member.order(("SKU-1", 2, 500.0))
    await asha.member.send_unsupported()
    await asha.member.edit("goodbye")
    await asha.member.delete()
    await asha.member.change_number("256772000999")
    await asha.member.stop_marketing()
    assert len(api.ledger) == sent
    notes = [event.note for event in stage.events if isinstance(event, GatewayTold)]
    assert {"no answer: reaction", "no answer: order", "no answer: unsupported 131051"} <= set(notes)


async def test_a_message_that_comes_again_is_answered_once(stage: Stage, api: CloudApi) -> None:
    asha = stage.whatsapp("Asha")
    await asha.write("hello")
    sent = len(api.ledger)
    await asha.again()
    assert len(api.ledger) == sent
    assert api.duplicates() == []


async def test_a_text_that_is_too_long_comes_in_pieces(stage: Stage, api: CloudApi) -> None:
    long = Flows()

    @long.flow("long")
    async def say(chat: Chat) -> None:
        await chat.end(t("{text}", text="ሰላም " * 2250))

    async with Stage(App(long, entry="long", channels=["whatsapp"])) as other:
        phone = other.whatsapp("Asha")
        await phone.write("hello")
        assert [len(text) for text in phone.chat.texts] == [4095, 4095, 808]
        assert other.chats.business()[0].refused == []


async def test_the_webhook_is_set(api: CloudApi) -> None:
    answer = await api.verify(challenge="1158201444")
    assert (answer.status, answer.body) == (200, b"1158201444")
    assert dict(answer.headers)["content-type"].startswith("text/plain")
    wrong = await api.verify("wrong-token-of-somebody")
    assert (wrong.status, wrong.body) == (403, b"forbidden\n")


async def test_who_did_not_sign_learns_nothing(stage: Stage, api: CloudApi) -> None:
    assert api.deliveries.send is not None
    for headers in ((), (("x-hub-signature-256", f"sha256={'0' * 64}"),)):
        answer = await api.deliveries.send(Exchange("/whatsapp", headers, b"{broken"))
        assert (answer.status, answer.body) == (403, b"forbidden\n")
    assert not [event for event in stage.events if isinstance(event, GatewayTold)]


LATE = Template("late", {"en": "en"}, body=("name", "what"), buttons=(QuickReply("1"),))
APPROVED = Approved("late", "Hello {{1}}, your {{2}} is late.", buttons=(("quick_reply", "Pay now"),))


@pytest.fixture
async def rent() -> AsyncIterator[Stage]:
    async with Stage(App(flows, entry="shop", channels=["whatsapp"], templates=[LATE])) as stage:
        stage.chats.business()[0].templates.append(APPROVED)
        yield stage


async def test_outside_of_a_day_the_template_is_sent_and_its_button_answers(rent: Stage) -> None:
    asha, api = rent.whatsapp("Asha", phone="+256772000101"), rent.chats.business()[0]
    await asha.write("hello")
    rent.clock.advance(86_400.0)
    filled = LATE(name="Asha", what="rent")
    send = rent.server.messages.send
    await send("k1", "256772000101", "Your rent is late.", over="whatsapp", template=filled)
    await rent.push()
    assert asha.chat.last.text == "Hello Asha, your rent is late."
    assert "Your name?" in await asha.tap("Pay now")
    await send("k2", "256772000101", "Your rent is late.", over="whatsapp", template=filled)
    await rent.push()
    assert asha.chat.last.text == "Your rent is late."  # within a day of what she tapped, free text goes
    assert api.refused == []


async def test_without_a_template_it_waits_until_the_member_writes(rent: Stage) -> None:
    asha = rent.whatsapp("Asha", phone="+256772000101")
    await asha.write("hello")
    rent.clock.advance(86_400.0)
    await rent.server.messages.send("k1", "256772000101", "News", over="whatsapp", good_for=86_400.0)
    await rent.push()
    assert "News" not in asha.chat.texts
    held = [event.reason for event in rent.events if isinstance(event, MessageRetried)]
    assert held == ["window_closed"]
    await asha.write("hello")
    rent.clock.advance(600.0)
    await rent.push()
    assert "News" in asha.chat.texts


async def test_a_template_that_the_app_does_not_declare_is_refused_where_it_is_sent(stage: Stage) -> None:
    with pytest.raises(MessageRefused, match="template late is none of the app's"):
        await stage.server.messages.send(
            "k1", "256772000101", "x", over="whatsapp", template=LATE(name="a", what="b")
        )


async def test_whoever_stopped_marketing_gets_none(stage: Stage) -> None:
    asha, api = stage.whatsapp("Asha", phone="+256772000101"), stage.chats.business()[0]
    await asha.write("hello")
    await asha.member.stop_marketing()
    send = stage.server.messages.send
    await send("k1", "256772000101", "Half the price", over="whatsapp", kind="marketing")
    await send("k2", "256772000101", "Your parcel is here", over="whatsapp")
    await stage.push()
    assert (asha.chat.texts[-1], "Half the price" in asha.chat.texts) == ("Your parcel is here", False)
    stage.clock.advance(1.0)
    await asha.member.resume_marketing()
    await send("k3", "256772000101", "Half the price", over="whatsapp", kind="marketing")
    await stage.push()
    assert asha.chat.texts[-1] == "Half the price"
    assert api.refused == []


async def test_who_blocked_us_is_not_written_to_again_until_they_write(stage: Stage) -> None:
    asha, api = stage.whatsapp("Asha", phone="+256772000101"), stage.chats.business()[0]
    await asha.write("hello")
    asha.member.block()
    for key in ("k1", "k2"):
        await stage.server.messages.send(key, "256772000101", "News", over="whatsapp")
        await stage.push()
    dead = [event.reason for event in stage.events if isinstance(event, MessageDead)]
    assert dead == ["131026 gone", "gone"]
    assert [refusal.code for refusal in api.refused] == [131026]
    asha.member.unblock()
    stage.clock.advance(1.0)
    await asha.write("hello")
    await stage.server.messages.send("k3", "256772000101", "News", over="whatsapp")
    await stage.push()
    assert asha.chat.texts[-1] == "News"


async def test_that_it_could_not_be_delivered_may_be_told_later(stage: Stage) -> None:
    asha, api = stage.whatsapp("Asha", phone="+256772000101"), stage.chats.business()[0]
    await asha.write("hello")
    stage.clock.advance(1.0)
    asha.member.block()
    api.told_later.add(131026)
    for key in ("k1", "k2"):
        await stage.server.messages.send(key, "256772000101", "News", over="whatsapp")
        await stage.push()
        await api.deliver()
    reported = [event.status for event in stage.events if isinstance(event, MessageReported)]
    assert reported[-1] == "failed"
    assert [event.reason for event in stage.events if isinstance(event, MessageDead)] == ["gone"]


async def test_ticks_come_back_in_whatever_order(stage: Stage, api: CloudApi) -> None:
    api.reports = ("read", "sent", "delivered", "sent")
    asha = stage.whatsapp("Asha")
    await asha.write("hello")
    await api.deliver()
    reported = [event.status for event in stage.events if isinstance(event, MessageReported)]
    assert reported[-1] == "read"


async def test_a_number_that_is_told_to_rest_rests_and_then_goes_on(stage: Stage, api: CloudApi) -> None:
    api.limits(30.0)
    asha = stage.whatsapp("Asha")
    assert await asha.write("hello") == ""
    stage.clock.advance(31.0)
    await stage.push()
    assert asha.buttons == ["Tea", "Many kinds", "Come here"]
