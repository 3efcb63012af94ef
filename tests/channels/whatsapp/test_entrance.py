"""The webhook's door: who may set it, who may post, and for which numbers."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from urllib.parse import urlencode

import pytest

from kikao.channels.channel import Request
from kikao.channels.edge import Denied
from kikao.channels.whatsapp.gateway import WhatsAppEntrance, entrances, gateways
from kikao.config import Hidden, Settings
from kikao.config.hidden import SecretKeys
from kikao.config.settings import WhatsAppSettings
from kikao.config.urls import Where

FIRST, SECOND, OTHERS = b"secret-of-the-first-app", b"its-secret-of-tomorrow", b"secret-of-another-app"


def number(id_: str, *secrets: bytes, verify: bytes = b"verify-token-of-ours") -> WhatsAppSettings:
    return WhatsAppSettings(
        phone_number_id=id_,
        token=Hidden(b"token"),
        app_secrets=tuple(map(Hidden, secrets)),
        verify_token=Hidden(verify) if verify else None,
    )


def entrance(**numbers: WhatsAppSettings) -> WhatsAppEntrance:
    settings = Settings(
        env="dev",
        data=Path("/nowhere"),
        store=Where("memory:"),
        records=Where("/nowhere/records.db"),
        secret_keys=SecretKeys({}),
        whatsapp=numbers,
    )
    found = entrances(settings, gateways(settings))["/whatsapp"]
    assert isinstance(found, WhatsAppEntrance)
    return found


def posted(body: bytes, secret: bytes | None = None) -> Request:
    signed = (
        {}
        if secret is None
        else {"x-hub-signature-256": f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"}
    )
    return Request("POST", "/whatsapp", b"", signed, body)


def asked(**query: str) -> Request:
    return Request(
        "GET",
        "/whatsapp",
        urlencode({f"hub.{name}": value for name, value in query.items()}).encode(),
        {},
        b"",
    )


def message(number: str) -> bytes:
    said = {"from": "256772000101", "id": "wamid.1", "type": "text", "text": {"body": "x"}}
    value = {"metadata": {"phone_number_id": number}, "messages": [said]}
    change = {"field": "messages", "value": value}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"changes": [change]}]}).encode()


def test_the_challenge_comes_back_to_who_knows_a_token() -> None:
    door = entrance(one=number("1", FIRST), two=number("2", FIRST, verify=b"another-verify-token"))
    for token in ("verify-token-of-ours", "another-verify-token"):
        answer = door.greet(asked(mode="subscribe", verify_token=token, challenge="1158201444"))
        assert answer is not None
        assert (answer.status, answer.body) == (200, b"1158201444")
    assert door.greet(posted(b"{}")) is None


@pytest.mark.parametrize(
    "query",
    [
        {"mode": "subscribe", "verify_token": "wrong", "challenge": "1"},
        {"mode": "subscribe", "challenge": "1"},
        {"mode": "unsubscribe", "verify_token": "verify-token-of-ours", "challenge": "1"},
        {"mode": "subscribe", "verify_token": "verify-token-of-ours", "challenge": "<script>"},
        {"mode": "subscribe", "verify_token": "verify-token-of-ours"},
        {},
    ],
)
def test_anything_else_is_denied_without_a_word(query: dict[str, str]) -> None:
    with pytest.raises(Denied) as denied:
        entrance(one=number("1", FIRST)).greet(asked(**query))
    assert (denied.value.status, denied.value.response.body) == (403, b"forbidden\n")


def test_an_empty_token_opens_nothing() -> None:
    door = entrance(one=number("1", FIRST, verify=b""))
    with pytest.raises(Denied):
        door.greet(asked(mode="subscribe", verify_token="", challenge="1"))
    with pytest.raises(Denied):
        door.greet(Request("GET", "/whatsapp", b"&".join([b"a=1"] * 50), {}, b""))


def test_a_signature_is_over_the_octets_as_they_came() -> None:
    door = entrance(one=number("104520000000001", FIRST, SECOND))
    body = message("104520000000001")
    for secret in (FIRST, SECOND):
        door.verify(posted(body, secret))
        assert len(door.receive(posted(body, secret)).inbounds) == 1
    for wrong in (
        posted(body, OTHERS),
        posted(body),
        Request("POST", "/whatsapp", b"", posted(body, FIRST).headers, body + b" "),
    ):
        with pytest.raises(Denied) as denied:
            door.verify(wrong)
        assert denied.value.status == 403


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        "sha1=" + "0" * 40,
        "sha256=" + "0" * 63,
        "sha256=" + "Ü" * 64,
        "sha256=" + "0" * 64 + ", x",
    ],
)
def test_a_header_of_another_form_is_none(header: str) -> None:
    with pytest.raises(Denied, match="missing, or of another form"):
        entrance(one=number("1", FIRST)).verify(
            Request("POST", "/whatsapp", b"", {"x-hub-signature-256": header}, b"{}")
        )


def test_without_an_app_secret_nobody_can_show_who_they_are() -> None:
    with pytest.raises(Denied, match="no app secret is set"):
        entrance(one=number("1")).verify(posted(b"{}", b""))


def test_an_app_speaks_for_its_own_numbers_alone() -> None:
    door = entrance(one=number("104520000000001", FIRST), two=number("104520000000002", OTHERS))
    request = posted(message("104520000000002"), FIRST)
    door.verify(request)
    assert door.receive(request).inbounds == ()
    assert [
        inbound.gateway for inbound in door.receive(posted(message("104520000000002"), OTHERS)).inbounds
    ] == ["two"]
