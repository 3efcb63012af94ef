"""Gateways that send an object of JSON with the last answer only, and read one with a text and whether it goes on.

They differ in what the fields are called, and in how a request says what happened: by a flag that is true at a dial, by
a word, by a number, or not at all. At a dial they send the dialled code, and what was dialled behind it in the same
text: where the code ends tells the field for it, if there is one, and else the settings (`KIKAO_USSD_<GATEWAY>_CODE`).

A service code is part of a session's key where it comes with every request. Where only a dial tells it, it is not: an
answer would find no session.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import TURNS, Happening, Inbound
from kikao.channels.numbers import Country
from kikao.channels.ussd.gateway import MAX_CODE, MAX_DIALOGUE, Family, UssdGateway, UssdReader, dialled_ahead
from kikao.conversation.secrets import Secret

MAX_ECHO: Final = 64
"""Characters of a field that goes back as it came."""


class Names(NamedTuple):
    """What a provider calls its fields; names are case-sensitive, and of several spellings one comes."""

    dialogue: tuple[str, ...]
    phone: str
    text: str
    network: str = ""
    code: tuple[str, ...] = ()
    """Where every request has the service code."""
    state: str = ""
    """Says what happened."""
    others: tuple[str, ...] = ()
    """What the contract lists besides, and nobody reads."""


class LatestReader(UssdReader):
    """Reads requests of this shape. By default a copy is known by the same body within a second of its reply."""

    family: Family = "last"
    dedupe: Dedupe = "window"
    happenings: frozenset[Happening] = frozenset({"new", "reply"})
    retention = 1.0
    """Seconds, see `kikao.turn.WINDOW`."""
    bare_numbers = True
    names: Names
    states: Mapping[str, Happening] = {}
    """What the words of the field `names.state` mean, in lower case; empty where that is a flag, true at a dial."""
    echoes: tuple[str, ...] = ()
    """Fields that go back in a reply as they came."""
    country: Country | None = None
    """Where digits alone are a number only if they are one of this country."""
    spaced = False
    """Whether a `+` may have been decoded to a space, as forms and queries do."""
    needs_dialogue = True
    """Whether every request has an id of its dialogue."""
    may_dial_nothing = False
    """Whether a dial may come without what was dialled."""
    whole_codes = True
    """Whether a service code is written as members dial it, `*711*2#` of `711*2`; else it is kept as it came."""
    id_tells = False
    """Whether an answer in a dialogue not met before is a dial, and a dial in one that was met a copy, although
    requests say what they are. Without a field that does, it always is so."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        names = self.names
        own = (names.phone, names.text, names.network, names.state)
        self._listed = frozenset((*names.dialogue, *names.code, *names.others, *self.echoes, *own))

    def parse(self, request: Request) -> Inbound:
        """One request. Raises `BadRequest`."""
        fields = self.fields(request)
        echo = self.goes_back(fields)
        happening = self.happening(fields)
        dialogue, code = self._dialogue(fields), self.service_code(fields)
        phone = self.number(fields, self.names.phone, spaced=self.spaced, only=self.country)
        text, dialled, note = "", None, ""
        if happening == "new":
            text, note = self.ahead(fields, code)
            dialled = Secret(text) if self.id_tells else None
        elif happening == "reply":
            text = self.typed(fields, self.names.text)
            if self.id_tells or not self.names.state:
                ahead, note = self.ahead(fields, code)
                dialled = Secret(ahead)
                note = note if text.startswith("*") else ""  # an answer has none, as good as always
        else:
            note = self.status(fields)
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening=happening,
            text=Secret(text),
            dialogue=dialogue,
            service_code=code,
            network=self.operator(fields, self.names.network),
            msisdn=phone,
            message_id=self.message_id(fields, dialogue, happening) if happening in TURNS else None,
            dialled=dialled,
            unknown_fields=self.unknown(fields, self._listed),
            note=note,
            echo=echo,
        )

    def fields(self, request: Request) -> Mapping[str, object]:
        """What the request says, by name. Raises `BadRequest`."""
        return self.json(request)

    def goes_back(self, fields: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
        """What goes back in the reply, by name; never what was typed. Raises `BadRequest`."""
        return tuple((name, self.token(fields, name, MAX_ECHO)) for name in self.echoes)

    def happening(self, fields: Mapping[str, object]) -> Happening:
        """What a request tells. Raises `BadRequest`."""
        name = self.names.state
        if not name:
            return "reply"
        if not self.states:
            return "new" if self.flag(fields, name) else "reply"
        found = self.states.get(self.required(fields, name).lower())
        if found is None:
            *most, last = self.states
            raise self.refuse(f"field {name} must be {', '.join(most)} or {last}")
        return found

    def status(self, fields: Mapping[str, object]) -> str:
        """For the log: how the provider says that a dialogue is over, in a word that it is known to use."""
        return self.required(fields, self.names.state).lower()

    def message_id(self, fields: Mapping[str, object], dialogue: str, happening: Happening) -> Secret | None:
        """What a request has in common with its copies, and with nothing else; None where there is no such thing."""
        return None

    def service_code(self, fields: Mapping[str, object]) -> str:
        """The service code as members dial it, or an id that nobody dials; nothing where not every request has it.

        Raises `BadRequest`.
        """
        if not self.names.code:
            return ""
        code = self.token(fields, self.spelling(fields, *self.names.code), MAX_CODE)
        return whole_code(code) if self.whole_codes else code

    def known_code(self, dialled: str) -> str:
        """The code of the settings with which a dialled text begins, the longest; nothing where there is none."""
        found = [code for code in self.codes if dialled_ahead(dialled, (code,)) is not None]
        return max(found, key=len, default="")

    def ahead(self, fields: Mapping[str, object], code: str) -> tuple[str, str]:
        """What was dialled behind the code, as answers joined by `*`, and a note for the log."""
        if self.may_dial_nothing and fields.get(self.names.text) in (None, ""):
            return "", ""
        dialled = self.typed(fields, self.names.text)
        told = whole_code(code)
        codes = (*self.codes, told) if told.startswith("*") else self.codes
        found = dialled_ahead(dialled, codes)
        untaken = found is None and dialled
        return found or "", self.untaken(f"*{dialled.removeprefix('*')}", codes) if untaken else ""

    def _dialogue(self, fields: Mapping[str, object]) -> str:
        name = self.spelling(fields, *self.names.dialogue)
        if not self.needs_dialogue and fields.get(name, "") == "":
            return ""
        return self.token(fields, name, MAX_DIALOGUE)


class Latest(LatestReader, UssdGateway):
    """Base of the gateways of this shape, which answer with an object of JSON, too."""

    @abstractmethod
    def answered(self, inbound: Inbound, text: str, *, ends: bool) -> Mapping[str, object]:
        """The fields of a reply, besides those that go back as they came."""

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """One page, and whether the dialogue goes on. Nothing that was typed goes back."""
        shown = text.encode(errors="replace").decode()
        fields = {**self.echoed(inbound), **self.answered(inbound, shown, ends=ends)}
        return Response(200, _HEADERS, msgspec.json.encode(fields))

    def echoed(self, inbound: Inbound) -> Mapping[str, object]:
        """What goes back as it came."""
        return dict(inbound.echo)

    def acknowledge(self, inbound: Inbound) -> Response:
        """An empty 200."""
        return Response(200, (), b"")


def whole_code(said: str) -> str:
    """`*711*2#` of `711*2`; anything else than digits and `*` as it came."""
    digits = _CODE(said)
    return f"*{digits[1]}#" if digits else said


TYPES: Final[Mapping[str, Happening]] = {
    "initiation": "new",
    "response": "reply",
    "release": "abort",
    "timeout": "timeout",
}
"""Words of Hubtel, and of who took after it."""

_HEADERS: Final = (("content-type", "application/json"),)
_CODE = re.compile(r"\*?([0-9]{1,10}(?:\*[0-9]{1,10})*)#?").fullmatch
