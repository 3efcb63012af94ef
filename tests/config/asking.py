"""Asks for the settings as a server does when it starts, and for what is told of them where they are refused."""

import base64
from pathlib import Path
from typing import Any

import pytest

from kikao.config import SettingsError, load

KEY = bytes(range(32))
KEY_TEXT = base64.b64encode(KEY).decode()
TOKEN = "x9Hq2vTt-7LmB_4w"
PRODUCTION = {
    "KIKAO_ENV": "production",
    "KIKAO_SECRET_KEYS": f"k1:{KEY_TEXT}",
    "KIKAO_USSD_AFRICASTALKING_TOKEN": TOKEN,
}


def problems(environ: dict[str, str], cwd: Path, **options: Any) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        load(environ, cwd, **options)
    assert str(refused.value).count("\n- ") == len(refused.value.problems)
    return refused.value.problems


def problem(environ: dict[str, str], cwd: Path, **options: Any) -> str:
    (only,) = problems(environ, cwd, **options)
    return only


def toml(cwd: Path, text: str) -> Path:
    (cwd / "kikao.toml").write_text(text, encoding="utf-8")
    return cwd
