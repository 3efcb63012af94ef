"""Asynchronous gateways as destinations: which there are, what is refused, and a screen over a real connection."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from kikao.channels.calling import Answer, Call
from kikao.channels.outbox import Delivered, Letter, Outcome, Rejected, TryLater
from kikao.channels.ussd.destinations import screens
from kikao.channels.ussd.pushed import Pushed
from kikao.channels.ussd.registry import OPTIONS
from kikao.config import Hidden, Settings, SettingsError, load
from tests.channels.ussd.told import environment
from tests.channels.webhook.receiver import Receiver, Request

PAGE = Pushed(
    "1 Send",
    ends=False,
    until=time.time() + 86_400,  # from when it is imported: other tests come first
    identity="+94771234567",
    dialogue="s-17",
    service_code="",
    echo=(("applicationId", "APP_000001"), ("destinationAddress", "tel:94771234567")),
)


def settings(folder: Path, slug: str, **more: str) -> Settings:
    given = environment(slug) | {f"KIKAO_USSD_{slug.upper()}_{name.upper()}": more[name] for name in more}
    return load(given, folder, gateways=OPTIONS, makes_keys=True)


def letter(page: Pushed, tries: int = 1) -> Letter:
    return Letter(bytes(range(16)), "ussd/ideamart", page.written(), tries)


async def sent(found: Settings, page: Pushed = PAGE) -> Outcome:
    async with contextlib.AsyncExitStack() as stack:
        there = screens(found, time.time, stack)
        return await there["ussd/ideamart"].sender.send(letter(page))


async def test_a_screen_is_posted_to_the_provider_with_the_password_of_the_settings(tmp_path: Path) -> None:
    async with Receiver() as provider:
        assert await sent(settings(tmp_path, "ideamart", url=provider.url)) == Delivered()
    (request,) = provider.requests
    assert request.line.startswith("POST /hook")
    assert request.headers["content-type"] == "application/json"
    assert msgspec.json.decode(request.body) == {
        "applicationId": "APP_000001",
        "password": "pa55word-of-the-app",
        "message": "1 Send",
        "sessionId": "s-17",
        "ussdOperation": "mt-cont",
        "destinationAddress": "tel:94771234567",
    }


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b'{"statusCode":"S1000","statusDetail":"Success"}', Delivered()),
        (b'{"statusCode":"E1311","statusDetail":"of +94771234567"}', Rejected("E1311")),
        (b'{"statusCode":"of +94771234567"}', Rejected("refused")),
        (b'{"statusCode":7}', Delivered()),
        (b"thank you", Delivered()),
        (b"\xff{", Delivered()),
        (b"", Delivered()),
    ],
)
async def test_what_the_provider_says_of_a_screen_it_got(
    tmp_path: Path, answer: bytes, outcome: Outcome
) -> None:
    def replied(request: Request) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer)

    async with Receiver(replied) as provider:
        assert await sent(settings(tmp_path, "ideamart", url=provider.url)) == outcome


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n", TryLater("HTTP 503")),
        (
            b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
            TryLater("HTTP 429", 7.0),
        ),
        (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", Rejected("HTTP 401")),
        (
            b"HTTP/1.1 302 There\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
            Rejected("HTTP 302, not followed"),
        ),
    ],
)
async def test_a_provider_that_does_not_take_a_screen(
    tmp_path: Path, answer: bytes, outcome: Outcome
) -> None:
    async with Receiver(lambda _: answer) as provider:
        assert await sent(settings(tmp_path, "ideamart", url=provider.url)) == outcome


async def test_a_screen_that_nobody_waits_for_is_not_sent(tmp_path: Path) -> None:
    async with Receiver() as provider:
        late = replace(PAGE, until=time.time() - 1)
        assert await sent(settings(tmp_path, "ideamart", url=provider.url), late) == Rejected("expired")
    assert provider.requests == []


async def test_a_gateway_that_is_not_in_the_settings_calls_nobody(tmp_path: Path) -> None:
    bare = load({}, tmp_path, gateways=OPTIONS, makes_keys=True)
    assert await sent(bare) == Rejected("not in the settings")


async def test_a_gateway_that_may_answer_either_way_is_a_destination_only_where_it_pushes(
    tmp_path: Path,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        assert "ussd/mtn_madapi" not in screens(settings(tmp_path, "mtn_madapi"), time.time, stack)
        pushing = settings(tmp_path, "mtn_madapi", reply="push", api_key="k")
        assert "ussd/mtn_madapi" in screens(pushing, time.time, stack)
        with pytest.raises(SettingsError, match="KIKAO_USSD_MTN_MADAPI_API_KEY: missing"):
            screens(settings(tmp_path, "mtn_madapi", reply="push"), time.time, stack)


async def test_production_sends_no_screen_in_clear(tmp_path: Path) -> None:
    plain = settings(tmp_path, "ideamart", url="http://api.ideamart.example/ussd/send")
    async with contextlib.AsyncExitStack() as stack:
        screens(plain, time.time, stack)
        with pytest.raises(SettingsError, match="KIKAO_USSD_IDEAMART_URL: http is read and changed"):
            screens(replace(plain, env="production"), time.time, stack)
        here = settings(tmp_path, "ideamart", url="http://127.0.0.1:9/")
        screens(replace(here, env="production"), time.time, stack)


@pytest.mark.parametrize(
    ("slug", "setting", "value", "problem"),
    [
        ("ideamart", "url", "ftp://api.ideamart.example/", "must begin with https:// and a host"),
        ("ideamart", "url", "https://user:secret@host/", "must not have a name or password"),
        ("oneapi", "url", "http://169.254.169.254/", "nothing may connect to"),
        ("mtn_madapi", "reply", "both", "must be response or push"),
        ("ideamart", "password", "", "is empty"),
    ],
)
def test_settings_that_are_wrong_are_told_and_not_repeated(
    tmp_path: Path, slug: str, setting: str, value: str, problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem) as told:
        settings(tmp_path, slug, **{setting: value})
    assert "secret" not in str(told.value)


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="KIKAO_USSD_IDEAMART_PASSWORD: missing"):
        load({"KIKAO_USSD_IDEAMART_APP_ID": "APP_1"}, tmp_path, gateways=OPTIONS)


async def test_without_what_connects_a_gateway_that_needs_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "kikao.channels.caller", raising=False)
    monkeypatch.setitem(sys.modules, "httpcore", None)
    async with contextlib.AsyncExitStack() as stack:
        with pytest.raises(SettingsError, match=r"needs httpcore.*pip install"):
            screens(settings(tmp_path, "ideamart"), time.time, stack)


def test_nothing_of_a_call_an_answer_or_a_page_is_shown() -> None:
    call = Call(Hidden(b"https://host/t0ken"), (("authorization", "t0ken"),), b"Send")
    shown = f"{PAGE} {call} {Answer(200, (), b'Send')}"
    assert shown == "<a page> <a call, 4 octets> <HTTP 200, 4 octets>"
