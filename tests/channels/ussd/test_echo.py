"""What goes back to a provider as it came."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.channel import BadRequest
from kikao.channels.inbound import Inbound
from kikao.channels.ussd.echo import MAX_ECHO, kept, repeated
from kikao.channels.ussd.registry import gateway
from kikao.conversation.secrets import Secret

WIGAL = gateway("wigal")
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=40),
)


def back(fields: dict[str, object], *names: str) -> dict[str, object]:
    inbound = Inbound("ussd", "wigal", "+233241234567", "reply", Secret(""), echo=kept(WIGAL, fields, names))
    decoded: dict[str, object] = json.loads(msgspec.json.encode(repeated(inbound)))
    return decoded


@given(value=PLAIN)
def test_a_text_stays_a_text_and_a_number_a_number(value: object) -> None:
    assert back({"other": value}, "other") == {"other": value}


def test_only_what_is_asked_for_goes_back_in_the_order_that_is_asked_for() -> None:
    fields = {"b": 1, "userdata": "4321", "a": "x"}
    assert list(back(fields, "a", "b", "c").items()) == [("a", "x"), ("b", 1)]


@pytest.mark.parametrize(
    "value", [[], {}, ["4321"], {"a": "4321"}, "x" * MAX_ECHO, "ŋ" * MAX_ECHO, float("inf"), -float("inf")]
)
def test_what_cannot_go_back_is_refused_by_name(value: object) -> None:
    with pytest.raises(BadRequest, match="ussd/wigal: field other goes back in the reply") as refused:
        kept(WIGAL, {"other": value}, ("other",))
    assert "4321" not in str(refused.value)
