"""Numbers and names as operators are shown them: never whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.i18n.e164 import E164
from kikao.sessions.masking import masked, masked_part


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        ("flow:menu", "flow:menu"),
        ("gateway:ussd/nalo", "gateway:ussd/nalo"),
        ("url:pay.example_ussd", "url:pay.example_ussd"),
        ("code:*284#", "code:*284#"),
        ("explicit:kiosk-7", "explicit:kiosk-7"),
        ("msisdn:+256772000001", "msisdn:+25677****01"),
        ("msisdn:+1234567", "msisdn:+1****67"),
        ("token:ussd/nalo/abcdefgh", "token:ussd/nalo/****gh"),
        ("token:ussd/nalo/ab/cdefgh", "token:ussd/nalo/****gh"),
        ("token:ussd/nalo/abc", "token:ussd/nalo/****"),
        ("request:ussd/nalo/dialogue-9", "request:ussd/nalo/****-9"),
        ("user_id:telegram/4711999", "user_id:telegram/****99"),
        ("telegram:4711", "telegram:****"),
        ("telegram:47119", "telegram:****19"),
        ("whatsapp:256772000001", "whatsapp:****01"),
        ("user:asha@example", "user:****le"),
        ("given:asha", "given:****"),
        ("", "****"),
        ("nonsense", "nonsense:****"),
    ],
)
def test_a_part_as_it_is_shown(part: str, shown: str) -> None:
    assert masked_part(part).removeprefix(":") == shown


@given(st.from_regex(E164, fullmatch=True))
def test_four_digits_of_a_number_are_never_shown(number: str) -> None:
    head, _, tail = masked("msisdn", number).partition("****")

    assert number.startswith(head)
    assert number.endswith(tail)
    assert len(number) - len(head) - len(tail) >= 4


@given(st.sampled_from(["telegram", "user", "token", "given"]), st.text(min_size=1, max_size=12))
def test_three_characters_of_a_name_are_never_shown_nor_any_of_a_short_one(kind: str, name: str) -> None:
    shown = masked(kind, name).removeprefix(f"{kind}:****")

    assert name.endswith(shown)
    assert len(name) - len(shown) >= min(3, len(name))
