"""Accounts that send SMS: settings of their own, checked before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao.channels.chat.lines import lines
from kikao.channels.sms.africastalking import AfricasTalking
from kikao.channels.sms.smpp import SmppSms
from kikao.config import Settings, SettingsError, load

SMPP = {"HOST": "smsc.example.net", "SYSTEM_ID": "acme", "PASSWORD": "s3cret", "SENDER": "22384"}


def loaded(folder: Path, gateway: str, given: dict[str, str], **more: str) -> Settings:
    environment = {f"KIKAO_SMS_{gateway}_{name}": value for name, value in given.items()}
    return load(environment | {"KIKAO_SIMULATOR": "off"} | more, folder, gateways=None, makes_keys=True)


def test_an_account_over_smpp_connects_and_says_so(tmp_path: Path) -> None:
    (gateway,) = lines(loaded(tmp_path, "SMPP", SMPP | {"SEGMENTS": "3", "PER_SECOND": "10"})).values()
    assert isinstance(gateway, SmppSms)
    assert gateway.line == "sms/smpp"
    assert gateway.connects
    assert gateway.api_url == "smpp://smsc.example.net:2775"
    assert (gateway.segments, gateway.account.patience, gateway.account.window) == (3, 5.0, 10)
    assert gateway.pace is not None
    assert (gateway.pace.interval, gateway.pace.burst) == (0.1, 1)
    assert "s3cret" not in repr(gateway.account)


def test_what_is_not_set_is_by_default(tmp_path: Path) -> None:
    (gateway,) = lines(loaded(tmp_path, "AFRICASTALKING", {"USERNAME": "acme", "API_KEY": "k" * 20})).values()
    assert isinstance(gateway, AfricasTalking)
    assert (gateway.segments, gateway.pace, gateway.api_url) == (
        6,
        None,
        "https://api.africastalking.com",
    )
    assert gateway.words.first("stop", "en") == "STOP"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("SEGMENTS", "11", "whole number from 1 to 10"),
        ("PER_SECOND", "fast", "whole number from 0 to 1000"),
        ("STOP", "STOP,,QUIT", "must be words"),
        ("STOP", "x" * 50, "must be words"),
        ("REGION", "Uganda", "no country"),
        ("CONCATENATION", "both", "must be one of udh, sar"),
        ("RECEIPT_IDS", "hex", "must be one of same, decimal"),
        ("PORT", "0", "from 1 to 65535"),
        ("PASSWORD", "much too long", "at most 8 visible"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, name: str, value: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as refused:
        loaded(tmp_path, "SMPP", SMPP | {name: value})
    assert f"KIKAO_SMS_SMPP_{name}" in str(refused.value)


def test_production_needs_no_token_where_nobody_calls(tmp_path: Path) -> None:
    given = {"KIKAO_USSD_NALO_TOKEN": "n" * 24, "KIKAO_USSD_NALO_CODE": "*1#"}
    keys = {"KIKAO_SECRET_KEYS": "k1:" + "A" * 43 + "=", "KIKAO_OPERATOR_TOKEN": "o" * 24}
    environment = {f"KIKAO_SMS_SMPP_{name}": value for name, value in SMPP.items()} | given | keys
    with pytest.raises(SettingsError) as refused:
        load(environment | {"KIKAO_ENV": "production"}, tmp_path, gateways=None)
    assert not any("SMS_SMPP" in problem for problem in refused.value.problems)
