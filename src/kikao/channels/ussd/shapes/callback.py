"""Gateways that read a page of XML with a URL for the answer: a GET to it brings what the member typed.

Such a provider does not say whether a dialogue begins. What tells is the URL: the code that kikao was given to the
provider with has nothing behind its path, and the one in a page has the dialled code as `to_addr`. So a request with
`to_addr` is an answer, whatever was typed, and one without it is a dial.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.markup import quoted
from kikao.channels.ussd.gateway import (
    MAX_CODE,
    MAX_DIALOGUE,
    Family,
    UssdGateway,
    dialled_ahead,
)
from kikao.config import Option
from kikao.conversation.secrets import Secret

MARK: Final = "to_addr"
"""What the URL for answers has in its query: the service code."""


def public_url(value: str) -> None:
    """Raises `ValueError` for what is no URL that a query can be put behind."""
    try:
        url = urlsplit(value)
        wrong = url.scheme not in ("http", "https") or not url.hostname or bool(url.query or url.fragment)
    except ValueError:
        wrong = True
    if wrong or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be an http or https URL without a query")


def callback(slug: str) -> Option:
    """The setting that such a gateway cannot do without."""
    return Option(
        "callback",
        "the public URL of this gateway, path token included, where the provider brings the answers",
        f"https://ussd.example.com/ussd/{slug}/your-token",
        default=f"http://localhost:8000/ussd/{slug}",
        check=public_url,
        required=True,
    )


class CallbackGateway(UssdGateway):
    """Base of the gateways of this shape.

    A request that has no `to_addr` and no code either is of a provider that lost it on the way: the id of its dialogue
    tells what it is. Its service code is then the one of the settings, if there is one alone.
    """

    family: Family = "last"
    dedupe: Dedupe = "window"
    happenings: frozenset[Happening] = frozenset({"new", "reply"})
    retention = 1.0
    """Seconds, see `kikao.turn.WINDOW`."""
    methods = ("GET",)
    bare_numbers = True
    listed: frozenset[str] = frozenset({"ussdSessionId", "msisdn", "provider", "request", MARK})

    def parse(self, request: Request) -> Inbound:
        """One request. Raises `BadRequest`."""
        fields = self.query(request)
        identity, msisdn = self.sender(fields, "msisdn", spaced=True)
        text, dialled, code, note, happening = "", None, "", "", self.happening(fields)
        if happening == "reply":
            text = self.typed(fields, "request") if "request" in fields else ""
            code = fields.get(MARK, self.code_of())
            if code:
                self.token({MARK: code}, MARK, MAX_CODE)
        else:
            text = self.typed(fields, "request")
            if _is_code(text):
                code, text, note = self._split(text)
                if code:
                    self.token({"request": code}, "request", MAX_CODE)
            else:
                happening, dialled, code = "reply", Secret(""), self.code_of()
        has_id = dialled is not None or fields.get("ussdSessionId", "") != ""
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=identity,
            happening=happening,
            text=Secret(text),
            dialogue=self.token(fields, "ussdSessionId", MAX_DIALOGUE) if has_id else "",
            service_code=code,
            network=self.operator(fields, "provider"),
            msisdn=msisdn,
            dialled=dialled,
            unknown_fields=self.unknown(fields, self.listed),
            note=note,
            echo=self.echoed(fields),
        )

    def happening(self, fields: Mapping[str, str]) -> Happening:
        """What the URL tells that was called."""
        return "reply" if MARK in fields else "new"

    def echoed(self, fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """What the reply needs of the request. Raises `BadRequest`."""
        return ()

    @abstractmethod
    def page(self, inbound: Inbound, text: str) -> str:
        """What the reply has before its options: elements, the text escaped."""

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """The page, with one option that takes whatever is typed; none closes the dialogue."""
        options = "" if ends else f"<options>{self._option(inbound.service_code)}</options>"
        body = f"{_DECLARATION}<request>{self.page(inbound, text)}{options}</request>"
        return Response(200, _HEADERS, body.encode())

    def acknowledge(self, inbound: Inbound) -> Response:
        """An empty 200; nothing that such a gateway sends is a mere notification."""
        return Response(200, (), b"")

    def _option(self, code: str) -> str:
        url = f"{self.given['callback']}?{MARK}={quote(code, safe='')}"
        return f'<option command="1" order="1" callback={quoted(url)} display="False"></option>'

    def _split(self, dialled: str) -> tuple[str, str, str]:
        """The code, what was dialled behind it, and a note for the log.

        Where the settings have codes it is one of those, or none: of another nobody knows where it ends, and behind it
        there may be a PIN, which the URL for answers would have in it.
        """
        said = dialled.strip()
        if not self.codes:
            return said, "", self.untaken(said)
        ahead = dialled_ahead(said, self.codes)
        return ("", "", self.untaken(said)) if ahead is None else (self.code_of(said), ahead, "")


_HEADERS: Final = (("content-type", "text/xml; charset=utf-8"),)
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'


def _is_code(said: str) -> bool:
    return _CODE(said.strip()) is not None


_CODE = re.compile(r"[*#][^\s#]*#").fullmatch
