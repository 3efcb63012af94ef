"""Answers as a line tells them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.transcripts import BLANK, Named, Typed, blanks, read_answers, spell

TEXTS = st.text() | st.sampled_from(
    [
        "her PIN",
        "the end",
        "1 then 2",
        'a "b"',
        "",
        " ",
        BLANK,
        "a while b",
        "Asha's PIN",
        "x.",
        "a, which b",
        "1 then ",
    ]
)


@given(TEXTS)
def test_what_is_spelled_is_read(text: str) -> None:
    assert read_answers(spell(text)) == [Typed(text)]
    assert "\n" not in spell(text)
    assert not blanks(spell(text))


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_several_answers(texts: list[str]) -> None:
    assert read_answers(" then ".join(map(spell, texts))) == [Typed(text) for text in texts]


def test_what_is_clear_is_spelled_as_it_is_typed() -> None:
    for plain in ("1", "0700 000 002", "5,000", "Asha", "her", "*", "ŋoma"):
        assert spell(plain) == plain


def test_answers_by_name() -> None:
    assert read_answers("her PIN then Binta's second PIN then the start PIN then 1") == [
        Named("her", "PIN"),
        Named("Binta", "second PIN"),
        Named("the", "start PIN"),
        Typed("1"),
    ]
    assert [str(each) for each in read_answers("her PIN then Binta's PIN")] == ["her PIN", "Binta's PIN"]


@pytest.mark.parametrize("text", ["", '"open', "1 then ", " then 2", 'a then "b" c', "“2”", "1 then „2“"])
def test_what_is_no_answer(text: str) -> None:
    with pytest.raises(ValueError, match="is no answer"):
        read_answers(text)


def test_a_blank_is_one_outside_of_quotes() -> None:
    assert blanks(f"Asha answers {BLANK}.")
    assert not blanks(f'Asha answers "{BLANK}".')
