"""A slice of the deterministic simulation, and proof that a seed always does the same."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kikao.conversation.journal import Run
from tests.reliability.simulation.__main__ import main
from tests.reliability.simulation.crash_points import CONVERSATIONS, Conversation, every_point, play
from tests.reliability.simulation.mutants import MUTANTS, Edit, Mutant, hunt
from tests.reliability.simulation.running import attempt, attempt_all, trace

SEEDS = range(180)
QUICK = (
    *("no version check", "no dedupe", "fresh key per try", "Refused stored under the key"),
    *("reply not stored", "recovery takes live leases", "back crosses a barrier", "crossed inbound taken"),
    *("no consumed marker", "options of today", "last piece of accumulated text taken"),
)
"""Mutants that are caught within some dozen seeds; `make reliability` hunts for all of them."""
TROUBLES = (
    *("workers killed", "workers stopped", "sends again", "taps twice", "bank: answer lost"),
    *("store: answer lost", "store: request lost", "store: refused", "store: request slow"),
    *("types ahead", "lists changed", "keys rotated"),
)
ROOT = Path(__file__).parents[2]


def test_no_disaster_breaks_a_law() -> None:
    tried = attempt_all(SEEDS)

    assert tried.broken == {}
    for trouble in TROUBLES:
        assert tried.counts[trouble] >= 5, trouble
    assert tried.counts["turns acknowledged"] > 5 * len(SEEDS)
    assert tried.counts["orders carried out"] > len(SEEDS) / 2


def test_a_seed_does_the_same_in_every_process() -> None:
    seeds = range(40, 46)
    code = (
        f"import sys; from tests.reliability.test_simulation import fingerprint; print(fingerprint({seeds}))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for hashes in ("1", "2")
    }

    assert told == {fingerprint(seeds)}


def fingerprint(seeds: range) -> str:
    """Of all that happens in some seeds."""
    lines = [line for seed in seeds for line in trace(seed)[0]]
    assert len(lines) > 20 * len(seeds)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_a_seed_is_shown_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "5"]) == 0
    said = capsys.readouterr().out

    assert "w0.1   starts" in said
    assert "store  commit v1" in said


# --- mutants of the product ---


def test_every_mutant_fits_the_code_as_it_is() -> None:
    for mutant in MUTANTS:
        with mutant.at_large():
            assert len({edit.name for edit in mutant.edits}) == len(mutant.edits)


def test_a_mutant_of_code_that_moved_on_is_noticed() -> None:
    moved = Edit(Run, "truncate", "self.era += 1", "")
    before = Run.truncate

    with pytest.raises(AssertionError, match="stands there 0 times"), Mutant("m", "law", (moved,)).at_large():
        pass

    assert Run.truncate is before


@pytest.mark.parametrize("name", QUICK)
def test_a_mutant_is_caught(name: str) -> None:
    caught = hunt(name, 600)

    assert caught.seeds
    assert attempt(caught.seed)[1] == []  # the product as it is breaks nothing


# --- crash points ---


def test_a_conversation_is_recovered_from_every_crash_point_and_some_pairs() -> None:
    tried = every_point("registration with a PIN", most=30)

    assert tried.broken == []
    assert tried.run == tried.points == tried.recovered > 50
    assert tried.pairs_run == tried.pairs_recovered == 30
    assert tried.pairs > tried.distinct > tried.pairs_run


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda conversation: str(conversation.name))
def test_every_conversation_comes_to_its_goal_alone(conversation: Conversation) -> None:
    assert play(conversation).broken == []


def test_crash_points_find_what_is_wrong() -> None:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == "lease never expires")
    with mutant.at_large():
        tried = every_point("a transfer", most=0, share=5, shares=20)

    assert tried.run > tried.recovered
    assert any("its goal" in line for line in tried.broken)


def test_seeds_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "7", "--seeds", "6"]) == 0

    assert "6 seeds" in capsys.readouterr().out
