"""What a screen becomes for networks that break on anything but letters, digits and a few signs."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kikao.i18n.gsm7 import BASIC
from kikao.i18n.plain import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Karibu, Asha!\n1 Tuma\n2 Toa", "Karibu, Asha!\n1 Tuma\n2 Toa"),
        ("José Ñandú, Søren, Łucja", "Jose Nandu, Soren, Lucja"),
        ("Ŋŋoma y’essimu", "Ng'ng'oma y'essimu"),
        ("Ɓala ƙofa, Ɛsɛ, yɔ", "Bala kofa, Ese, yo"),
        ("e\u0301t\u00e9, Ẹ̀kọ́", "ete, Eko"),
        ("€5 £6 ₦7 ₿8", "EUR5 GBP6 NGN7 ?8"),
        ("[1] {2} a|b c\\d ~5 x^2", "(1) (2) a/b c/d -5 x2"),
        ("KES\u00a012 • 5 × 3 – “ok”…", 'KES 12 - 5 x 3 - "ok"...'),
        ("✅ Sent\u200b 👍🏾", " Sent "),
        ("ሰላም Asha", "??? Asha"),
        ("مرحبا ١٢٣", "????? 123"),
        ("½ of 5², ① and \N{ROMAN NUMERAL TWELVE}", "? of 5?, ? and ?"),
    ],
)
def test_the_nearest_ascii_stands_for_each_character(text: str, shown: str) -> None:
    assert plain(text) == shown


@example("\u1e9e\ufb03\u0149\u01c6")
@given(st.text(max_size=40))
def test_what_comes_out_takes_a_septet_a_character_and_stays_as_it_is(text: str) -> None:
    shown = plain(text)
    assert set(shown) <= set(BASIC) & set(string.printable)
    assert "\r" not in shown
    assert plain(shown) == shown


@given(st.text(string.ascii_letters + string.digits + " \n!\"#$%&'()*+,-./:;<=>?@_"))
def test_plain_texts_stay(text: str) -> None:
    assert plain(text) == text


@given(st.integers(0, 10**12))
def test_no_amount_becomes_another(amount: int) -> None:
    assert plain(f"½{amount}² ŋ") == f"?{amount}? ng'"
