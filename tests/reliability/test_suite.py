"""The runner: what counts as a violation, and that no part can fail in silence."""

from __future__ import annotations

import pytest

from tests.reliability import posting, suite
from tests.reliability.parts import PARTS, Part
from tests.reliability.report import Must, at_least, at_most, exactly, report


@pytest.mark.parametrize("part", PARTS, ids=lambda part: str(part.name))
def test_every_part_is_there(part: Part) -> None:
    assert callable(part.load())


@pytest.mark.parametrize(
    ("must", "good", "bad"), [(exactly(0), 0, 1), (at_least(25), 26, 24), (at_most(2), 1.5, 3)]
)
def test_a_figure_that_is_not_what_it_must_be_is_a_violation(must: Must, good: float, bad: float) -> None:
    assert report({"turns lost": good}, [], turns_lost=must).wrong() == []
    assert report({"turns lost": bad}, [], turns_lost=must).wrong() == [
        f"turns lost: {bad}, and it must be {must}"
    ]


def test_a_figure_that_was_not_measured_is_a_violation() -> None:
    assert report({}, [], kills=at_least(25)).wrong() == ["kills: not measured"]
    assert report({"kills": "many"}, [], kills=at_least(25)).wrong()


def test_the_table_has_part_figure_expected_and_seen() -> None:
    found = suite.Told(PARTS[0], report({"kills": 1_025}, ["it burns"], kills=at_least(25)), 61.2)

    said = suite.table([found]).splitlines()

    assert said[2].split("  ")[0] == PARTS[0].name
    assert said[2].split()[-4:] == ["at", "least", "25", "1,025"]
    assert said[3].split() == ["violations", "0", "1"]
    assert said[4].split() == ["seconds", "61"]


def test_a_part_that_ends_without_a_report_fails_the_suite(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = Part("no such part", "nowhere:nothing", (1, 1))
    monkeypatch.setattr(suite, "PARTS", (lost,))

    assert suite.main(quick=True, seed=1) == 1
    assert "no report" in capsys.readouterr().out
    assert suite.main(quick=True, seed=1, only=["another"]) == 2


# --- the laws of the parts, on what was made up ---


def arrival(at: float, id_: str, number: int, part: int) -> posting.Arrival:
    return posting.Arrival(at, id_, number, part)


def test_both_messages_of_a_conversation_arrive_in_their_order() -> None:
    right = [arrival(1.0, "a", 7, 1), arrival(2.0, "b", 7, 2)]

    assert posting.judged(right, [7], {7}, []) == ([], 0, 0)
    assert posting.judged(right[:1], [7], {7}, [])[0]
    assert posting.judged([arrival(1.0, "b", 7, 2), arrival(2.0, "a", 7, 1)], [7], {7}, [])[0]
    assert posting.judged(right, [7], set(), [])[0]


def test_a_copy_needs_a_kill_between_it_and_the_first() -> None:
    twice = [arrival(1.0, "a", 7, 1), arrival(2.0, "b", 7, 2), arrival(3.0, "b", 7, 2)]

    assert posting.judged(twice, [7], {7}, [2.5]) == ([], 1, 1)
    assert posting.judged(twice, [7], {7}, [1.5, 3.5]) == ([], 1, 0)
    assert posting.judged([*twice, arrival(4.0, "c", 7, 2)], [7], {7}, [2.5])[0]
