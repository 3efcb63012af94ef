"""The emulated provider: it takes what the contract says and nothing else, and has its moods."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from kikao.channels.calling import Answer, Call, Unanswered
from kikao.channels.channel import Response
from kikao.channels.sms.emulator import SmsApi
from kikao.channels.ussd.clients.client import Exchange
from kikao.config import Hidden
from tests.channels.sms.serving import ASHA

HEADERS = (
    ("apiKey", "atsk_test"),
    ("Accept", "application/json"),
    ("Content-Type", "application/x-www-form-urlencoded"),
)
FORM = {"username": "sandbox", "to": ASHA, "message": "Hello"}


def call(
    form: dict[str, str] | None = None,
    headers: tuple[tuple[str, str], ...] = HEADERS,
    path: str = "/version1/messaging",
    method: str = "POST",
) -> Call:
    body = urlencode(FORM | (form or {})).encode()
    return Call(Hidden(f"https://api.example{path}".encode()), headers, body, method)


def code(answer: Answer) -> Any:
    return msgspec.json.decode(answer.body)["SMSMessageData"]["Recipients"][0]["statusCode"]


async def test_what_is_right_is_taken() -> None:
    api = SmsApi()
    answer = await api(call())
    assert (answer.status, code(answer)) == (201, 101)
    assert api.inbox(ASHA) == ["Hello"]
    assert api.sent[0].segments.count == 1


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (call({"to": "0772000001"}), "the number"),
        (call({"message": " "}), "an empty message"),
        (call({"message": "x" * 2000}), "14 segments"),
        (call({"username": "acme"}), "the username"),
        (call({"sender": "KIKAO"}), "fields ['sender']"),
        (call(path="/version2"), "the path"),
        (call(method="GET"), "the method"),
        (call(headers=HEADERS[:1]), "the content type, what is accepted"),
    ],
)
async def test_what_is_wrong_is_refused_and_named(wrong: Call, problem: str) -> None:
    api = SmsApi()
    assert (await api(wrong)).status == 400
    assert api.refused == [problem]
    assert api.sent == []


async def test_moods() -> None:
    api = SmsApi()
    assert (await api(call(headers=HEADERS[1:]))).status == 401
    api.fails(1, 500)
    api.limits(7.0)
    assert [(await api(call())).status, (await api(call())).header("retry-after")] == [500, "7"]
    api.runs_out_of_money()
    assert code(await api(call())) == 405
    api.refusing[ASHA] = 406
    assert code(await api(call())) == 406
    api.recovers()
    api.loses()
    assert code(await api(call())) == 101
    assert api.inbox(ASHA) == []
    api.does_not_answer()
    with pytest.raises(Unanswered):
        await api(call())
    assert api.inbox(ASHA) == ["Hello"]
    api.fails()
    api.recovers()
    assert (await api(call())).status == 201
    assert api.calls == 8


async def test_what_it_posts_goes_where_it_was_told() -> None:
    with pytest.raises(LookupError, match="calls_back"):
        await SmsApi().texts(ASHA, "Hi")
    posted: list[Exchange] = []

    async def send(exchange: Exchange) -> Response:
        posted.append(exchange)
        return Response(200, (), b"")

    api = SmsApi(send=send, path="/sms/africastalking/token")
    await api.texts(ASHA, "Hi", id_="m1")
    await api.reports("ATXid_1", "Failed", reason="UserInBlackList")
    await api.opts_out(ASHA)
    assert {each.path for each in posted} == {"/sms/africastalking/token"}
    assert [
        b"id=m1" in posted[0].body,
        b"failureReason=" in posted[1].body,
        b"senderId=" in posted[2].body,
    ] == [True] * 3
    assert len(api.answered) == 3
