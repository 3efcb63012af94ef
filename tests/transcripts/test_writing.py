"""Writing transcripts: what is written is read again, and other screens change nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kikao.transcripts import Step, Transcript, parse, screen_lines, with_screens, write

PAGES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\x0b\x0c"), max_size=12), max_size=4
)
STEPS = st.builds(
    lambda what, page, ended: Step(f"Asha {what}.", 0, screen_lines("\n".join(page), ended) or None),
    st.sampled_from(["dials", "answers 1", "hangs up"]),
    PAGES,
    st.booleans(),
)


def plain(told: list[Transcript]) -> list[Transcript]:
    """Without the places of lines."""

    def bare(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(Step(step.text, 0, step.screen) for step in steps)

    return [
        replace(each, line=0, name="", steps=bare(each.steps), opening=bare(each.opening)) for each in told
    ]


@given(
    st.lists(st.lists(STEPS, min_size=1, max_size=4), min_size=1, max_size=3),
    st.booleans(),
    st.dictionaries(st.sampled_from(["Language", "Gateways"]), st.sampled_from(["lg", "nalo"])),
)
def test_what_is_written_is_read(steps: list[list[Step]], opens: bool, settings: dict[str, str]) -> None:
    opening = (Step("Asha is +256700000001.", 0),) if opens else ()
    told = [Transcript(f"Number {n}", 0, tuple(each), opening, settings) for n, each in enumerate(steps)]
    assert plain(parse(write(told))) == told


def test_settings_of_one_transcript_stand_below_its_title() -> None:
    told = [
        Transcript("A", 0, (Step("Asha dials.", 0),), (), {}),
        Transcript("B", 0, (Step("Asha dials.", 0),), (), {"Language": "lg"}),
    ]
    assert write(told) == "# A\n\nAsha dials.\n\n\n# B\n\nLanguage: lg\n\nAsha dials.\n"
    assert write([]) == ""


TEXT = """\
// a note

# A
Asha dials.
    Old
    lines
Asha answers 1.
// no screen yet
Asha answers 2.

# B
Asha dials.
    Old
"""


A, B = parse(TEXT)
(SHORT,) = parse("# A\nAsha dials.")


def test_other_screens_leave_the_rest_as_it_is() -> None:
    text = with_screens(TEXT, A, {0: ("New",), 1: ("First", "(end)"), 2: ("Second",)})

    assert text == TEXT.replace("    Old\n    lines\n", "    New\n").replace(
        "answers 1.\n", "answers 1.\n    First\n    (end)\n\n"
    ).replace("answers 2.\n", "answers 2.\n    Second\n", 1)
    assert with_screens(TEXT, B, {0: ("New",)}) == TEXT[:-8] + "    New\n"
    assert with_screens("# A\nAsha dials.", SHORT, {0: ("New",)}) == "# A\nAsha dials.\n    New"
    assert with_screens(TEXT, A, {}) == TEXT


def test_ends_of_lines_stay_those_of_the_file() -> None:
    assert with_screens("# A\r\nAsha dials.\r\n", SHORT, {0: ("New",)}) == "# A\r\nAsha dials.\r\n    New\r\n"


def test_ends_of_lines_may_be_mixed() -> None:
    text = "# A\r\nAsha dials.\n    Old\r\n\n// a note\r\n"
    (told,) = parse(text)
    assert with_screens(text, told, {0: ("New",)}) == "# A\r\nAsha dials.\n    New\r\n\n// a note\r\n"


def test_the_last_line_may_have_no_end() -> None:
    for end in ("\n", "\r\n"):
        text = f"# A{end}Asha dials."
        accepted = with_screens(text, SHORT, {0: ("New", "(end)")})
        assert parse(accepted)[0].steps[0].screen == ("New", "(end)")
        assert accepted == f"# A{end}Asha dials.{end}    New{end}    (end)"


def test_a_transcript_that_is_not_the_same_any_more() -> None:
    for text in (TEXT.replace("# A", "# C"), TEXT.replace("answers 1", "answers 3")):
        with pytest.raises(LookupError, match="'A' has changed meanwhile"):
            with_screens(text, A, {})
