"""The benchmarks run: every subject and server does a little of its work. How fast is for `make bench` to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.load import Server
from benchmarks.subjects import Process, subject


@pytest.mark.parametrize("name", ["turns:kikao", "clients:kikao", "clients:least"])
def test_a_subject_does_its_work_on_a_store(name: str, tmp_path: Path) -> None:
    with Process(*subject(name, f"sqlite:///{tmp_path / 'sessions.db'}")) as process:
        assert process.work(7) > 0


def test_a_replay_does_its_work() -> None:
    with Process(*subject("replay:replayed", "5")) as process:
        assert process.work(7) > 0


@pytest.mark.parametrize("name", ["kikao", "bare"])
def test_a_server_answers(name: str, tmp_path: Path) -> None:
    with Server(name, tmp_path, f"sqlite:///{tmp_path / 'sessions.db'}") as server:
        done = server.round(members=3, turns=36)
    assert done.turns == 36
    assert done.cpu > 0


@pytest.mark.parametrize(
    "name", [("gateways:answered", "nalo"), ("gateways:cut", "gsm7"), ("gateways:cut", "ucs2")]
)
def test_gateways_do_their_work(name: tuple[str, str]) -> None:
    with Process(*subject(*name)) as process:
        assert process.work(7) > 0
