"""What an app with live sessions is refused for when it starts."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from kikao.config import SettingsError, load
from kikao.opening import refuse_untokened
from tests.config.asking import PRODUCTION
from tests.config.test_live import KEYS


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
