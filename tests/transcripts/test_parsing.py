"""Reading transcripts: what a line may be, and what is said of one that is nothing."""

from __future__ import annotations

import pytest

from kikao.transcripts import Step, TranscriptError, parse

FILE = """\
Language: lg
// Who plays.
Asha is +256700000001.

# The balance
Gateways: nalo

Asha dials and answers 2.
    Enter your PIN
    0 Back

// She remembers it.
Asha answers 2580.

    Your balance:

    UGX 100,000
    (end)
Asha hangs up.


# Another

Asha dials.
"""


def test_a_file() -> None:
    balance, another = parse(FILE, "balance.txt")

    assert (balance.title, balance.line, balance.name) == ("The balance", 5, "balance.txt")
    assert balance.settings == {"Language": "lg", "Gateways": "nalo"}
    assert another.settings == {"Language": "lg"}
    assert balance.opening == another.opening == (Step("Asha is +256700000001.", 3, None, 4, 4),)
    assert balance.steps == (
        Step("Asha dials and answers 2.", 8, ("Enter your PIN", "0 Back"), 9, 11),
        Step("Asha answers 2580.", 13, ("Your balance:", "", "UGX 100,000", "(end)"), 15, 19),
        Step("Asha hangs up.", 19, None, 20, 20),
    )


def test_what_editors_do_to_a_file_changes_nothing() -> None:
    edited = "\ufeff" + FILE.replace("0 Back", "0 Back  ").replace("\n", "\r\n").replace(
        "    Enter", "\tEnter"
    )
    assert parse(edited) == parse(FILE)


def test_spaces_that_do_not_break_are_spaces() -> None:
    pasted = FILE.replace("    Enter", "\u00a0 \u00a0\u00a0Enter")
    assert pasted != FILE
    assert parse(pasted) == parse(FILE)


def test_a_deeper_line_keeps_its_spaces() -> None:
    (told,) = parse("# A\nAsha dials.\n      two more\n")
    assert told.steps[0].screen == ("  two more",)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["1: no transcript begins here"]),
        ("Asha dials.\n", ["1: no transcript begins here"]),
        ("# A\n", ["1: nothing happens in 'A'"]),
        ("#\nAsha dials.\n", ["1: a title is missing"]),
        ("#A\nAsha dials.\n", ["1: a title is missing"]),
        ("# A\nAsha dials.\n# A\nAsha dials.\n", ["3: line 1 has this title"]),
        ("# A\nAsha dials\n", ["2: 'Asha dials' is no step", "1: nothing happens"]),
        ("# A\nAsha dials.\n  Hello\n", ["3: a line of a screen stands behind four spaces"]),
        ("# A\n    Hello\n    You\nAsha dials.\n", ["2: a screen stands below the step"]),
        ("# A\nAsha dials.\n    Hello\n// note\n    You\n", ["5: a screen stands below the step"]),
        ("Asha dials.\n    Hello\n# A\nAsha dials.\n", ["2: steps at the top of the file"]),
        (
            "Colour: red\n# A\nAsha dials.\n",
            ["1: there is no setting 'Colour'; there are Language and Gateways"],
        ),
        ("# A\nAsha dials.\nLanguage: lg\n", ["3: a setting stands above the steps"]),
        ("Language: lg\nLanguage: en\n# A\nAsha dials.\n", ["2: Language is set already"]),
    ],
)
def test_a_line_that_is_nothing_is_named(text: str, problems: list[str]) -> None:
    with pytest.raises(TranscriptError) as refused:
        parse(text, "a.txt")

    said = str(refused.value).splitlines()
    for place, problem in enumerate(problems):
        assert said[place].startswith(f"a.txt:{problem}"), said
    assert len(refused.value.problems) == len(problems)
    assert said[len(problems)] == "a line may be"


def test_of_many_wrong_lines_a_message_names_some() -> None:
    with pytest.raises(TranscriptError) as refused:
        parse("# A\nAsha dials.\n" + "".join(f"x{n}\n" for n in range(12)), "a.txt")
    assert len(refused.value.problems) == 12
    assert "a.txt:12: " in str(refused.value)
    assert "a.txt:13: " not in str(refused.value)
    assert "\nand 2 more\na line may be\n" in str(refused.value)


def test_a_comment_may_stand_between_a_step_and_its_screen() -> None:
    (told,) = parse("# A\nAsha dials.\n// note\n    Hello\n")
    assert told.steps[0].screen == ("Hello",)
