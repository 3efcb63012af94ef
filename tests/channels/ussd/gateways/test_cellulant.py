"""Cellulant: a reply is values with `|` between them, so no text may have one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.ussd.registry import client
from kikao.conversation.screens import Screen
from tests.channels.ussd.told import CODE, NUMBER, made


@given(st.text("|/ab€ŋ\n", max_size=40))
def test_a_reply_has_six_values_whatever_the_text(text: str) -> None:
    found, phone = made("cellulant"), client("cellulant", NUMBER, CODE)
    asked = found.parse(phone.dial("d1").request("/ussd/cellulant"))
    for ends in (False, True):
        assert phone.read(found.reply(asked, text, ends=ends)) == (text.replace("|", "/"), not ends)


def test_a_page_is_measured_as_it_is_sent() -> None:
    found = made("cellulant")
    assert found.pages(Screen(("|" * 160,)), str) == ["/" * 160], "where a bar would cost two septets"
