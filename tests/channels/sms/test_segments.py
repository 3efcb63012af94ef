"""What texts cost as SMS, held against the arithmetic of the standard."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.channels.sms import Segments, segments
from kikao.channels.sms.segments import EACH, ONE, budget, split
from kikao.i18n.gsm7 import EXTENSION, GSM7, cost, fits

GSM = st.text(st.sampled_from(sorted(GSM7)), max_size=700)
ANY = st.text(st.sampled_from("aé€[ŋ漢😀"), max_size=400)


@pytest.mark.parametrize(
    ("text", "alphabet", "units", "count"),
    [
        ("", "gsm7", 0, 1),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        ("a" * 152 + "€" + "a" * 152, "gsm7", 306, 3),  # the escape may not end the first part
        ("ŋ" * 70, "ucs2", 70, 1),
        ("ŋ" * 71, "ucs2", 71, 2),
        ("ŋ" * 134, "ucs2", 134, 2),
        ("ŋ" * 135, "ucs2", 135, 3),
        ("ŋ" * 66 + "😀" + "ŋ" * 66, "ucs2", 134, 3),  # nor half of a pair
    ],
)
def test_texts_at_the_limits(text: str, alphabet: str, units: int, count: int) -> None:
    assert segments(text) == Segments(alphabet, units, count)  # type: ignore[arg-type]


@given(st.one_of(GSM, ANY))
@settings(max_examples=150)
def test_the_parts_are_the_text_and_each_fits(text: str) -> None:
    found, parts = segments(text), split(text)
    assert "".join(parts) == text
    assert len(parts) == found.count
    assert (found.alphabet, found.units) == (cost(text).alphabet, cost(text).units)
    most = (ONE if len(parts) == 1 else EACH)[found.alphabet]
    for part in parts:
        price = len(part.encode("utf-16-be")) // 2
        if found.alphabet == "gsm7":
            price = len(part) + sum(character in EXTENSION for character in part)
        assert price <= most
    assert all(parts) or text == ""


@given(st.one_of(GSM, ANY), ANY)
@settings(max_examples=80)
def test_more_text_never_takes_fewer(text: str, more: str) -> None:
    assert segments(text).count <= segments(text + more).count


@given(st.one_of(GSM, ANY), st.integers(1, 6))
@settings(max_examples=150)
def test_what_fits_a_budget_takes_no_more_than_that_many(text: str, most: int) -> None:
    if fits(text, budget(most)):
        assert segments(text).count <= most
