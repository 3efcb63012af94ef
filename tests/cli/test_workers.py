"""`kikao run --workers`: what is refused, and real processes over one store."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from kikao.cli import main as command
from kikao.cli.worker import for_workers
from kikao.config import load


def run(*words: str, cwd: Path, monkeypatch: pytest.MonkeyPatch, **env: str) -> tuple[int, str]:
    monkeypatch.chdir(cwd)
    monkeypatch.setenv("KIKAO_DATA", str(cwd / "data"))
    done = CliRunner(env=env).invoke(command, ["run", "tests.metrics.workers_app:app", *words])
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("store", "told"),
    [("memory:", "sessions are in memory"), ("sessions.db", "sessions are in a SQLite file")],
)
def test_a_store_of_one_process_has_one_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, told: str
) -> None:
    code, output = run("--workers", "2", cwd=tmp_path, monkeypatch=monkeypatch, KIKAO_STORE=store)
    assert code == 2
    assert told in output
    assert "Leave --workers out, or set KIKAO_STORE to PostgreSQL" in output


def test_reload_is_for_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, output = run("--workers", "2", "--reload", cwd=tmp_path, monkeypatch=monkeypatch)
    assert code == 2
    assert "leave --workers out" in output


def test_workers_have_no_simulator(tmp_path: Path) -> None:
    settings = load({}, tmp_path, makes_keys=True)
    assert settings.simulator == "loopback"
    assert for_workers(settings).simulator == "off"
