"""The simulated clock: forward only, also when the server starts again."""

from __future__ import annotations

import math
import stat
from pathlib import Path

import pytest

from kikao.console.simulator.clock import FARTHEST, SimulatedClock
from kikao.testing import Clock


def test_it_runs_ahead_of_another_clock() -> None:
    real = Clock()
    clock = SimulatedClock(real)
    clock.advance(60)
    clock.advance(0)
    real.advance(5)
    assert (clock(), clock.offset) == (real.now + 60, 60)


@pytest.mark.parametrize("seconds", [-0.001, math.nan, math.inf, FARTHEST])
def test_it_goes_neither_back_nor_too_far(seconds: float) -> None:
    clock = SimulatedClock(Clock())
    clock.advance(1)
    with pytest.raises(ValueError, match=r"time moves forward|ten years"):
        clock.advance(seconds)
    assert clock.offset == 1


def test_the_next_process_goes_on_from_there(tmp_path: Path) -> None:
    path = tmp_path / "simulated-clock"
    SimulatedClock(Clock(), path).advance(3600.5)
    assert SimulatedClock(Clock(), path).offset == 3600.5
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["simulated-clock"]


def test_nothing_is_kept_where_there_is_no_folder(tmp_path: Path) -> None:
    clock = SimulatedClock(Clock(), tmp_path / "data" / "simulated-clock")
    clock.advance(1)
    assert clock.offset == 1
    assert not (tmp_path / "data").exists()


def test_what_cannot_be_kept_did_not_happen(tmp_path: Path) -> None:
    path = tmp_path / "simulated-clock"
    (tmp_path / ".simulated-clock").mkdir()
    clock = SimulatedClock(Clock(), path)
    with pytest.raises(IsADirectoryError):
        clock.advance(1)
    assert clock.offset == 0


@pytest.mark.parametrize("content", [b"", b"soon", b"-5", b"nan", b"inf", b"1e300", b"\xff"])
def test_a_file_that_holds_something_else_counts_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "simulated-clock"
    path.write_bytes(content)
    assert SimulatedClock(Clock(), path).offset == 0
