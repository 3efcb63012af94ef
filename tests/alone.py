"""Tests that load settings: none but their own."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

import pytest


def alone(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Work in a folder, without the settings of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("KIKAO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(folder)


def keys(*kids: str) -> str:
    """What KIKAO_SECRET_KEYS is, with these."""
    return ",".join(
        f"{kid}:{base64.b64encode(hashlib.sha256(kid.encode()).digest()).decode()}" for kid in kids
    )
