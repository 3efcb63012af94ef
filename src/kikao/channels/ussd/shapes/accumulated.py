"""Gateways that send everything typed since the dial, joined by `*`, and read `CON text` or `END text`.

They differ in what the fields are called, in GET or POST, in how a service code is written, and in whether the text
begins with the end of the dialled code: of `*167*7#` some send the code `*167#` and the text `7`, then `7*1`. What of a
text is still the code only the dial tells, and each request has to be read for itself: so the code is the one of the
gateway's settings (`KIKAO_USSD_<GATEWAY>_CODE`) that was dialled, the longest if there are several, and where none of
them was, it ends with the first part of the text, as shared codes do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.gateway import ANOTHER_CODE, MAX_CODE, MAX_DIALOGUE, Family, UssdGateway
from kikao.config import SettingsError
from kikao.conversation.secrets import Secret


class Names(NamedTuple):
    """What a provider calls its fields; names are case-sensitive. No `network` where there is no such field."""

    dialogue: str
    phone: str
    code: str
    text: str
    network: str = ""


class Accumulated(UssdGateway):
    """Base of the gateways of this shape. A redelivery is known by session id and text.

    A page has what its network carries less 4 for `CON `. That a provider strips it before it reaches the network is
    only inferred: counting it costs four characters where that is true, and not counting it would cut four off a
    screen where it is not.

    Where the text is empty at the dial, an empty first answer is no news: the member sees the first screen again.
    """

    family: Family = "accumulated"
    dedupe: Dedupe = "exact"
    happenings: frozenset[Happening] = frozenset({"new", "reply"})
    retention = 600.0
    """Seconds: the longest session that one of them documents, 180, and a wide margin. None documents a later
    redelivery."""
    envelope = len("CON ")
    bare_numbers = True
    names: Names
    reads_json = False
    """Whether a POST may have JSON in place of a form."""
    whole_codes = False
    """Whether a code is written as it is dialled, `*167#`, however the provider writes it: it may leave out `*` or
    `#`. Else it is kept as it came, and may be an id that nobody dials."""
    extended = False
    """Whether the text begins with what was dialled behind the provider's part of the code."""

    _listed: frozenset[str]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._listed = frozenset(filter(None, cls.names))

    def __init__(self, **settings: Any) -> None:
        """Raises `SettingsError` for codes of which one begins with another, where only the text tells them apart."""
        super().__init__(**settings)
        if self.extended:
            _refuse_alike(self.slug, self.codes)

    def parse(self, request: Request) -> Inbound:
        """One request. `happening` is "new" where nothing was typed: whether a dialogue is known, the turn decides.

        Raises `BadRequest`.
        """
        return self.typed_since_dial(self.fields(request))

    def fields(self, request: Request) -> Mapping[str, object]:
        """What the request says, by name. Raises `BadRequest`."""
        if request.method == "GET":
            return self.query(request)
        if self.reads_json and _JSON(request.headers.get("content-type", "")):
            return self.json(request)
        return self.form(request)

    def typed_since_dial(self, fields: Mapping[str, object]) -> Inbound:
        """A dial or an answer. Raises `BadRequest`."""
        names = self.names
        dialogue = self.token(fields, names.dialogue, MAX_DIALOGUE)
        phone = self.number(fields, names.phone, spaced=True)
        code = self._code(fields)
        text = self.without_dialled(code, self.typed(fields, names.text))
        extension, note = 0, ""
        if self.extended:
            code, extension, note = self._with_extension(code, text)
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening="reply" if len(text) > extension else "new",
            text=Secret(text),
            dialogue=dialogue,
            service_code=code,
            network=self.network(fields),
            msisdn=phone,
            message_id=Secret(f"{len(dialogue)}:{dialogue}{text}"),
            accumulated=True,
            code_length=extension,
            unknown_fields=self.unknown(fields, self._listed),
            note=note,
        )

    def without_dialled(self, code: str, text: str) -> str:
        """The text as answers joined by `*`, of a provider that writes it in another way."""
        return text

    def network(self, fields: Mapping[str, object]) -> str:
        """The member's operator as sent, nothing where it is not sent or does not look like one."""
        value = fields.get(self.names.network, "")
        return value if isinstance(value, str) and _NETWORK(value) else ""

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """`CON text`, or `END text` to close the dialogue."""
        return Response(200, _PLAIN, (f"END {text}" if ends else f"CON {text}").encode(errors="replace"))

    def acknowledge(self, inbound: Inbound) -> Response:
        """An empty 200."""
        return Response(200, _PLAIN, b"")

    def _code(self, fields: Mapping[str, object]) -> str:
        name = self.names.code
        code = self.token(fields, name, MAX_CODE)
        if not self.whole_codes:
            return code
        digits = _CODE(code)
        if digits is None:
            raise self.refuse(f"field {name} is no service code: digits and *, with or without its * and #")
        return f"*{digits[1]}#"

    def _with_extension(self, code: str, text: str) -> tuple[str, int, str]:
        """The whole code that was dialled, how much of the text is its end, and a note where that is only assumed."""
        base = code[:-1]
        for known in sorted(self.codes, key=len, reverse=True):
            if known == code:
                return code, 0, ""
            extension = known[len(base) + 1 : -1]
            if known.startswith(f"{base}*") and (text == extension or text.startswith(f"{extension}*")):
                return known, len(extension), ""
        extension = text.partition("*")[0]
        if not _EXTENSION(extension):
            setting = f"KIKAO_USSD_{self.slug.upper()}_CODE"
            raise self.refuse(
                f"field {self.names.text} begins with no extension of the code; where members dial the code without "
                f"one, set {setting} to it"
            )
        note = ANOTHER_CODE if self.codes else ""
        return f"{base}*{extension}#", len(extension), note


def _refuse_alike(slug: str, codes: Sequence[str]) -> None:
    """Of `*167#` and `*167*7#` the answer `7` on the first is, octet for octet, a dial of the second."""
    problems = [
        f"KIKAO_USSD_{slug.upper()}_CODE: {code} and {other} cannot both be served over {slug}: an answer on the "
        "first cannot be told from the second. Leave one of them out, or serve it by a server of its own."
        for code in codes
        for other in codes
        if other.startswith(f"{code[:-1]}*")
    ]
    if problems:
        raise SettingsError(problems)


_PLAIN: Final = (("content-type", "text/plain; charset=utf-8"),)
_JSON = re.compile(r"application/json\s*(;|$)", re.IGNORECASE).match
_NETWORK = re.compile("[A-Za-z0-9][A-Za-z0-9 _.-]{0,31}").fullmatch
_CODE = re.compile(r"\*?([0-9]+(?:\*[0-9]+)*)#?").fullmatch
_EXTENSION = re.compile("[0-9]{1,12}").fullmatch
