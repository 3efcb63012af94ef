"""Webhooks in the settings: where from, what is wrong, what production refuses, and what is never shown."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.config import Settings, SettingsError, load
from kikao.config.webhooks import Webhooks

SECRET = "k3Jd82nVpQ1xZ7mTc5Wb9RfYh4Gs6LaE"
URL = "https://crm.example.com:8443/kikao?token=t0ken-of-ours"
PRODUCTION = {
    "KIKAO_ENV": "production",
    "KIKAO_SECRET_KEYS": f"k1:{base64.b64encode(bytes(range(32))).decode()}",
    "KIKAO_USSD_AFRICASTALKING_TOKEN": "x9Hq2vTt-7LmB_4w",
}


def loaded(cwd: Path, text: str = "", **environ: str) -> Settings:
    (cwd / "kikao.toml").write_text(text, encoding="utf-8")
    return load(environ, cwd, makes_keys=True)


def test_a_webhook_stands_in_the_file_or_the_environment_which_wins(tmp_path: Path) -> None:
    text = f"""
        [webhooks.crm]
        url = "{URL}"
        secret = ["{SECRET}", "{SECRET[::-1]}"]
        pace = "300/min"
        burst = 20
        timeout = 5

        [webhooks.shop_two]
        url = "http://localhost:9000/"
    """
    found = loaded(tmp_path, text, KIKAO_WEBHOOK_SHOP_TWO_PACE="5/s", KIKAO_WEBHOOK_CRM_TIMEOUT="7")
    crm, shop = found.webhooks["crm"], found.webhooks["shop_two"]
    assert crm.url.reveal().decode() == URL
    assert [secret.reveal().decode() for secret in crm.secrets] == [SECRET, SECRET[::-1]]
    assert (crm.interval, crm.burst, crm.timeout) == (0.2, 20, 7)
    assert (shop.interval, shop.burst, shop.timeout, shop.secrets) == (0.2, 1, 10, ())
    lines = found.describe()
    assert "webhook crm: https://crm.example.com:8443, signed, one each 0.2 s" in lines
    assert "webhook shop_two: http://localhost:9000, not signed, one each 0.2 s" in lines
    assert "t0ken" not in str(found) + "".join(lines)


def test_without_any_nothing_is_said(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert found.webhooks == {}
    assert not [line for line in found.describe() if "webhook" in line]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CRM_URL", "ftp://crm.example.com/t0ken", "must begin with https:// and a host"),
        ("CRM_URL", "https:///t0ken", "must begin with https:// and a host"),
        ("CRM_URL", "https://crm.example.com:99999/t0ken", "is no URL"),
        ("CRM_URL", "https://me:t0ken@crm.example.com/", "name or password"),
        ("CRM_URL", "https://crm.example.com/t0ken#x", "without #"),
        ("CRM_URL", "https://crm.example.com/t0ken é", "must be ASCII"),
        ("CRM_URL", "http://169.254.169.254/t0ken", "nothing may connect to"),
        ("CRM_URL", "http://[fe80::1]/t0ken", "nothing may connect to"),
        ("CRM_SECRET", "t0ken", "32 to 256 characters"),
        ("CRM_SECRET", "t0" * 16, "is not random"),
        ("CRM_SECRET", ",".join([SECRET] * 4), "up to three"),
        ("CRM_PACE", "fast", "10/s, 300/min or 5000/h"),
        ("CRM_PACE", "0/s", "10/s, 300/min or 5000/h"),
        ("CRM_BURST", "0", "from 1 to 10000"),
        ("CRM_TIMEOUT", "61", "from 1 to 60"),
        ("CRM_TIMEOUT", "soon", "whole number"),
    ],
)
def test_what_is_wrong_with_one(tmp_path: Path, name: str, value: str, told: str) -> None:
    environ = {"KIKAO_WEBHOOK_CRM_URL": URL, f"KIKAO_WEBHOOK_{name}": value}
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, **environ)
    assert told in str(refused.value)
    assert f"KIKAO_WEBHOOK_{name}" in str(refused.value)
    assert "t0ken" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('webhooks = "crm"', "must be tables"),
        ('[webhooks]\ncrm = "https://crm"', "must be a table"),
        ('[webhooks."My CRM"]\nurl = "https://crm"', "a letter first"),
        ('[webhooks.crm]\nuri = "https://crm"', "There are: url, secret"),
        ('[webhooks.crm]\npace = "10/s"', "KIKAO_WEBHOOK_CRM_URL: missing"),
        ("[webhooks.crm]", "KIKAO_WEBHOOK_CRM_URL: missing"),
        ("[webhooks.crm]\nurl = 7", "must be a text"),
    ],
)
def test_what_is_wrong_with_the_file(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, text)
    assert told in str(refused.value)


def test_a_variable_that_is_none_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such setting"):
        loaded(tmp_path, KIKAO_WEBHOOK_CRM_URI=URL)


def test_production_wants_tls_and_a_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load({**PRODUCTION, "KIKAO_WEBHOOK_CRM_URL": "http://crm.example.com/"}, tmp_path)
    assert [problem.partition(":")[0] for problem in refused.value.problems] == [
        "KIKAO_WEBHOOK_CRM_URL",
        "KIKAO_WEBHOOK_CRM_SECRET",
    ]
    with pytest.raises(SettingsError) as refused:
        load(
            {**PRODUCTION, "KIKAO_WEBHOOK_CRM_URL": "crm.example.com", "KIKAO_WEBHOOK_SHOP_PACE": "1/s"},
            tmp_path,
        )
    assert [problem.partition(" ")[0].rstrip(":") for problem in refused.value.problems] == [
        "KIKAO_WEBHOOK_CRM_URL",
        "KIKAO_WEBHOOK_CRM_SECRET",
        "KIKAO_WEBHOOK_SHOP_URL",
        "KIKAO_WEBHOOK_SHOP_SECRET",
    ], "all at once"
    for url in (URL, "http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/"):
        environ = {**PRODUCTION, "KIKAO_WEBHOOK_CRM_URL": url, "KIKAO_WEBHOOK_CRM_SECRET": SECRET}
        assert load(environ, tmp_path).webhooks["crm"].url.reveal().decode() == url


@given(
    st.dictionaries(
        st.sampled_from(["url", "secret", "pace", "burst", "timeout", "x"]),
        st.text(max_size=30) | st.integers() | st.lists(st.text(max_size=5), max_size=3) | st.none(),
    )
    | st.text(max_size=5)
)
@settings(max_examples=100)
def test_nothing_that_stands_there_breaks_the_reading(table: object) -> None:
    problems: list[str] = []
    webhooks = Webhooks(problems.append)
    webhooks.read_table({"crm": table}, "kikao.toml")
    webhooks.settings(production=True)
    assert problems
