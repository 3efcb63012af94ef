"""The benchmarks run: every subject and server does a little of its work. How fast is for `make bench` to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.load import Server
from benchmarks.subjects import Process


@pytest.mark.parametrize(
    "subject",
    [
        ("turns:handled",),
        ("turns:kikao",),
        *((f"replay:{name}", "5") for name in ("shown", "replayed", "bare")),
    ],
)
def test_a_subject_does_its_work(subject: tuple[str, ...]) -> None:
    with Process(*subject) as process:
        assert process.work(7) > 0


@pytest.mark.parametrize(("name", "store"), [("kikao", ""), ("kikao", "memory:"), ("bare", "")])
def test_a_server_answers(name: str, store: str, tmp_path: Path) -> None:
    with Server(name, tmp_path / "server", store) as server:
        done = server.round(members=3, turns=21)
    assert done.turns == 21
    assert done.cpu > 0
