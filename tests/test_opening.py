"""What an app with live sessions is refused for when it starts."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kikao import App, Chat, Flows
from kikao.cli.served import served
from kikao.cli.serving import GivenUp
from kikao.config import SettingsError, load
from kikao.live import Live, anyone
from kikao.opening import refuse_untokened
from kikao.tenants import Tenants
from tests.config.asking import PRODUCTION
from tests.config.test_live import KEYS


def an_app(opened: list[str], *, live: Live | None = None, members: bool = False) -> App:
    """With services that are told when they are opened."""
    flows = Flows()

    @flows.flow("menu")
    async def menu(chat: Chat) -> None: ...

    @contextlib.asynccontextmanager
    async def services(_: Any) -> AsyncIterator[dict[Any, Any]]:
        opened.append("services")
        yield {}

    return App(flows, entry="menu", services=services, live=live or Live(users=anyone), members=members)


async def test_an_app_is_refused_for_all_that_is_wrong_before_anything_is_opened_or_made(
    tmp_path: Path,
) -> None:
    opened: list[str] = []
    asks = {**PRODUCTION, "KIKAO_LOCALE": "lg", "KIKAO_LOG_EVENTS": "turn.*,nothing.like.it"}
    settings = load(asks, tmp_path)
    with pytest.raises(SettingsError) as refused:
        async with an_app(opened, live=Live()).serving(settings):
            raise AssertionError("it started")
    assert [each.partition(":")[0] for each in refused.value.problems] == [
        "KIKAO_JWT_KEYS",
        "KIKAO_LIVE_ORIGINS",
        "the app has live channels and no members",
        "KIKAO_LOCALE",
        "KIKAO_LOG_EVENTS",
    ]
    assert opened == []
    assert list(tmp_path.iterdir()) == []


async def test_no_tenant_is_opened_where_another_one_is_refused(tmp_path: Path) -> None:
    opened: list[str] = []
    whole = {**PRODUCTION, "KIKAO_JWT_KEYS": KEYS, "KIKAO_LIVE_ORIGINS": "https://app.example.com"}
    settings = {"a": load(whole, tmp_path / "a"), "b": load(PRODUCTION, tmp_path / "b")}
    tenants = Tenants({name: an_app(opened) for name in settings})
    with pytest.raises(SettingsError, match="b: KIKAO_JWT_KEYS: missing") as refused:
        async with tenants.serving(settings):
            raise AssertionError("it started")
    assert [each[:2] for each in refused.value.problems] == ["b:", "b:"]
    assert opened == []


def test_a_command_that_serves_makes_no_folder_for_what_it_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(GivenUp):
        served("tests.live.shop_app:app", makes_keys=True)
    assert "KIKAO_JWT_KEYS: missing" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_production_wants_keys_and_origins_where_there_are_live_sessions(tmp_path: Path) -> None:
    bare = load(PRODUCTION, tmp_path)
    refuse_untokened(bare, live=False)
    with pytest.raises(SettingsError) as refused:
        refuse_untokened(bare, live=True)
    assert [each.partition(":")[0] for each in refused.value.problems] == [
        "KIKAO_JWT_KEYS",
        "KIKAO_LIVE_ORIGINS",
    ]
    with pytest.raises(SettingsError) as refused:
        refuse_untokened(bare, live=True, serves=False)
    assert len(refused.value.problems) == 1
    whole = {**PRODUCTION, "KIKAO_JWT_KEYS": KEYS, "KIKAO_LIVE_ORIGINS": "https://app.example.com"}
    refuse_untokened(load(whole, tmp_path), live=True)


def test_development_wants_nothing_but_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load({}, tmp_path)
    refuse_untokened(settings, live=True)
    find = importlib.util.find_spec

    def without(name: str, *rest: Any) -> Any:
        return None if name in ("jwt", "websockets") else find(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(SettingsError, match=r"need PyJWT(.|\n)*need websockets, which is not installed"):
        refuse_untokened(settings, live=True)
    with pytest.raises(SettingsError) as refused:
        refuse_untokened(settings, live=True, serves=False)
    assert "websockets" not in str(refused.value)
    refuse_untokened(settings, live=False)
