"""Comviva Flares, HTTP Pull 1.5.0 (Airtel in several countries): `GET /ussd/comviva_flares`.

Contract: one implementation that ran on it. Nothing was checked on a live line.

- A request is a query: SessionID, MSISDN, MSC, input; and userid and password, where the operator was given some. input
  is the latest answer; at a dial, the code without its first `*` and its `#`. No field says which: the id tells.
- When a dialogue is over a clean-up comes: SessionID, msisdn (in lower case here), clean, error. What comes under the
  same id after it begins another dialogue.
- The reply is plain text, without line ends before it, and headers: `Freeflow` FC goes on and FB ends; `charge` Y or N
  and `amount` say whether the reply costs the member something.
- Nothing tells a request that is sent again from the same answer given twice: `dedupe` is "window".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hmac import compare_digest
from typing import Final

from kikao.channels.channel import BadRequest, Dedupe, Request, Response
from kikao.channels.edge import Denied
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.charging import CHARGE_UNIT, charged_as
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_DIALOGUE, Family, UssdGateway
from kikao.config import Option
from kikao.conversation.secrets import Secret
from kikao.i18n.money import Amount


class ComvivaFlares(UssdGateway):
    """The gateway `comviva_flares`: the last answer only, a redelivery known by the same query shortly after.

    Only a dial tells the code, so it is no part of a session's key: a member has one session here.
    """

    slug = "comviva_flares"
    family: Family = "last"
    dedupe: Dedupe = "window"
    happenings: frozenset[Happening] = frozenset({"reply", "end"})
    retention = 1.0
    """Seconds, see `kikao.turn.WINDOW`."""
    methods = ("GET",)
    bare_numbers = True
    options = (
        Option("userid", "what the operator sends as `userid`", "kikao"),
        Option("password", "what the operator sends as `password`", "<a long random text>", guards=True),
        CHARGE_UNIT,
    )
    contract = Contract(
        provider="Airtel (Comviva Flares HTTP Pull 1.5.0)",
        places="Airtel in several countries of Africa",
        certainty="seen",
        source="one implementation of Flares 1.5.0 (document 1.2.0) that ran on it, and its tests",
        new="`SessionID` is new, or a clean-up of it came; `input` is the dialled code without its first `*` and `#`",
        reply="`SessionID` is known; `input` is the latest answer",
        end="a clean-up: a query with `clean` and `error`, and the number as `msisdn`, in lower case",
        copies="the same query within a second of its reply",
        authentication=("key", "path token", "allow-list"),
        setup=("Give the operator a user id and a password, and set them as `USERID` and `PASSWORD` here",),
        notes=(
            "`userid` and `password` come in the query, where proxies log them: set a path token or an allow-list too.",
            "Whoever shows them wrongly is answered 403; clean-ups have to show them too.",
            "Line ends before a text are left out: they were seen to break a reply.",
            "Replies say `charge: N` and `amount: 0` unless a flow charges.",
            "Only the first request says which code was dialled: a member has one session, whatever the code.",
        ),
        on_a_phone=(
            "answer two questions: if the first screen comes again, `SessionID` changed within the dialogue; compare "
            "it in the provider's log",
            "hang up in the middle, and see in the log that a clean-up came, and what its `error` was",
        ),
        wanted=(
            "in what respect `SessionID` differs from the vendor's documentation: it was found to in production. If it "
            "is not the same through a dialogue, every answer is taken for a dial, and nobody is served",
            "what the values of `clean` and `error` mean: whether the member hung up or was too slow",
            "how a long dial is written in `input`: kikao takes `121*1*500` for `*121*1*500#`",
            "in which unit `amount` is read: `KIKAO_USSD_COMVIVA_FLARES_CHARGE_UNIT` says so once you know",
            "times within which a reply must come, and which alphabets are carried",
        ),
    )

    def verify(self, request: Request) -> None:
        """userid and password, those of them that are set. Raises `Denied`."""
        expected = {name: self.given[name].encode() for name in _KEYS if self.given[name]}
        if not expected:
            return
        try:
            fields = self.query(request)
        except BadRequest:
            fields = {}
        # All of them to their end: how long it takes does not tell which was wrong.
        shown = [compare_digest(fields.get(name, "").encode(), value) for name, value in expected.items()]
        if not all(shown):
            raise Denied(403, "userid or password wrong or missing")

    def parse(self, request: Request) -> Inbound:
        """One request. Raises `BadRequest`."""
        fields = self.query(request)
        if "clean" in fields and "input" not in fields:
            return self._cleaned(fields)
        dialogue = self.token(fields, "SessionID", MAX_DIALOGUE)
        phone = self.number(fields, "MSISDN", spaced=True)
        typed = self.typed(fields, "input")
        ahead, note = self.behind_code(f"*{typed.strip('*#')}#")
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening="reply",
            text=Secret(typed),
            dialogue=dialogue,
            service_code=self.code_of(),
            keyed_by_code=False,
            msisdn=phone,
            dialled=Secret(ahead),
            unknown_fields=self.unknown(fields, _REQUEST),
            note=note if "*" in typed else "",  # an answer has none, as good as always
        )

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """The page as plain text; `Freeflow: FB` closes the dialogue."""
        headers = (*_PLAIN, ("Freeflow", "FB" if ends else "FC"), ("charge", "N"), ("amount", "0"))
        return Response(200, headers, text.lstrip("\r\n").encode(errors="replace"))

    def charged(self, response: Response, amount: Amount) -> Response | None:
        """`charge: Y`, and the amount, where the settings say in which unit."""
        asked = charged_as(amount, self.given)
        if asked is None:
            return None
        headers = {**dict(response.headers), "charge": "Y", "amount": asked}
        return Response(response.status, tuple(headers.items()), response.body)

    def acknowledge(self, inbound: Inbound) -> Response:
        """An empty 200."""
        return Response(200, _PLAIN, b"")

    def _cleaned(self, fields: Mapping[str, str]) -> Inbound:
        phone = self.number(fields, "msisdn", spaced=True)
        said = [f"{name} {fields[name]}" for name in ("clean", "error") if _STATUS(fields.get(name, ""))]
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening="end",
            text=Secret(""),
            dialogue=self.token(fields, "SessionID", MAX_DIALOGUE),
            service_code=self.code_of(),
            keyed_by_code=False,
            msisdn=phone,
            dialled=Secret(""),
            unknown_fields=self.unknown(fields, _CLEANUP),
            note=", ".join(said),
        )


_PLAIN: Final = (("content-type", "text/plain; charset=utf-8"),)
_KEYS: Final = ("userid", "password")
_REQUEST: Final = frozenset({"SessionID", "MSISDN", "MSC", "input", *_KEYS})
_CLEANUP: Final = frozenset({"SessionID", "msisdn", "clean", "error", *_KEYS})
# A word, or fewer digits than a PIN has.
_STATUS = re.compile("[A-Za-z-]{1,20}|[0-9]{1,3}").fullmatch
