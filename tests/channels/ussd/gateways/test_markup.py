"""The gateways that write XML: whatever a page says arrives, and costs a page what it costs the network."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.channels.ussd.registry import client
from kikao.conversation.screens import Option, Screen
from tests.channels.ussd.told import CODE, NUMBER, made, settings_of

SLUGS = ("comviva_xml", "truroute", "aat_vodacom", "channel_mobile", "mtech")
CONTROLS = {*map(chr, range(32)), "\ufffe", "\uffff"} - {"\t", "\n", "\r"}


@pytest.mark.parametrize("slug", SLUGS)
@given(text=st.text(st.one_of(st.characters(), st.sampled_from("<>&'\"]\0\x1b\r\n")), max_size=60))
@settings(max_examples=60)
def test_any_text_arrives_but_for_what_xml_cannot_carry(slug: str, text: str) -> None:
    found, phone = made(slug), client(slug, NUMBER, CODE, settings_of(slug))
    asked = found.parse(phone.dial("d1").request(f"/ussd/{slug}"))
    for ends in (False, True):
        reply = found.reply(asked, text, ends=ends)
        ElementTree.fromstring(reply.body)
        sent = "".join(each for each in text.encode(errors="replace").decode() if each not in CONTROLS)
        if slug == "mtech":
            assert b"\n" not in reply.body
            assert b"\r" not in reply.body
            sent = sent.replace("\r\n", "\n").replace("\r", "\n")
        assert phone.read(reply) == (sent, not ends)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_page_is_measured_before_it_is_escaped(slug: str) -> None:
    found = made(slug)
    full = "&" * found.budget.septets
    assert found.pages(Screen((full,)), str) == [full]
    options = tuple(Option(str(n), f"<{n}> & 'more'", str(n)) for n in range(1, 9))
    pages = found.pages(Screen(("1 < 2 & 3 > 2",), options), str)
    assert "".join(pages).count("<") == 9, "as the member is to read it"
