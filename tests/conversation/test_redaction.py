"""What is left of plain data when a secret is taken out of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.conversation.redaction import LONG, REDACTED, redacted

PIN = "73915042"

SECRETS = st.text("0123456789", min_size=LONG, max_size=12) | st.text("abcABC-*", min_size=LONG, max_size=12)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(0, 9), inner),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("data", "left"),
    [
        (f"pin {PIN}.", f"pin {REDACTED}."),
        (f"1{PIN}2", f"1{REDACTED}2"),
        (PIN + PIN, REDACTED + REDACTED),
        (b"<" + PIN.encode() + b">", b"<***>"),
        (PIN.encode("utf-16-le"), REDACTED.encode("utf-16-le")),
        (PIN.encode("utf-16-be"), REDACTED.encode("utf-16-be")),
        (int(PIN), 0),
        (-int(PIN) * 100, 0),
        (float(PIN), 0.0),
        (int(PIN) + 1, int(PIN) + 1),
        ({PIN: [{int(PIN): (PIN,)}]}, {REDACTED: [{0: [REDACTED]}]}),
        (
            {"ok": True, "none": None, "n": 7, "text": "seven"},
            {"ok": True, "none": None, "n": 7, "text": "seven"},
        ),
    ],
)
def test_a_long_secret_is_taken_out_wherever_it_stands(data: Any, left: Any) -> None:
    assert redacted(data, PIN) == left
    assert type(redacted(data, PIN)) is type(left)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("4321", "***"),
        ("PIN4321", "PIN***"),
        ("pin=4321&", "pin=***&"),
        ("4321 4321", "*** ***"),
        ("43214321", "43214321"),
        ("+256774321000", "+256774321000"),
        ("UGX 4,321", "UGX 4,321"),
        ("9 4321x", "9 ***x"),
    ],
)
def test_a_short_one_where_it_stands_alone(text: str, left: str) -> None:
    assert redacted(text, "4321") == left
    assert redacted(text.encode(), "4321") == left.encode()
    assert redacted(4321, "4321") == 4321, "it may be an amount"


def test_letters_in_any_case() -> None:
    assert redacted("KAMPALA7! kampala7! Kampala7!", "Kampala7!") == "*** *** ***"
    assert redacted("upatu, pat", "pat") == "upatu, ***"


def test_without_a_secret_nothing_is_taken_out() -> None:
    assert redacted("plain", "") == "plain"


def test_a_number_with_noughts_before_it() -> None:
    assert redacted(4711234, "04711234") == 0
    assert redacted(12, "00000012") == 12


@given(PLAIN, SECRETS)
def test_what_is_left_has_none_of_it_and_the_same_shape(data: Any, secret: str) -> None:
    left = redacted(data, secret)

    if secret not in REDACTED and secret not in str(data):
        assert repr(left) == repr(redacted(left, secret))
    written = msgspec.json.encode(redacted([data, secret, {secret: secret}], secret), enc_hook=str)
    if secret not in str(data):
        assert secret.encode() not in written
    assert (left is None) == (data is None)


@given(SECRETS, st.text(max_size=20), st.text(max_size=20))
def test_wherever_it_is_put(secret: str, before: str, after: str) -> None:
    for whole in (before + secret + after, f"{secret}{before}{secret}"):
        assert secret not in redacted(whole, secret).replace(REDACTED, "\0")
        octets = whole.encode(errors="surrogatepass")
        assert secret.encode() not in redacted(octets, secret).replace(REDACTED.encode(), b"\0")
