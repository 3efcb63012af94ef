"""`kikao live token`: the token alone on stdout, which a server takes that has the same settings."""

from __future__ import annotations

import base64
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kikao.channels.socket.tokens import Claims, Tokens
from kikao.cli.main import main
from kikao.config import load
from tests.config.asking import PRODUCTION

FIRST = f"k1:HS256:{base64.b64encode(bytes(range(32))[::-1]).decode()}"
SECOND = f"k2:HS256:{base64.b64encode(bytes(range(50, 90))).decode()}"

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def command(*words: str, **settings: str) -> Result:
        return CliRunner().invoke(main, ["live", "token", *words], env=settings)

    return command


def claims(result: Result, folder: Path, **settings: str) -> Claims:
    """What a server with those settings reads in what was printed, which is the token and nothing else."""
    assert (result.exit_code, result.stderr, result.stdout.count("\n")) == (0, "", 1)
    tokens = Tokens.of(load(settings, folder, makes_keys=True))
    assert tokens is not None
    return tokens.verify(result.stdout.strip())


def test_in_development_it_needs_no_settings(run: Run, tmp_path: Path) -> None:
    found = claims(run("--user", "ama"), tmp_path)
    assert (found.user, found.key) == ("ama", "dev")
    assert found.issued_at is not None
    assert found.expires_at - found.issued_at == 3600
    path = tmp_path / "kikao-data" / "jwt-key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    assert claims(run("--user", "kofi"), tmp_path).user == "kofi"
    assert path.read_bytes() == before


def test_what_it_says_can_be_chosen(run: Run, tmp_path: Path) -> None:
    settings = {"KIKAO_JWT_KEYS": f"{FIRST},{SECOND}", "KIKAO_JWT_AUDIENCE": "kikao"}
    said = (
        "--claim",
        "role=nurse",
        "--claim",
        "level=3",
        "--claim",
        'wards=["a","b"]',
        "--claim",
        "x=a=b",
        "--claim",
        "y=NaN",
    )
    found = claims(
        run("--user", "ama", "--key", "k2", "--seconds", "60", *said, **settings), tmp_path, **settings
    )
    assert found.key == "k2"
    assert found.expires_at - (found.issued_at or 0) == 60
    own = {name: found.claims[name] for name in ("role", "level", "wards", "x", "y", "aud")}
    assert own == {"role": "nurse", "level": 3, "wards": ["a", "b"], "x": "a=b", "y": "NaN", "aud": "kikao"}
    assert claims(run("--user", "ama", **settings), tmp_path, **settings).key == "k1"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--user", ""], "a user is 1 to 128 characters"),
        (["--user", "ama", "--key", "k3"], "there are: dev"),
        (["--user", "ama", "--seconds", "90000"], "1 to 86400 seconds"),
        (["--user", "ama", "--claim", "role"], "NAME=VALUE"),
        (["--user", "ama", "--claim", "=nurse"], "NAME=VALUE"),
        (["--user", "ama", "--claim", "a=1", "--claim", "a=2"], "each name once"),
        (["--user", "ama", "--claim", "exp=1"], "not a claim of the app's: exp"),
    ],
)
def test_what_it_does_not_sign(run: Run, words: list[str], told: str) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_production_wants_it_to_be_meant(run: Run, tmp_path: Path) -> None:
    settings = {**PRODUCTION, "KIKAO_JWT_KEYS": FIRST, "KIKAO_DATA": str(tmp_path / "data")}
    refused = run("--user", "ama", **settings)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--yes" in refused.stderr
    assert claims(run("--user", "ama", "--yes", **settings), tmp_path, **settings).user == "ama"

    del settings["KIKAO_JWT_KEYS"]
    refused = run("--user", "ama", "--yes", **settings)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "KIKAO_JWT_KEYS: missing" in refused.stderr
    assert "ORIGINS" not in refused.stderr
    assert not (tmp_path / "data").exists()


def test_a_key_file_that_holds_no_key_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "kikao-data").mkdir()
    (tmp_path / "kikao-data" / "jwt-key").write_text("t0ken")
    result = run("--user", "ama")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "jwt-key: holds no key. Remove it" in result.stderr
    assert "t0ken" not in result.stderr
