"""What goes over the wire, without secrets: whatever a provider's syntax makes of them. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from kikao.console.simulator.views import MASK

KEY: Final = "…"
"""Stands for a key of the gateway's settings."""

LEAST: Final = 4
"""Characters of a key: what is shorter is in everything."""


def masked(sent: str, keys: Collection[str] = ()) -> str:
    """A text of the wire with `MASK` written plainly, and with `KEY` in place of each of `keys`."""
    for written in _forms(MASK):
        sent = sent.replace(written, MASK)
    for key in keys:
        if len(key) >= LEAST:
            for written in _forms(key):
                sent = sent.replace(written, KEY)
    return sent


@lru_cache(maxsize=256)
def _forms(text: str) -> tuple[str, ...]:
    """A text as it stands in a form or a query, in JSON, in XML, as octets of UCS-2 and in base64; longest first."""
    return tuple(sorted(set(_written(text)), key=len, reverse=True))


def _written(text: str) -> Iterator[str]:
    yield text
    yield escape(text)
    yield text.encode("ascii", "xmlcharrefreplace").decode()
    for escaped in (quote_plus(text), quote(text, safe="")):
        yield from (escaped, escaped.lower())
    for ascii_only in (True, False):
        yield json.dumps(text, ensure_ascii=ascii_only)[1:-1]
    octets = text.encode("utf-16-be").hex()
    yield from (octets, octets.upper())
    yield base64.b64encode(text.encode()).decode().rstrip("=")
