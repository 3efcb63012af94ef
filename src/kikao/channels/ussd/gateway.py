"""What every USSD gateway shares: a screen written as pages, the size of a page, and reading a request with care.

There are three families. *accumulated*: each request carries everything typed since the dial; *last*: only the latest
answer; *async*: the request is acknowledged and the screen goes out as a call of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final, Literal

from kikao.channels.channel import BadRequest, Dedupe, Request
from kikao.channels.ussd.pages import Budget, paginate
from kikao.conversation.navigation import Key, Navigation
from kikao.conversation.screens import Option, Screen
from kikao.i18n.gsm7 import fits, normalise
from kikao.i18n.messages import Translate

Family = Literal["accumulated", "last", "async"]

MAX_FIELDS: Final = 64
"""Form fields a request may have."""

MAX_NAMES: Final = 16
"""Unlisted field names kept for the log."""

MAX_DIALOGUE: Final = 128
"""Characters of a provider's session id."""

MAX_CODE: Final = 64
"""Characters of a service code."""

MAX_TEXT: Final = 4096
"""Octets of what a member typed: an accumulated text of a session of minutes is far below."""


class UssdGateway:
    """Base of the USSD gateways: screens to pages. A gateway adds `parse`, `reply` and `acknowledge`.

    `navigation` gives the keys and labels of the lines that only the renderer knows to be needed ("98 More").
    `budget` is what one page may take, without what the gateway's envelope costs (`envelope`).
    """

    slug: str
    channel: str = "ussd"
    family: Family
    dedupe: Dedupe
    retention: float
    methods: tuple[str, ...] = ("POST",)
    """What the edge lets in."""
    experimental: bool = True
    """True until the contract rests on the provider's own documentation, or on a live trace."""
    envelope: int = 0
    """Characters that the provider's syntax adds to the text and that the network may see."""

    def __init__(self, navigation: Navigation | None = None, *, budget: Budget | None = None) -> None:
        self.navigation = navigation or Navigation()
        budget = budget or Budget()
        self.budget = Budget(budget.septets - self.envelope, budget.units - self.envelope)

    def pages(self, screen: Screen, translate: Translate) -> list[str]:
        """The screen as texts of at most one page each; see `paginate` for what is where.

        Paragraphs and options have a line each (`1 Send money`), navigation lines (`0 Back`) stand below. Text that
        would leave GSM-7 for nothing is normalised. Raises `TooLong` when a `whole` screen needs more than a page.
        """
        lines = [translate(text) for text in screen.body]
        lines += [f"{option.key} {translate(option.label)}" for option in screen.options]
        for option in screen.navigation:
            if option.value not in _PAGING:
                lines += (f"{option.key} {translate(option.label)}",)
        text = normalise("\n".join(filter(None, lines)))
        if fits(text, self.budget):
            return [text]
        return self._cut(screen, translate)

    def _cut(self, screen: Screen, translate: Translate) -> list[str]:
        def line(option: Option) -> str:
            return normalise(f"{option.key} {translate(option.label)}")

        more, previous = self._paging(screen)
        pages = paginate(
            normalise("\n".join(filter(None, map(translate, screen.body)))),
            [line(option) for option in screen.options],
            [line(option) for option in screen.navigation if option.value not in _PAGING],
            budget=self.budget,
            more=line(more) if more else "",
            previous=line(previous) if previous else None,
            whole=screen.whole,
        )
        return [page.text for page in pages]

    def _paging(self, screen: Screen) -> tuple[Option | None, Option | None]:
        """The lines to the next and the previous page: the screen's own, or the app's where their keys are free.

        "0 Back" in the footer already leads to the previous page. Where the screen has neither that line nor options,
        "0" may be an answer, so no line claims it.
        """
        given = {option.value: option for option in screen.navigation}
        taken = {option.key for option in screen.options}
        more = given.get("more") or _free(self.navigation.more, "more", taken)
        previous = given.get("previous")
        if previous is None and "back" not in given and screen.options:
            previous = _free(self.navigation.back, "previous", taken)
        return more, previous

    # --- reading a request ---

    def refuse(self, problem: str) -> BadRequest:
        """What to raise for a request that breaks the contract: names the gateway, never a value."""
        return BadRequest(f"{self.channel}/{self.slug}: {problem}. Check the gateway's callback settings.")

    def form(self, request: Request) -> dict[str, str]:
        """The fields of a form body (`application/x-www-form-urlencoded`, UTF-8), read strictly.

        Strictly, since a field that two readers understand differently is how one member's answer becomes another's.
        Raises `BadRequest` for another content type, broken escapes, text that is not UTF-8, NUL, a piece without `=`
        and a field given twice.
        """
        kind = request.headers.get("content-type", _FORM)
        if kind is not _FORM and not kind.lower().startswith(_FORM):
            raise self.refuse(f"the content type must be {_FORM}")
        return self._fields(request.body)

    def _fields(self, encoded: bytes) -> dict[str, str]:
        try:
            form = encoded.decode()
        except UnicodeDecodeError:
            raise self.refuse("the form is not UTF-8") from None
        if "\0" in form or "%00" in form:
            raise self.refuse("the form has a NUL character")
        if "+" in form:
            form = form.replace("+", " ")
        pieces = form.split("&")
        if len(pieces) > MAX_FIELDS:
            raise self.refuse(f"the form has more than {MAX_FIELDS} fields")
        fields: dict[str, str] = {}
        for piece in pieces:
            name, equals, value = piece.partition("=")
            if not equals:
                if not piece:
                    continue
                raise self.refuse("the form has a piece without '='; a '&' within a value must be escaped")
            if "%" in name:
                name = self._unescape(name)
            if "%" in value:
                value = self._unescape(value)
            if name in fields:
                raise self.refuse(f"field {_shown(name)} is given twice")
            fields[name] = value
        return fields

    def _unescape(self, escaped: str) -> str:
        first, *rest = escaped.split("%")
        try:
            return first + "".join([_ASCII[piece[:2]] + piece[2:] for piece in rest])
        except KeyError:  # beyond ASCII, or no escape at all
            pass
        try:
            octets = [_OCTETS[piece[:2]] + piece[2:].encode() for piece in rest]
            return b"".join([first.encode(), *octets]).decode()
        except KeyError:
            raise self.refuse("the form has a broken percent-escape") from None
        except UnicodeDecodeError:
            raise self.refuse("the form is not UTF-8") from None

    def required(self, fields: Mapping[str, str], name: str) -> str:
        """The value of a field. Raises `BadRequest` naming it, and the fields that did come, when it is missing."""
        value = fields.get(name)
        if value is None:
            got = ", ".join(_shown(key) for key in list(fields)[:MAX_NAMES]) or "nothing"
            raise self.refuse(f"field {name} is missing (got: {got})")
        return value

    def phone(self, fields: Mapping[str, str], name: str) -> str:
        """A number in E.164: `+` and 7 to 15 digits. The `+` may have been decoded to a space, as forms do.

        A number without either is refused: whether it is international cannot be known.
        """
        value = self.required(fields, name)
        if value[:1] == " ":
            value = "+" + value[1:]
        if _E164(value) is None:
            raise self.refuse(f"field {name} is not an international number, + and 7 to 15 digits")
        return value

    def token(self, fields: Mapping[str, str], name: str, longest: int) -> str:
        """An id or a code: 1 to `longest` visible ASCII characters without spaces."""
        value = self.required(fields, name)
        if (
            not value
            or len(value) > longest
            or not value.isascii()
            or not value.isprintable()
            or " " in value
        ):
            raise self.refuse(f"field {name} must have 1 to {longest} visible characters")
        return value

    def typed(self, fields: Mapping[str, str], name: str) -> str:
        """What a member typed: as it came, at most 4 KB."""
        value = self.required(fields, name)
        if len(value) > MAX_TEXT or (not value.isascii() and len(value.encode()) > MAX_TEXT):
            raise self.refuse(f"field {name} is longer than {MAX_TEXT} octets")
        return value

    @staticmethod
    def unknown(fields: Mapping[str, str], listed: frozenset[str]) -> tuple[str, ...]:
        """Names of the fields that the contract does not list, in order, not all of a flood of them."""
        if fields.keys() <= listed:
            return ()
        return tuple(_shown(name) for name in fields if name not in listed)[:MAX_NAMES]


def _free(key: Key, command: str, taken: Collection[str]) -> Option | None:
    """A line with the first key that is not a choice on this screen; None where the app hides it."""
    free = next((word for word in key.keys if word not in taken), None)
    return Option(free, key.label, command) if free is not None and key.shown else None


def _shown(name: str) -> str:
    """A field name as it may be logged: what does not look like one may be an answer gone astray."""
    return name if _NAME(name) else "?"


_PAGING: Final = frozenset({"more", "previous"})
"""Lines whose place depends on the page."""

_FORM: Final = "application/x-www-form-urlencoded"
_HEX: Final = "0123456789abcdefABCDEF"
_OCTETS: Final = {high + low: bytes.fromhex(high + low) for high in _HEX for low in _HEX}
_ASCII: Final = {escape: octet.decode() for escape, octet in _OCTETS.items() if octet < b"\x80"}
_E164 = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,39}").fullmatch
