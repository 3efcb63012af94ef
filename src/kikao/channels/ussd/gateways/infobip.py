"""Infobip, session API: `/ussd/infobip/session/{id}/start`, `response`, `end` and `status`.

Contract: one implementation with excerpts of the provider's specification, and its tests. Nothing was checked on a live
line.

- `POST …/start` begins a dialogue: JSON with msisdn, text, and shortCode, which may be missing. `POST …/response` is an
  answer: msisdn, text. `PUT …/end` tells that it is over: reason and exitCode, mostly without a number. `POST …/status`
  (or GET) asks whether it is active.
- The reply is JSON: shouldClose, ussdMenu, responseExitCode 200, responseMessage; to `end` and `status` only the last
  two. HTTP is 200.
- A start may come again; it never begins anything anew. Nothing tells an answer that is sent again from the same
  answer given twice: `dedupe` is "window".
- Requests are not signed: set a path token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import TURNS, Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_CODE, Family, UssdGateway
from kikao.conversation.secrets import Secret


class Infobip(UssdGateway):
    """The gateway `infobip`: the last answer only, a redelivery known by the same answer shortly after.

    shortCode is not always there, so it is no part of a session's key: a member has one session here.
    """

    slug = "infobip"
    family: Family = "last"
    dedupe: Dedupe = "window"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "end", "notice"})
    retention = 1.0
    """Seconds, see `kikao.turn.WINDOW`."""
    methods = ("POST", "PUT", "GET")
    rest = re.compile("session/[!-.0-~]{1,128}/(?:start|response|end|status)")
    bare_numbers = True
    contract = Contract(
        provider="Infobip (session API)",
        places="many countries",
        certainty="seen",
        source="one implementation that talks to it, with excerpts of the provider's specification, and its tests",
        new="`POST session/{id}/start`",
        reply="`POST session/{id}/response`",
        end="`PUT session/{id}/end`, with `reason` and `exitCode`, for the log",
        notice="`session/{id}/status`, which asks whether the dialogue is active",
        copies="a start by its id; an answer by the same text within a second of its reply",
        limits=("the first message of a dialogue is always sent as a menu: it should not close",),
        setup=("Give the provider the URL up to and without `/session`: it adds the rest",),
        notes=(
            "Requests are not signed.",
            "A start that comes again shows the present screen, whatever it says.",
            "`status` is acknowledged without `sessionActive`: a dialogue may be alive on another server, and a wrong "
            "`false` would end it.",
            "`end` mostly has no number: it is acknowledged and logged, and concerns no session.",
            "`shortCode` may be missing: a member has one session, whatever the code.",
        ),
        wanted=(
            "whether it goes on without `sessionActive`, which its specification calls mandatory; if it does not, "
            "every dialogue ends with its first screen",
            "what the numbers of `exitCode` mean: whether the member hung up or was too slow",
            "what `text` is at a start: kikao takes what is no code for an answer to the first question",
            "times within which a reply must come",
        ),
    )

    def parse(self, request: Request) -> Inbound:
        """One request. Raises `BadRequest`."""
        said = _REST(request.rest)
        if said is None:
            raise self.refuse("the path must end in session/{id}/start, response, end or status")
        happening, method = _METHODS[said["what"]]
        if request.method not in method:
            raise self.refuse(f"{said['what']} comes by {' or '.join(method)}, not by {request.method}")
        fields = self.json(request) if happening != "notice" else {}
        phone = self.number(fields, "msisdn") if happening in TURNS or fields.get("msisdn") else ""
        code = self.token(fields, "shortCode", MAX_CODE) if fields.get("shortCode") else self.code_of()
        text, note, dialled = "", "", None
        if happening == "new":
            text, note = self._opened(fields, code)
            dialled = Secret(text)
        elif happening == "reply":
            text = self.typed(fields, "text")
        elif happening == "end":
            note = _reason(fields)
        else:
            note = "asked whether it is active"
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening=happening,
            text=Secret(text),
            dialogue=said["id"],
            service_code=code,
            keyed_by_code=False,
            msisdn=phone,
            dialled=dialled,
            unknown_fields=self.unknown(fields, _REQUEST),
            note=note,
        )

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """The page as ussdMenu; shouldClose closes the dialogue."""
        shown = text.encode(errors="replace").decode()
        return _json({"shouldClose": ends, "ussdMenu": shown, **_DONE})

    def acknowledge(self, inbound: Inbound) -> Response:
        """That it was heard. Of a status, without a word on whether the dialogue is active."""
        return _json(_DONE)

    def _opened(self, fields: Mapping[str, object], code: str) -> tuple[str, str]:
        """What was entered behind the code, and a note for the log."""
        typed = self.typed(fields, "text")
        if not typed.startswith("*") and typed != code.strip("*#"):
            return typed, ""
        return self.behind_code(typed, code)


def _json(fields: Mapping[str, object]) -> Response:
    return Response(200, _HEADERS, msgspec.json.encode(fields))


def _reason(fields: Mapping[str, object]) -> str:
    """Why a dialogue is over, as far as that can be nothing that was typed."""
    reason, code = fields.get("reason"), fields.get("exitCode")
    said = [reason] if isinstance(reason, str) and _WORDS(reason) else []
    if type(code) is int and -1000 < code < 1000:
        said.append(f"exit code {code}")
    return ", ".join(said)


_HEADERS: Final = (("content-type", "application/json"),)
_DONE: Final[Mapping[str, object]] = {"responseExitCode": 200, "responseMessage": ""}
_REST = re.compile(r"session/(?P<id>[!-.0-~]{1,128})/(?P<what>start|response|end|status)").fullmatch
_METHODS: Final[Mapping[str, tuple[Happening, tuple[str, ...]]]] = {
    "start": ("new", ("POST",)),
    "response": ("reply", ("POST",)),
    "end": ("end", ("PUT",)),
    "status": ("notice", ("POST", "GET")),
}
_REQUEST: Final = frozenset(
    {"msisdn", "imsi", "shortCode", "text", "optional", "ussdGwId", "language", "reason", "exitCode"}
)
_WORDS = re.compile("[A-Za-z][A-Za-z _-]{0,39}").fullmatch
