"""The token key of development: made when it is first needed, for its owner alone, and the same for who comes later."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from kikao.config import Settings, load
from kikao.config.jwt_key_file import with_development_key
from tests.config.asking import PRODUCTION


def development(cwd: Path, **environ: str) -> Settings:
    return load(environ, cwd, makes_keys=True)


def secret(settings: Settings) -> bytes:
    (key,) = with_development_key(settings).keys
    assert (key.kid, key.algorithm) == ("dev", "HS256")
    return key.material.reveal()


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = development(tmp_path, KIKAO_JWT_AUDIENCE="kikao")
    path = settings.data / "jwt-key"
    assert not path.exists()
    first = secret(settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(first) == 32
    assert base64.b64decode(path.read_bytes()) == first
    path.chmod(0o644)
    assert secret(development(tmp_path)) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert with_development_key(settings).audience == "kikao"


def test_keys_that_are_set_need_no_file(tmp_path: Path) -> None:
    settings = development(tmp_path, KIKAO_JWT_KEYS=f"k1:HS256:{base64.b64encode(bytes(range(32))).decode()}")
    assert with_development_key(settings) is settings.jwt
    production = load({**PRODUCTION, "KIKAO_DATA": str(settings.data)}, tmp_path)
    assert with_development_key(production).keys == ()
    assert not (settings.data / "jwt-key").exists()


def test_what_is_no_key_stays_as_it_is(tmp_path: Path) -> None:
    settings = development(tmp_path)
    for text in ("", "t0ken", base64.b64encode(bytes(32)).decode(), "é"):
        (settings.data / "jwt-key").write_text(text)
        with pytest.raises(ValueError, match=r"jwt-key: holds no key. Remove it") as refused:
            with_development_key(settings)
        assert "t0ken" not in str(refused.value)
        assert (settings.data / "jwt-key").read_text() == text


def test_a_folder_that_takes_no_file_is_told(tmp_path: Path) -> None:
    settings = development(tmp_path)
    (settings.data / "jwt-key").mkdir()
    with pytest.raises(ValueError, match=r"jwt-key: cannot be made or read.*or set KIKAO_JWT_KEYS"):
        with_development_key(settings)
