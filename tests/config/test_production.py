"""What production refuses because it is not safe."""

import base64
import os
from pathlib import Path

import pytest

from kikao.channels.ussd.registry import SLUGS
from kikao.config import SettingsError, load
from tests.config.asking import KEY_TEXT, PRODUCTION, problem, problems, toml


def test_production_starts(tmp_path: Path) -> None:
    found = load(PRODUCTION, tmp_path, gateways=("africastalking",), serves=("africastalking",))
    assert found.env == "production"
    assert not found.data.exists()


def test_production_without_keys_says_how_to_keep_what_is_stored(tmp_path: Path) -> None:
    environ = {**PRODUCTION}
    del environ["KIKAO_SECRET_KEYS"]
    told = problem(environ, tmp_path)
    assert told.startswith("KIKAO_SECRET_KEYS: missing")
    assert "openssl rand -base64 32" in told
    assert str(tmp_path / "kikao-data" / "secret-keys") in told
    assert not (tmp_path / "kikao-data").exists()


def test_production_refuses_keys_that_nobody_drew(tmp_path: Path) -> None:
    zeros = base64.b64encode(bytes(32)).decode()
    told = problem({**PRODUCTION, "KIKAO_SECRET_KEYS": f"k1:{KEY_TEXT},k0:{zeros}"}, tmp_path)
    assert "key k0 is not random" in told
    assert zeros not in told


def test_production_refuses_a_store_that_forgets(tmp_path: Path) -> None:
    assert "memory store forgets" in problem({**PRODUCTION, "KIKAO_STORE": "memory:"}, tmp_path)


def test_production_refuses_a_gateway_open_to_strangers(tmp_path: Path) -> None:
    environ = {name: value for name, value in PRODUCTION.items() if "USSD" not in name}
    told = problem(environ, tmp_path, serves=("africastalking",))
    assert told.startswith("KIKAO_USSD_AFRICASTALKING_TOKEN, KIKAO_USSD_AFRICASTALKING_ALLOW: neither")
    assert "/ussd/africastalking/<token>" in told
    assert "neither" in problem(environ, toml(tmp_path, "[ussd.nalo]"))
    toml(tmp_path, "")
    load({**environ, "KIKAO_USSD_NALO_ALLOW": "203.0.113.0/24"}, tmp_path)
    for everybody in ("0.0.0.0/0", "::/0", "0.0.0.0/1,128.0.0.0/1", "10.0.0.1,::/1,8000::/1"):
        told = problem({**environ, "KIKAO_USSD_NALO_ALLOW": everybody}, tmp_path)
        assert "a network of every address does not" in told
    load({**environ, "KIKAO_USSD_NALO_ALLOW": "0.0.0.0/1,8000::/1"}, tmp_path)


def test_production_refuses_to_trust_everybody(tmp_path: Path) -> None:
    for everybody in ("0.0.0.0/0", "::/0", "128.0.0.0/1,0.0.0.0/1"):
        told = problem({**PRODUCTION, "KIKAO_TRUSTED_PROXIES": f"10.0.0.0/8,{everybody}"}, tmp_path)
        assert "any caller may claim to be another" in told


def test_production_refuses_a_data_folder_others_may_enter(tmp_path: Path) -> None:
    data = tmp_path / "kikao-data"
    data.mkdir()
    data.chmod(0o755)
    told = problem(PRODUCTION, tmp_path)
    assert "mode 0755" in told
    assert f"chmod o-rwx {data}" in told
    data.chmod(0o750)
    load(PRODUCTION, tmp_path)


def test_production_tells_all_of_it(tmp_path: Path) -> None:
    environ = {"KIKAO_ENV": "production", "KIKAO_STORE": "memory:", "KIKAO_RELEASE": "x"}
    assert len(problems(environ, tmp_path, serves=("africastalking", "nalo"))) == 5


def test_who_serves_in_production_is_told_in_one_list(tmp_path: Path) -> None:
    told = problems({"KIKAO_ENV": "production"}, tmp_path, gateways=("nalo",), makes_keys=True, workers=3)
    assert [each.partition(":")[0].partition(";")[0] for each in told] == [
        "--workers 3",
        "no gateway is open, so nobody could reach the app. Set KIKAO_USSD_NALO_TOKEN to a long random text",
        "KIKAO_SECRET_KEYS",
    ]
    assert not list(tmp_path.iterdir())
    asked = {"KIKAO_ENV": "production", "KIKAO_SECRET_KEYS": f"k1:{KEY_TEXT}"}
    assert load(asked, tmp_path, gateways=("nalo",)).env == "production", "a command needs no gateway"


def test_who_is_reached_by_nobody_is_told_of_chats_and_sms_and_not_of_each_gateway(tmp_path: Path) -> None:
    environ = {"KIKAO_ENV": "production", "KIKAO_SECRET_KEYS": f"k1:{KEY_TEXT}"}
    told = problem(environ, tmp_path, gateways=SLUGS, makes_keys=True)
    for name in (
        "TELEGRAM_TOKEN",
        "WHATSAPP_TOKEN",
        "JWT_KEYS",
        "SMS_AFRICASTALKING_USERNAME",
        "SMS_SMPP_HOST",
    ):
        assert f"KIKAO_{name}" in told
    assert told.count("KIKAO_USSD_") == 2
    assert "KIKAO_USSD_AFRICASTALKING_TOKEN or KIKAO_USSD_NALO_TOKEN, or of another gateway," in told


def test_production_on_redis_keeps_critical_steps_in_a_database_that_workers_share(tmp_path: Path) -> None:
    environ = {
        "KIKAO_ENV": "production",
        "KIKAO_STORE": "redis://cache/0",
        "KIKAO_SECRET_KEYS": f"k1:{base64.b64encode(os.urandom(32)).decode()}",
    }
    with pytest.raises(SettingsError, match="Set KIKAO_RECORDS=postgresql://user:password@host/database"):
        load(environ, tmp_path)
    shared = load({**environ, "KIKAO_RECORDS": "postgresql://db/kikao"}, tmp_path)
    assert any(line.endswith("a failover of the session store may forget") for line in shared.describe())
    alone = load({**environ, "KIKAO_ENV": "dev"}, tmp_path)
    assert any(line.endswith("on this machine alone: not for production") for line in alone.describe())
