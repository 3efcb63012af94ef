"""Reading a provider's request: forms, queries, JSON and XML, strictly; and the kinds of fields that gateways share.

Strictly, since a field that two readers understand differently is how one member's answer becomes another's. What is
refused is named, never shown: a value may be a PIN.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from kikao.channels.channel import BadRequest, Request
from kikao.channels.numbers import Country, international, looks_like_a_number, looks_national, national

MAX_FIELDS: Final = 64
"""Fields a request may have."""

MAX_NAMES: Final = 16
"""Unlisted field names kept for the log."""

MAX_NESTING: Final = 8
"""How deep objects and lists of JSON may be nested; the contracts have two levels at most."""

MAX_TEXT: Final = 4096
"""Octets of what a member typed: an accumulated text of a session of minutes is far below."""


MAX_SENDER: Final = 128
"""Characters of a provider's token for a member."""


class RequestReader:
    """Base of gateways that are spoken to over HTTP. Everything here raises `BadRequest`."""

    slug: str
    channel: str
    region: str = ""
    """The country of national numbers, ISO 3166-1; where it is empty there are none."""
    bare_numbers: bool = False
    """Whether digits without a `+` are an international number: the provider's contract says so."""

    def refuse(self, problem: str) -> BadRequest:
        """What to raise for a request that breaks the contract: names the gateway, never a value."""
        return BadRequest(f"{self.channel}/{self.slug}: {problem}. Check the gateway's callback settings.")

    # --- bodies ---

    def form(self, request: Request) -> dict[str, str]:
        """The fields of a form body (`application/x-www-form-urlencoded`, UTF-8).

        Refused are another content type, broken escapes, text that is not UTF-8, NUL, a piece without `=` and a field
        given twice.
        """
        self._demand(request, _FORM)
        return self._pairs(request.body, "form")

    def query(self, request: Request) -> dict[str, str]:
        """The fields of what follows the `?` of the path, as strictly as a form's. A body, if any, is not read.

        `+` is a space there, too, as programming languages write queries. Unlike a form it need not be escaped: `*`
        and even letters beyond ASCII come bare from some; `#` cannot, whoever sends it bare cuts the query there.
        """
        return self._pairs(request.query, "query")

    def json(self, request: Request) -> dict[str, object]:
        """The fields of a body that is one JSON object (`application/json`, UTF-8; RFC 8259).

        Refused are another content type, text that is not UTF-8, what is not JSON (also NaN, and numbers of thousands
        of digits), deep nesting, NUL, half a surrogate pair, and a name given twice in any object. Values come as
        they are: see `required` and `flag`.
        """
        self._demand(request, _JSON)
        try:
            text = request.body.decode()
        except UnicodeDecodeError:
            raise self.refuse("the body is not UTF-8") from None
        if _too_deep(text):
            raise self.refuse(f"the body is nested deeper than {MAX_NESTING}")
        try:
            fields = _DECODER.decode(text)
        except _Twice as twice:
            raise self.refuse(f"field {_shown(twice.name)} is given twice") from None
        except _Unprintable as value:
            raise self.refuse(f"field {_shown(value.name)} has a NUL or half a surrogate pair") from None
        except ValueError:
            raise self.refuse("the body is not JSON") from None
        if not isinstance(fields, dict):
            raise self.refuse(f"the body must be a JSON object, not {_KINDS[type(fields)]}")
        if len(fields) > MAX_FIELDS:
            raise self.refuse(f"the body has more than {MAX_FIELDS} fields")
        return fields

    def xml(self, request: Request, root: str) -> dict[str, object]:
        """What the elements of an XML body hold (`text/xml` or `application/xml`, UTF-8): see `markup.fields`.

        `root` is what the outermost element must be called. Refused are another content type, what is not well-formed,
        an element given twice, deep nesting, document types, entities and processing instructions.
        """
        from kikao.channels import markup

        self._demand(request, *_XML)
        try:
            return markup.fields(request.body, root)
        except markup.NotFields as no:
            raise self.refuse(f"field {_shown(no.name)} {no.problem}" if no.name else no.problem) from None

    def _demand(self, request: Request, *wanted: str) -> None:
        """A request without a content type is taken for what its gateway sends; parameters of it mean nothing."""
        given = request.headers.get("content-type")
        if given is not None and given.partition(";")[0].strip().lower() not in wanted:
            raise self.refuse(f"the content type must be {' or '.join(wanted)}")

    def _pairs(self, encoded: bytes, part: str) -> dict[str, str]:
        try:
            text = encoded.decode()
        except UnicodeDecodeError:
            raise self.refuse(f"the {part} is not UTF-8") from None
        if "\0" in text or "%00" in text:
            raise self.refuse(f"the {part} has a NUL character")
        if "+" in text:
            text = text.replace("+", " ")
        pieces = text.split("&")
        if len(pieces) > MAX_FIELDS:
            raise self.refuse(f"the {part} has more than {MAX_FIELDS} fields")
        fields: dict[str, str] = {}
        for piece in pieces:
            name, equals, value = piece.partition("=")
            if not equals:
                if not piece:
                    continue
                raise self.refuse(f"the {part} has a piece without '='; a '&' within a value must be escaped")
            if "%" in name:
                name = self._unescape(name, part)
            if "%" in value:
                value = self._unescape(value, part)
            if name in fields:
                raise self.refuse(f"field {_shown(name)} is given twice")
            fields[name] = value
        return fields

    def _unescape(self, escaped: str, part: str) -> str:
        first, *rest = escaped.split("%")
        try:
            return first + "".join([_ASCII[piece[:2]] + piece[2:] for piece in rest])
        except KeyError:  # beyond ASCII, or no escape at all
            pass
        try:
            octets = [_OCTETS[piece[:2]] + piece[2:].encode() for piece in rest]
            return b"".join([first.encode(), *octets]).decode()
        except KeyError:
            raise self.refuse(f"the {part} has a broken percent-escape") from None
        except UnicodeDecodeError:
            raise self.refuse(f"the {part} is not UTF-8") from None

    # --- fields ---

    def required(self, fields: Mapping[str, object], name: str) -> str:
        """A field's text. When it is missing, the error names the fields that did come."""
        value = self._present(fields, name)
        if not isinstance(value, str):
            raise self.refuse(f"field {name} must be a text, not {_KINDS[type(value)]}")
        return value

    def flag(self, fields: Mapping[str, object], name: str) -> bool:
        """A field of JSON that is true or false, and nothing that only looks like it."""
        value = self._present(fields, name)
        if not isinstance(value, bool):
            raise self.refuse(f"field {name} must be true or false, not {_KINDS[type(value)]}")
        return value

    def number(
        self, fields: Mapping[str, object], name: str, *, spaced: bool = False, only: Country | None = None
    ) -> str:
        """A member's number, in E.164: `+` and 7 to 15 digits.

        `spaced`: the `+` may have been decoded to a space, as forms and queries do. Digits without it are
        international where `bare_numbers` says so, or, with `only`, where they are a number of that country;
        `0772000001` is national, of the country in the gateway's settings. Anything else is refused: whose number it
        is cannot be known.
        """
        value = self._plus(self.required(fields, name), spaced)
        found = self._number(name, value, only)
        if found is None:
            raise self.refuse(f"field {name} is not {self._wanted(only)}")
        return found

    def sender(self, fields: Mapping[str, object], name: str, *, spaced: bool = False) -> tuple[str, str]:
        """Who sends, of a provider that may hide numbers: an identity, and a number in E.164 or nothing.

        What has the shape of a number is read like `number`, or refused; anything else, of at most 128 visible
        characters, is the provider's token for a member. `tel:` (RFC 3966) may stand before both.
        """
        value = self._plus(_without_tel(self.required(fields, name)), spaced)
        found = self._number(name, value, None)
        if found is not None:
            return found, found
        if looks_like_a_number(value) or not _is_token(value, MAX_SENDER):
            raise self.refuse(f"field {name} is neither a token nor {self._wanted(None)}")
        return value, ""

    def _plus(self, value: str, spaced: bool) -> str:
        return f"+{value[1:]}" if spaced and value[:1] == " " else value

    def _number(self, name: str, value: str, only: Country | None) -> str | None:
        found = international(value, bare=self.bare_numbers and only is None, only=only)
        if found is not None or not looks_national(value):
            return found
        if not self.region:
            setting = f"KIKAO_{self.channel}_{self.slug}_REGION".upper()
            raise self.refuse(f"field {name} is a national number; set {setting} to its country, such as UG")
        found = national(value, self.region)
        if found is None:
            raise self.refuse(f"field {name} is a national number, but none of {self.region}")
        return found

    def _wanted(self, only: Country | None) -> str:
        if only is not None:
            return f"an international number, + and 7 to 15 digits, or {only[0]} and {only[1]} digits"
        plus = "with or without its +" if self.bare_numbers else "with its +"
        return f"an international number {plus}, 7 to 15 digits"

    def whole(self, fields: Mapping[str, object], name: str) -> int:
        """A whole number from 0 to 999,999,999, as a number or in digits."""
        value = self._present(fields, name)
        if isinstance(value, str) and _WHOLE(value):
            value = int(value)
        if type(value) is not int or not 0 <= value < 1_000_000_000:
            raise self.refuse(f"field {name} must be a whole number below 1,000,000,000, or its digits")
        return value

    def operator(self, fields: Mapping[str, object], name: str) -> str:
        """The member's operator, as the provider names or numbers it; nothing where that is not sent, or looks like
        none."""
        value = fields.get(name, "")
        said = str(value) if type(value) is int else value
        return said if isinstance(said, str) and _OPERATOR(said) else ""

    def spelling(self, fields: Mapping[str, object], *names: str) -> str:
        """Which of the names a provider uses for one field was used here; the first where none was.

        Several at once must say the same.
        """
        used = [name for name in names if name in fields]
        if len(used) > 1 and any(fields[name] != fields[used[0]] for name in used):
            raise self.refuse(f"fields {' and '.join(used)} are one field, and say different things")
        return used[0] if used else names[0]

    def token(self, fields: Mapping[str, object], name: str, longest: int) -> str:
        """An id or a code: 1 to `longest` visible ASCII characters without spaces."""
        value = self.required(fields, name)
        if not _is_token(value, longest):
            raise self.refuse(f"field {name} must have 1 to {longest} visible characters")
        return value

    def typed(self, fields: Mapping[str, object], name: str) -> str:
        """What a member typed: as it came, at most 4 KB."""
        value = self.required(fields, name)
        if len(value) > MAX_TEXT or (not value.isascii() and len(value.encode()) > MAX_TEXT):
            raise self.refuse(f"field {name} is longer than {MAX_TEXT} octets")
        return value

    def nested(self, fields: Mapping[str, object], name: str) -> dict[str, object]:
        """The fields of an object within, each named with where it is: `payload.request_id`."""
        value = self._present(fields, name)
        if not isinstance(value, dict):
            raise self.refuse(f"field {name} must be an object, not {_KINDS[type(value)]}")
        return {f"{name}.{inner}": each for inner, each in value.items()}

    @staticmethod
    def unknown(fields: Mapping[str, object], listed: frozenset[str]) -> tuple[str, ...]:
        """Names of the fields that the contract does not list, in order, not all of a flood of them."""
        if fields.keys() <= listed:
            return ()
        return tuple(_shown(name) for name in fields if name not in listed)[:MAX_NAMES]

    def _present(self, fields: Mapping[str, object], name: str) -> object:
        if name not in fields:
            got = ", ".join(_shown(key) for key in list(fields)[:MAX_NAMES]) or "nothing"
            raise self.refuse(f"field {name} is missing (got: {got})")
        return fields[name]


class _Twice(Exception):
    def __init__(self, name: str) -> None:
        self.name = name


class _Unprintable(Exception):
    def __init__(self, name: str) -> None:
        self.name = name


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(name)
        if isinstance(value, str) and _unprintable(value):
            raise _Unprintable(name)
        found[name] = value
    return found


def _no_number(word: str) -> None:
    raise ValueError(word)


def _too_deep(text: str) -> bool:
    if text.count("{") + text.count("[") <= MAX_NESTING:
        return False
    depth = 0
    for part in _parts(text):
        depth += _STEPS.get(part[0], 0)
        if depth > MAX_NESTING:
            return True
    return False


def _is_token(value: str, longest: int) -> bool:
    return 0 < len(value) <= longest and value.isascii() and value.isprintable() and " " not in value


def _without_tel(value: str) -> str:
    return value[4:] if value[:4].lower() == "tel:" else value


def _shown(name: str) -> str:
    """A field name as it may be logged: what does not look like one, or has as many digits as a PIN, may be an answer
    gone astray."""
    return name if _NAME(name) else "?"


_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_XML: Final = ("text/xml", "application/xml")
_HEX: Final = "0123456789abcdefABCDEF"
_OCTETS: Final = {high + low: bytes.fromhex(high + low) for high in _HEX for low in _HEX}
_ASCII: Final = {escape: octet.decode() for escape, octet in _OCTETS.items() if octet < b"\x80"}
_KINDS: Final[Mapping[type, str]] = {
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
_STEPS: Final = {"{": 1, "[": 1, "}": -1, "]": -1}
# A string that does not end is one part too, so that each character is looked at once.
_parts = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL).findall
_unprintable = re.compile("[\0\ud800-\udfff]").search
_WHOLE = re.compile("[0-9]{1,9}").fullmatch
_OPERATOR = re.compile("[A-Za-z0-9][A-Za-z0-9 _.-]{0,31}").fullmatch
_NAME = re.compile(r"(?!(?:.*[0-9]){4})@?[A-Za-z_][A-Za-z0-9_.-]{0,39}").fullmatch
