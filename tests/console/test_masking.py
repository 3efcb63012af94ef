"""Secrets in what goes over the wire: masked in every syntax in which a provider may write them."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

import pytest

from kikao.console.simulator.masking import KEY, masked
from kikao.console.simulator.views import MASK

SECRET = 's3cr<e>t &"word" é/+'


@pytest.mark.parametrize(
    "sent",
    [
        f"text={MASK}",
        urlencode({"text": MASK}),
        urlencode({"text": MASK}).lower(),
        json.dumps({"text": MASK}),
        f"<msg>{MASK.encode('ascii', 'xmlcharrefreplace').decode()}</msg>",
        f"text={MASK.encode('utf-16-be').hex().upper()}",
    ],
)
def test_a_mask_is_read_whatever_syntax_it_went_through(sent: str) -> None:
    assert MASK in masked(sent)


@pytest.mark.parametrize(
    "sent",
    [
        SECRET,
        urlencode({"password": SECRET}),
        quote(SECRET, safe=""),
        json.dumps({"password": SECRET}),
        json.dumps({"password": SECRET}, ensure_ascii=False),
        f"<password>{escape(SECRET)}</password>",
        f"Basic {b64encode(SECRET.encode()).decode()}",
    ],
)
def test_a_key_of_the_settings_is_not_shown(sent: str) -> None:
    shown = masked(sent, (SECRET,))
    assert KEY in shown
    assert "s3cr" not in shown
    assert "czNjc" not in shown


def test_what_is_too_short_for_a_key_stays() -> None:
    assert masked("a=1&b=12", ("1", "", "12")) == "a=1&b=12"
