"""The steps there are: how they are registered, found, and named where a line is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao.testing import NAME, Play, registry, step
from kikao.testing import playing as _  # noqa: F401 - kikao's own steps come with it
from kikao.testing.registry import UnknownStep, close_to, form_of, matches


@pytest.fixture(autouse=True)
def own_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_PROJECT", [])


@pytest.mark.parametrize(
    ("pattern", "form"),
    [
        (rf"(?P<who>{NAME}) has (?P<count>\d+) coins?\.", "{who} has {count} coins."),
        (r"It (?:rains|snows)(?: in (?P<town>[A-Z]\w+))?\.", "It rains|snows[ in {town}]."),
        (r"The\sdoor (is|was) open(?: for \d{2,3} days)*\.", "The door is|was open[ for d days]."),
    ],
)
def test_a_pattern_as_people_read_it(pattern: str, form: str) -> None:
    assert form_of(pattern) == form


def test_a_pattern_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"'\(' is no pattern"):
        step("(")


def test_the_last_one_registered_goes_first() -> None:
    @step(r"It rains\.")
    def first(play: Play) -> None:
        """First."""

    @step(r"It \w+\.", form="It does.")
    def second(play: Play) -> None:
        """Second.

        And more.
        """

    (found,) = matches("It rains.")
    assert (found.kind.told, found.kind.form) == ("Second.", "It does.")


def test_a_step_of_a_conftest_is_known_below_its_folder(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    source = (
        "from kikao.testing import step\n\n@step(r'It rains\\.')\ndef rains(play):\n    '''Here only.'''\n"
    )
    exec(compile(source, str(here / "conftest.py"), "exec"), {})

    assert matches("It rains.", here / "transcripts" / "a.txt")
    for path in (there / "a.txt", None):
        with pytest.raises(UnknownStep):
            matches("It rains.", path)


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ("Asha anwsers 5.", "{Asha} answers {2} [then {her PIN}] [then ...]."),
        ("Asha dails.", "{Asha} dials [{1*500}] [and answers {2} [then {her PIN}]]."),
        ("Asha hang up.", "{Asha} hangs up."),
        ("5 minute passed.", "{10} {minutes} pass."),
        ("The server dies before next commit.", "The server dies {before} the {next} {commit}."),
        ("The bank is very slow.", "The {bank} is slow [to answer {transfer} [and {balance}]] [, once]."),
        ("Asha number is +256700000001.", "{Asha} is {+256700000001} [on {nalo}] [dialling {*284#}]."),
    ],
)
def test_a_line_that_is_none_meets_those_that_come_close(line: str, form: str) -> None:
    assert form in close_to(line)[:3]
    with pytest.raises(UnknownStep, match="steps that come close"):
        matches(line)
