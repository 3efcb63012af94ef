"""What members do, as a transcript."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.testing.member_steps import dials
from kikao.testing.registry import matches
from kikao.transcripts import Recorder, parse


def test_a_conversation() -> None:
    told = Recorder("The balance")
    assert told.text() == ""
    told.member("Asha", "+256700000001", gateway="nalo", code="*284#")
    told.member("Asha", "+256700000001", gateway="nalo", code="*284#")
    told.member("Binta", "+256700000002")
    told.dialled("Asha", "", "Hello\n1 Send\n2 Balance", False)
    told.answered("Asha", "2", "Enter your PIN", False)
    told.passed(75.2)
    told.answered("Asha", "1379", "Wrong PIN.", False, secret=True)
    told.answered("Asha", "2580", "1 Yes 2580\n", False, secret=True)
    told.answered("Asha", "1379", "No.", True, secret=True)
    told.again("Asha", "No.", True)
    told.noted("Asha gives up,\nand Binta begins.")
    told.passed(3600)
    told.passed(0.2)
    told.passed(120)
    told.dialled("Binta", "1*500", "To whom?", False)
    told.answered("Binta", "her mother", "Who?", False)
    told.answered("Binta", "K-17", "Right.", False, secret="code")
    told.hung_up("Binta")
    told.dialled("Binta", "1*2580", "2580?", False, secret=True)
    told.lost("Binta")

    assert (
        told.text()
        == """\
# The balance

Asha is +256700000001 on nalo dialling *284#.
Binta is +256700000002.
Asha's PIN is ____.
Asha's second PIN is ____.
Binta's code is ____.
Asha dials.
    Hello
    1 Send
    2 Balance

Asha answers 2.
    Enter your PIN

75 seconds pass.
Asha answers their PIN.
    Wrong PIN.

Asha answers their second PIN.
    1 Yes ...

Asha answers their PIN.
    No.
    (end)

The gateway sends Asha's request again.
    No.
    (end)

// Asha gives up, and Binta begins.
1 hour passes.
2 minutes pass.
Binta dials 1*500.
    To whom?

Binta answers "her mother".
    Who?

Binta answers their code.
    Right.

Binta hangs up.
Binta dials ____.
    ...?

Binta's line drops.
"""
    )


@given(st.text(), st.text(), st.booleans(), st.text())
def test_whatever_is_typed_and_shown_can_be_read_again(
    typed: str, page: str, ended: bool, title: str
) -> None:
    told = Recorder(title)
    told.dialled("Asha", "", page, ended)
    told.answered("Asha", typed, page, ended)
    (read,) = parse(told.text())
    assert len(read.steps) == 2


@given(st.text("abcxyz0123456789", min_size=4), st.text())
def test_a_secret_is_not_written(secret: str, page: str) -> None:
    told = Recorder("T")
    told.answered("Q", secret, f"{page}{secret}", False, secret=True)
    told.dialled("Q", f"1*{secret}", f"{page}{secret}", False, secret=True)
    assert secret not in told.text()


def test_a_story_without_end_is_told_to_a_point() -> None:
    told = Recorder("Long", most=2)
    for text in "1234":
        told.answered("Asha", text)
    assert told.text().endswith("Asha answers 1.\nAsha answers 2.\n// What came after 2 steps is left out.\n")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), min_size=1, max_size=8))
def test_whatever_is_dialled_is_a_step(ahead: str) -> None:
    told = Recorder()
    told.dialled("Asha", ahead)
    (step,) = parse(told.text())[0].steps
    (match,) = matches(step.text)
    assert (match.kind.act, match.groups["answers"]) == (dials, None)
    said = match.groups["ahead"] or ""
    assert (json.loads(said) if said.startswith('"') else said) == ahead


def test_names_begin_with_a_capital() -> None:
    for name in ("asha", "Asha N", "", "+256", "A\n"):
        with pytest.raises(ValueError, match="is no name for a member"):
            Recorder().hung_up(name)


def test_more_secrets_than_there_are_words_for() -> None:
    told = Recorder()
    for n in range(11):
        told.answered("Asha", f"secret{n}", "", False, secret=True)
    assert "Asha answers their 11th PIN." in told.text()
