"""Africa's Talking's SMS, spoken with its emulator: what members write, what they get, and what is told besides."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from kikao import App, Chat, Flows, Text
from kikao.channels.calling import Answer, Call
from kikao.channels.channel import BadRequest, Request
from kikao.channels.chat.message import Choice, Link, Message, Parcel
from kikao.channels.chat.told import Changed, Keyword, Other, Report
from kikao.channels.outbox.sender import Delivered, Rejected, TryLater
from kikao.channels.sms.africastalking import POOR, AfricasTalking, Callbacks
from kikao.channels.sms.emulator import SHORT_CODE, SmsApi
from kikao.channels.sms.texting import text_of
from kikao.config import Hidden, SettingsError
from kikao.events import Event, GatewayTold, MessageDead, MessageRetried, MessageSent
from kikao.i18n import t
from kikao.opening import refuse_readable
from kikao.sessions.outgoing import Status
from tests.channels.sms.serving import ASHA, account, serving, settings_of

STORIES = ["The hare and the tortoise " + "ran on and on " * 30, "The lion " + "slept and slept " * 40]


def shop(channels: tuple[str, ...] = ("ussd", "sms")) -> App:
    flows = Flows()

    @flows.flow("shop", title=t("Shop"))
    async def sell(chat: Chat) -> None:
        drink = await chat.choose("drink", t("What would you like?"), {"tea": t("Tea"), "milk": t("Milk")})
        name = await chat.ask("name", Text(), t("Your name?"))
        await chat.end(t("{drink} for {name} is coming.", drink=drink, name=name))

    return App(flows, entry="shop", members=False, channels=channels)


async def test_a_conversation_over_sms_is_numbered_text(tmp_path: Path) -> None:
    async with serving(shop(), tmp_path) as (server, api):
        for text in ("Hi", "2", "Asha"):
            assert (await api.texts(ASHA, text)).status == 200
            await server.push()
    assert api.inbox(ASHA) == [
        "What would you like?\n1 Tea\n2 Milk",
        "Your name?\n0 Back\n00 Home",
        "milk for Asha is coming.",
    ]
    assert {sent.sender for sent in api.sent} == {SHORT_CODE}, "answered from where they wrote to"
    assert not api.refused


async def test_a_message_that_comes_again_is_answered_once(tmp_path: Path) -> None:
    async with serving(shop(), tmp_path) as (server, api):
        for _ in range(3):
            assert (await api.texts(ASHA, "Hi", id_="m1")).status == 200
            await server.push()
    assert len(api.inbox(ASHA)) == 1


async def test_where_the_app_only_sends_what_members_write_is_told(tmp_path: Path) -> None:
    events: list[Event] = []
    async with serving(shop(("ussd",)), tmp_path, events=events) as (server, api):
        assert (await api.texts(ASHA, "Thanks")).status == 200
        await server.push()
    assert api.inbox(ASHA) == []
    (told,) = [event for event in events if isinstance(event, GatewayTold)]
    assert (told.gateway, told.note) == ("africastalking", "a member wrote, and the app is not meant for SMS")


async def test_a_long_screen_has_pages_of_as_many_segments_as_are_set(tmp_path: Path) -> None:
    flows = Flows()

    @flows.flow("stories", title=t("Stories"))
    async def stories(chat: Chat) -> None:
        await chat.end(t("{text}", text="\n".join(STORIES)))

    app = App(flows, entry="stories", members=False, channels=["sms"])
    async with serving(app, tmp_path, sms=account(segments="2")) as (server, api):
        await api.texts(ASHA, "Hi")
        await server.push()
        while "98 More" in api.inbox(ASHA)[-1]:
            await api.texts(ASHA, "98")
            await server.push()
    assert len(api.sent) >= 4
    assert all(sent.segments.count <= 2 for sent in api.sent)
    read = " ".join(" ".join(api.inbox(ASHA)).split())
    for word in ("tortoise", "lion", "slept"):
        assert word in read


async def test_what_fails_is_sent_again_and_what_is_refused_is_not(tmp_path: Path) -> None:
    events: list[Event] = []
    async with serving(shop(), tmp_path, events=events) as (server, api):
        api.fails()
        await api.texts(ASHA, "Hi")
        await server.push()
        assert api.sent == []
        (retried,) = [event for event in events if isinstance(event, MessageRetried)]
        assert (retried.to, retried.reason) == ("sms/africastalking", "HTTP 503")
        api.refusing["+256772000002"] = 403
        await api.texts("+256772000002", "Hi")
        await server.push()
    (dead,) = [event for event in events if isinstance(event, MessageDead)]
    assert dead.reason == "403 InvalidPhoneNumber"
    assert not any(isinstance(event, MessageSent) for event in events)


def gateway(**options: str) -> AfricasTalking:
    return AfricasTalking(account(**options))


async def test_an_app_called_sandbox_is_in_the_sandbox() -> None:
    assert gateway().api_url == "https://api.sandbox.africastalking.com"
    assert gateway(username="acme").api_url == "https://api.africastalking.com"


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (201, b'{"SMSMessageData":{"Recipients":[{"statusCode":101,"messageId":"x"}]}}', Delivered("x")),
        (201, b'{"SMSMessageData":{"Recipients":[{"statusCode":102,"messageId":"x"}]}}', Delivered("x")),
        (
            201,
            b'{"SMSMessageData":{"Recipients":[{"statusCode":405}]}}',
            TryLater("405 InsufficientBalance", POOR),
        ),
        (201, b'{"SMSMessageData":{"Recipients":[{"statusCode":406}]}}', Rejected("406 UserInBlacklist")),
        (201, b'{"SMSMessageData":{"Recipients":[{"statusCode":501}]}}', TryLater("501 GatewayError")),
        (201, b'{"SMSMessageData":{"Recipients":[{"statusCode":777}]}}', TryLater("777")),
        (
            201,
            b'{"SMSMessageData":{"Message":"InvalidSenderId","Recipients":[]}}',
            Rejected("no recipient was taken"),
        ),
        (201, b"<html>", Delivered()),
        (401, b"The supplied authentication is invalid", TryLater("HTTP 401: the key is refused", POOR)),
        (400, b"", Rejected("HTTP 400")),
        (500, b"", TryLater("HTTP 500")),
    ],
)
def test_what_the_answer_says(status: int, body: bytes, outcome: object) -> None:
    assert gateway().outcome(Answer(status, (), body), 0.0) == outcome


async def test_a_wrong_key_is_no_fault_of_the_message(tmp_path: Path) -> None:
    async with serving(shop(), tmp_path, SmsApi(api_key="another")) as (server, api):
        await api.texts(ASHA, "Hi")
        await server.push()
        assert [each.state async for each in server.sessions.store.messages()] == ["waiting"]


# --- what comes ---


def receive(form: str, tmp_path: Path, **options: str) -> tuple[Any, ...]:
    found = Callbacks(settings_of(tmp_path), gateway(**options)).receive(
        Request("POST", "/sms/africastalking", b"", {}, form.encode())
    )
    return found.told or found.inbounds


def test_reports_are_read_in_the_provider_s_words(tmp_path: Path) -> None:
    line = "sms/africastalking"
    reference: dict[str, Any] = {"line": line, "reference": "a1", "at": 0.0}
    assert receive("id=a1&status=Success&phoneNumber=%2B256772000001&networkCode=64110", tmp_path) == (
        Report(**reference, status=Status.DELIVERED, identity=ASHA),
    )
    assert receive("id=a1&status=Buffered", tmp_path) == (Report(**reference, status=Status.SENT),)
    assert receive(
        "id=a1&status=Failed&phoneNumber=%2B256772000001&failureReason=UserInBlackList", tmp_path
    ) == (
        Report(**reference, status=Status.FAILED, identity=ASHA),
        Changed(line=line, identity=ASHA, what="stopped", at=0.0, reason="user_in_blacklist"),
    )
    assert receive("id=a1&status=Pondered", tmp_path) == (
        Other(line=line, note="a delivery report with a status that is not documented"),
    )


def test_a_stop_is_told_and_is_no_message(tmp_path: Path) -> None:
    line = "sms/africastalking"
    message = "from=%2B256772000001&to=22384&id=m1&text="
    stopped = Changed(line=line, identity=ASHA, what="stopped", at=0.0, reason="stop")
    for text in ("STOP", "stop.", "%20Stop%20", "%22Stop%21%22"):
        assert receive(message + text, tmp_path) == (
            stopped,
            Keyword(line=line, identity=ASHA, what="stop", locale="en"),
        )
    assert receive(message + "anza", tmp_path) == (
        Changed(line=line, identity=ASHA, what="started", at=0.0, reason="start"),
        Keyword(line=line, identity=ASHA, what="start", locale="sw"),
    )
    assert receive(message + "HELP", tmp_path) == (
        Keyword(line=line, identity=ASHA, what="help", locale="en"),
    )
    for text in ("Stop+it", "nonstop", "1"):
        (inbound,) = receive(message + text, tmp_path)
        assert inbound.msisdn == ASHA
    (inbound,) = receive(message + "STOP", tmp_path, stop="QUIT")
    assert inbound.text.reveal() == "STOP"
    assert len(receive(message + "quit", tmp_path, stop="QUIT,LEAVE")) == 2


def test_a_member_who_stopped_a_name_at_the_provider_is_stopped(tmp_path: Path) -> None:
    assert receive("senderId=KIKAO&phoneNumber=%2B256772000001", tmp_path) == (
        Changed(line="sms/africastalking", identity=ASHA, what="stopped", at=0.0, reason="opt_out"),
    )


def test_what_comes_from_a_name_has_nobody_to_answer(tmp_path: Path) -> None:
    (told,) = receive("from=MTN&to=22384&id=m1&text=Hello", tmp_path)
    assert isinstance(told, Other)


@pytest.mark.parametrize("form", ["", "a=b", "text=Hi", "from=%2B256772000001&text=Hi&to=1", "id=1&status="])
def test_what_is_no_callback_of_the_provider_is_refused(form: str, tmp_path: Path) -> None:
    if form == "id=1&status=":
        assert isinstance(receive(form, tmp_path)[0], Other)
        return
    with pytest.raises(BadRequest, match="sms/africastalking"):
        receive(form, tmp_path)


async def test_only_who_knows_the_token_posts_messages(tmp_path: Path) -> None:
    secret = "s" * 40
    async with serving(shop(), tmp_path, sms=account(token=secret)) as (server, api):
        assert (await api.texts(ASHA, "Hi")).status == 200
        api.calls_back(server, token="wrong")
        assert (await api.texts(ASHA, "Hi")).status == 404


def test_what_cannot_be_tapped_is_written() -> None:
    message = Message("Pay?", (Choice("1", "Yes"),), link=Link("Enter your PIN", "https://x.example/s/1"))
    assert text_of(message) == "Pay?\n1 Yes\nEnter your PIN: https://x.example/s/1"


def test_an_account_that_nobody_knows_keeps_it_from_starting(tmp_path: Path) -> None:
    from msgspec import structs

    from kikao.channels.chat.lines import lines

    settings = structs.replace(settings_of(tmp_path), sms={"acme": account()})
    with pytest.raises(SettingsError, match="KIKAO_SMS_ACME_"):
        lines(settings)


def test_nothing_of_a_call_is_shown() -> None:
    call = gateway().call(Parcel(to=ASHA, message=Message("Hello"), until=1.0))
    assert "Hello" not in repr(call)
    assert isinstance(call.url, Hidden)


@pytest.mark.parametrize(
    ("channels", "url", "refused"),
    [
        (("sms",), "", True),
        (("sms",), "http://chat.example", True),
        (("sms",), "https://chat.example", False),
        (("ussd",), "", False),
    ],
)
def test_production_lets_nobody_write_a_pin_into_an_sms(
    tmp_path: Path, channels: tuple[str, ...], url: str, refused: bool
) -> None:
    settings = settings_of(tmp_path, env="production", public_url=url)
    with pytest.raises(SettingsError, match="KIKAO_PUBLIC_URL") if refused else contextlib.nullcontext():
        refuse_readable(settings, channels)


async def test_the_played_provider_knows_its_key_however_the_header_is_written() -> None:
    api = SmsApi()
    body = b"username=sandbox&to=%2B256772000001&message=Hello"
    plain = (("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json"))
    url = Hidden(b"http://127.0.0.1:1/version1/messaging")
    for name in ("apiKey", "apikey"):
        assert (await api(Call(url, (*plain, (name, api.api_key)), body, "POST"))).status == 201
    assert (await api(Call(url, (*plain, ("apikey", "another")), body, "POST"))).status == 401
    assert len(api.inbox("+256772000001")) == 2
