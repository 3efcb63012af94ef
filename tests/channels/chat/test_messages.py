"""Messages that nobody asked for: stored once under their key, in order, refused where none can go."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao import App, Chat, Flows, Template
from kikao.channels.chat.message import Choice, Link, Message, MessageRefused, Parcel, legible
from kikao.channels.chat.messages import GOOD_FOR, Messages
from kikao.config import load
from kikao.conversation.screens import Option, Screen
from kikao.events import Event, MessageDead, StepRefused
from kikao.i18n import t
from kikao.members import UnknownMember
from kikao.server import Server
from kikao.sessions.posting import opened
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock, Phone, in_process
from tests.channels.chat.talk import Letters
from tests.channels.sms.serving import ASHA, BINTA, serving

PAID = Template("paid", {"en": "en"}, body=("amount",))


def shop() -> App:
    flows = Flows()

    @flows.flow("shop")
    async def sell(chat: Chat) -> None:
        messages = chat.service(Messages)
        text = t("You received UGX 500 from Asha")
        await chat.step("tell", lambda key: messages.send(key, BINTA, text, over="sms"), retry="key")
        await chat.end("Sent")

    return App(flows, entry="shop", members=False)


async def test_a_flow_tells_somebody_else_once(tmp_path: Path) -> None:
    async with serving(shop(), tmp_path) as (server, api):
        assert await Phone(in_process(server), number=ASHA).dial() == "Sent"
        await server.push()
        assert api.inbox(BINTA) == ["You received UGX 500 from Asha"]
        first = await server.messages.send("k1", BINTA, "Hello", over="sms/africastalking")
        assert await server.messages.send("k1", BINTA, "Hello", over="sms") == first
        await server.push()
    assert api.inbox(BINTA)[1:] == ["Hello"]
    assert api.sent[-1].sender == "KIKAO"


async def test_what_cannot_be_sent_is_refused_in_a_step_which_leaves_nothing_open(tmp_path: Path) -> None:
    events: list[Event] = []
    settings = load({"KIKAO_SIMULATOR": "off"}, tmp_path, makes_keys=True)
    async with shop().serving(
        settings, store=MemoryStore(), subscribers=[events.append], background=False
    ) as server:
        phone = Phone(in_process(server), number=ASHA)
        for _ in range(2):
            assert await phone.dial() == "The request was refused."
    first, second = (event for event in events if isinstance(event, StepRefused))
    assert first.code == second.code == "rejected"
    assert "no line 'sms' to send over" in first.reason


def test_an_operator_reads_a_message_as_its_member_does_but_for_the_address_of_its_link() -> None:
    choices = (Choice("1", "Confirm"), Choice("2", "Cancel"))
    link = Link("Enter it here", "https://chat.example.com/secret/abc")
    parcel = Parcel("700", Message("Send UGX 500?\nTo Binta", choices, link=link), 1.0)
    assert legible("telegram/bot-api", parcel.written()) == (
        "Send UGX 500?\nTo Binta\n[1] Confirm\n[2] Cancel\n[link] Enter it here"
    )
    assert legible("socket/phoenix", Parcel("asha", Message("Hello"), 1.0).written()) == "Hello"
    assert legible("sms/africastalking", b"\xff") == "(1 octets)"
    assert legible("webhook/crm", b'{"a": 1}') == '{"a": 1}'


async def test_messages_to_one_number_leave_in_order_and_not_for_ever(tmp_path: Path) -> None:
    clock, events = Clock(), list[Event]()
    async with serving(shop(), tmp_path, clock=clock, events=events) as (server, api):
        await server.messages.send("late", BINTA, "Too late", over="sms")
        clock.advance(GOOD_FOR + 1)
        for number in range(5):
            await server.messages.send(f"k{number}", BINTA, f"{number}", over="sms")
        await server.push()
    assert api.inbox(BINTA) == ["0", "1", "2", "3", "4"]
    assert [event.reason for event in events if isinstance(event, MessageDead)] == ["expired"]


async def test_it_is_written_in_the_language_that_is_said(tmp_path: Path) -> None:
    async with serving(shop(), tmp_path) as (server, api):
        await server.messages.send("k1", BINTA, t("Back"), over="sms", locale="sw")
        await server.messages.send("k2", BINTA, "Two\nlines", over="sms")
        await server.push()
    assert api.inbox(BINTA) == ["Rudi", "Two\nlines"]


async def test_nothing_of_it_is_in_the_store_as_it_is(tmp_path: Path) -> None:
    async with serving(shop(), tmp_path) as (server, _):
        await server.messages.send("k1", BINTA, "Hello", over="sms", kind="marketing")
        (stored,) = [each async for each in server.sessions.store.messages()]
        assert stored.urgency == 2, "behind replies and notices"
        assert BINTA.encode() not in stored.payload
        parcel = Parcel.read(opened(server.sessions.ring, stored))
    assert (parcel.to, parcel.kind, parcel.message) == (BINTA, "marketing", Message("Hello"))


QUESTION = Screen((t("Yes?"),), (Option("1", t("Yes"), "yes"),))


@pytest.mark.parametrize(
    ("to", "text", "over", "why"),
    [
        ("0772000002", "Hello", "sms", "E.164"),
        (BINTA, "", "sms", "empty"),
        (BINTA, " \n ", "sms", "empty"),
        (BINTA, "x" * 2000, "sms", "takes 3"),
        (BINTA, QUESTION, "sms", "asks nothing"),
        (BINTA, Screen((t("x" * 2000),), whole=True), "sms", "does not fit"),
        (BINTA, "Hello", "telegram", "no line 'telegram' to send over. There are: sms/africastalking"),
        (BINTA, "Hello", "sms/acme", "no line 'sms/acme'"),
        (BINTA, "Hello", "ussd", "There are: none in the settings"),
    ],
)
async def test_what_cannot_be_sent_is_refused(
    tmp_path: Path, to: str, text: str | Screen, over: str, why: str
) -> None:
    async with serving(shop(), tmp_path) as (server, api):
        with pytest.raises(MessageRefused, match=why):
            await server.messages.send("k", to, text, over=over)
        assert server.messages.has(over) == (over == "sms")
        await server.push()
    assert api.calls == 0


async def test_only_whatsapp_has_templates(tmp_path: Path) -> None:
    async with serving(shop(), tmp_path) as (server, _):
        with pytest.raises(MessageRefused, match="has no templates"):
            await server.messages.send("k", BINTA, "Hello", over="sms", template=PAID(amount="500"))


async def test_a_long_text_in_a_chat_goes_in_parts_that_are_stored_once(tmp_path: Path) -> None:
    async with serving(shop(), tmp_path) as (server, _):
        chat = Letters("bot-api")
        messages = Messages(
            {chat.line: chat}, server.messages._notices, server.sessions, server.turns._translate, locale="en"
        )
        text = " ".join(["word"] * 2000)
        for _ in range(2):
            await messages.send("k", "700", text, over="telegram")
        stored = [each async for each in server.sessions.store.messages()]
        parcels = [Parcel.read(opened(server.sessions.ring, each)) for each in stored]
        assert len(parcels) == 3
        assert " ".join(parcel.message.text for parcel in parcels) == text
        for wrong in ("", "a b", "x" * 200):
            with pytest.raises(MessageRefused, match="no address on telegram"):
                await messages.send("k", wrong, "Hello", over="telegram")


# --- to a member, wherever they are ---


async def met(server: Server) -> str:
    """The id of a member who was met on SMS."""
    assert server.members is not None
    return (await server.members.meet("msisdn", BINTA)).id


def app() -> App:
    return App(shop().engine.flows, entry="shop")


async def test_a_member_is_written_to_where_they_may_be_in_their_language(tmp_path: Path) -> None:
    async with serving(app(), tmp_path) as (server, api):
        member = await met(server)
        assert server.members is not None
        await server.members.remember(member, locale="sw")
        first = await server.messages.send_to_member("k", member, t("Back"))
        assert await server.messages.send_to_member("k", member, t("Back"), over=["sms"]) == first
        await server.push()
    assert api.inbox(BINTA) == ["Rudi"]


async def test_a_member_who_stopped_it_is_not_and_that_is_said_at_once(tmp_path: Path) -> None:
    async with serving(app(), tmp_path) as (server, api):
        member = await met(server)
        await api.texts(BINTA, "STOP")
        with pytest.raises(MessageRefused, match="no line on which this member"):
            await server.messages.send_to_member("k", member, "Hello")
        with pytest.raises(MessageRefused, match="no line on which this member"):
            await server.messages.send_to_member("k", member, "Hello", over=["telegram"])
        with pytest.raises(UnknownMember):
            await server.messages.send_to_member("k", "0" * 32, "Hello")


async def test_an_app_without_members_has_none_to_write_to(tmp_path: Path) -> None:
    async with serving(shop(), tmp_path) as (server, _):
        with pytest.raises(MessageRefused, match="keeps no members"):
            await server.messages.send_to_member("k", "m", "Hello")
