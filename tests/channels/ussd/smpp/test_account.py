"""The settings of a message centre, as an environment has them."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from kikao.channels.ussd.gateways.smpp import Smpp
from kikao.channels.ussd.registry import OPTIONS, gateway
from kikao.channels.ussd.smpp.account import octet
from kikao.config import Settings, SettingsError, load
from kikao.opening import refuse_deserted

LEAST = {"HOST": "smsc.example.net", "SYSTEM_ID": "acme"}


def loaded(folder: Path, given: dict[str, str], **more: str) -> Settings:
    environment = {f"KIKAO_USSD_SMPP_{name}": value for name, value in given.items()}
    return load(environment | more, folder, gateways=OPTIONS)


def test_what_is_not_set_is_as_the_specification_has_it(tmp_path: Path) -> None:
    found = gateway("smpp", loaded(tmp_path, LEAST).ussd["smpp"])
    assert isinstance(found, Smpp)
    it = found.account
    assert (it.host, it.port, it.system_id, it.password.reveal(), it.tls) == (
        "smsc.example.net",
        2775,
        "acme",
        b"",
        False,
    )
    assert (it.closing, it.notifying, it.service_type, it.alphabet) == (0x11, 0x03, "USSD", "gsm7")
    assert (it.session, it.dialled, it.binds, it.window) == ("auto", "short_message", 1, 10)
    assert (found.patience, found.url) == (30.0, "smpp://smsc.example.net:2775")


def test_a_password_is_shown_nowhere(tmp_path: Path) -> None:
    settings = loaded(tmp_path, {**LEAST, "PASSWORD": "s3cret99"})
    found = gateway("smpp", settings.ussd["smpp"])
    assert isinstance(found, Smpp)
    assert "s3cret99" not in f"{settings!r} {found.account!r}"


def test_the_start_says_where_it_connects_to(tmp_path: Path) -> None:
    (line,) = [
        line
        for line in loaded(tmp_path, {**LEAST, "PASSWORD": "s3cret99"}).describe()
        if line.startswith("ussd smpp")
    ]
    assert line.startswith("ussd smpp: connects to smsc.example.net:2775, pages of 160 septets")
    assert "password set" in line
    assert not any(each in line for each in ("s3cret99", "path token", "every address"))


def test_without_an_address_there_is_no_message_centre(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="KIKAO_USSD_SMPP_HOST: missing") as refused:
        loaded(tmp_path, {"PORT": "2775"})
    assert "KIKAO_USSD_SMPP_SYSTEM_ID: missing" in str(refused.value)


def test_production_needs_neither_a_token_nor_a_list_of_addresses(tmp_path: Path) -> None:
    key = "k1:" + base64.b64encode(os.urandom(32)).decode()
    settings = loaded(
        tmp_path,
        LEAST,
        KIKAO_ENV="production",
        KIKAO_SECRET_KEYS=key,
        KIKAO_OPERATOR_TOKEN=os.urandom(24).hex(),
    )
    refuse_deserted(settings)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("HOST", "smsc.example.net/x", "without port and path"),
        ("PORT", "0", "from 1 to 65535"),
        ("PORT", "twenty", "from 1 to 65535"),
        ("SYSTEM_ID", "sixteen-letters-", "at most 15 visible ASCII"),
        ("PASSWORD", "ninechars", "at most 8 visible ASCII"),
        ("PASSWORD", "é", "at most 8 visible ASCII"),
        ("TLS", "yes", "one of on, off"),
        ("SESSION", "cookie", "one of auto, its_session_info"),
        ("CLOSE_OP", "0x1FF", "must be an octet"),
        ("CLOSE_OP", "close", "must be an octet"),
        ("NOTIFY_OP", "-3", "must be an octet"),
    ],
)
def test_what_is_wrong_is_said_without_the_value(tmp_path: Path, name: str, value: str, problem: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, {**LEAST, name: value})
    said = str(refused.value)
    assert f"KIKAO_USSD_SMPP_{name}" in said
    assert problem in said
    assert name != "PASSWORD" or value not in said


def test_octets_are_written_as_anybody_would() -> None:
    assert [octet(value) for value in ("17", "0x11", "0X17", "0", "255")] == [17, 17, 23, 0, 255]
