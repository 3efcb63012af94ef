"""Oltranz (Rwanda): `POST /ussd/oltranz`.

Contract: the provider's documentation. Nothing was checked on a live line.

- A request is JSON: sessionId, serviceCode, phoneNumber, text (the last answer only), response, action, transactionId,
  requestTime, newRequest, charge, amount.
- newRequest is not to be trusted: the provider's own example of a first request has 0. The id tells: a sessionId not
  met before begins a dialogue.
- The reply is the same object, with the screen as response and action CON or END. text is sent back empty: what was
  typed may be a PIN.
- charge and amount of the reply say whether the member pays for it, and how much; as they came where no flow says so.
- Nothing tells a request that is sent again from the same answer given twice: `dedupe` is "window".
- Nothing is told when a dialogue is over. Requests are not signed: set a path token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from kikao.channels.channel import Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.charging import CHARGE_UNIT, charged_as
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.echo import kept, repeated
from kikao.channels.ussd.shapes.latest import Latest, Names
from kikao.i18n.money import Amount


class Oltranz(Latest):
    """The gateway `oltranz`: the last answer only; the id alone tells that a dialogue begins."""

    slug = "oltranz"
    happenings: frozenset[Happening] = frozenset({"reply"})
    whole_codes = False
    names = Names(
        ("sessionId",),
        "phoneNumber",
        "text",
        code=("serviceCode",),
        others=(
            "response",
            "action",
            "transactionId",
            "requestTime",
            "newRequest",
            "charge",
            "amount",
        ),
    )
    options = (CHARGE_UNIT,)
    contract = Contract(
        provider="Oltranz",
        places="Rwanda",
        certainty="documented",
        source="the provider's documentation of its USSD gateway",
        new="`sessionId` was not met before",
        reply="`sessionId` is that of the dialogue",
        copies="the same body within a second of its reply, and the first request of a dialogue once more",
        notes=(
            "Requests are not signed.",
            "`newRequest` is not read: the provider's example of a first request has 0.",
            "Nothing is told when a member hangs up.",
            "What was typed is not sent back as `text`, which the reply has empty.",
            "`charge` and `amount` of a request are not sent back: the reply has `N` and 0 unless a flow charges.",
        ),
        on_a_phone=("dial, answer, hang up and dial again: the second dial has another `sessionId`",),
        wanted=(
            "what `newRequest` means",
            "an id that tells a request that is sent again (whether `transactionId` is one)",
            "whether `text` of a first request has the dialled code, as long dials need: the example has nothing",
            "in which unit `amount` is read: `KIKAO_USSD_OLTRANZ_CHARGE_UNIT` says so once you know",
            "times within which a reply must come",
        ),
    )

    def goes_back(self, fields: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
        """See `Latest.goes_back`."""
        return kept(self, fields, _ECHOED)

    def echoed(self, inbound: Inbound) -> Mapping[str, object]:
        """The object as it came, but for what was typed."""
        return {**repeated(inbound), "text": ""}

    def charged(self, response: Response, amount: Amount) -> Response | None:
        """charge Y, and the amount, where the settings say in which unit."""
        asked = charged_as(amount, self.given)
        if asked is None:
            return None
        fields = {**msgspec.json.decode(response.body), "charge": "Y", "amount": asked}
        return Response(response.status, response.headers, msgspec.json.encode(fields))

    def answered(self, inbound: Inbound, text: str, *, ends: bool) -> Mapping[str, object]:
        """The screen as response; action END closes the dialogue. Nothing is charged that no flow asked for, whatever
        the request says."""
        return {"response": text, "action": "END" if ends else "CON", "charge": "N", "amount": 0.0}


_ECHOED: Final = (
    "sessionId",
    "serviceCode",
    "phoneNumber",
    "transactionId",
    "requestTime",
    "newRequest",
)
