"""Africa's Talking (Kenya, Uganda, Tanzania, Rwanda, Nigeria and more): `POST /ussd/africastalking`.

Contract: the provider's USSD endpoint reference and help article 1284071. It is documented, except for the spelling of
the fields of the end notification and for whether the network counts `CON `; nothing was checked on a live line.

- A request is a form: sessionId, phoneNumber, serviceCode, text, and networkCode, which the sandbox may leave out.
  `text` is everything typed since the dial, joined by `*`, and not empty from the start on a long dial.
- The reply is plain text, `CON ` and a question or `END ` and the last word. Anything else ends the session, and so
  does HTTP 4xx. The provider waits 15 s for a reply, a session takes at most 180 s, a member may think for 30 s (or
  60: the provider states both).
- When a session is over a form with status, durationInMillis and others may come, without `text`. Its `input` and
  `lastAppResponse` repeat what was typed, PINs too: they are not read.
- Requests are not signed: set a path token, and an allow-list where the provider gives its addresses.
"""

from __future__ import annotations

import re
from typing import Final

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_CODE, MAX_DIALOGUE, Family, UssdGateway
from kikao.conversation.secrets import Secret


class AfricasTalking(UssdGateway):
    """The gateway `africastalking`: accumulated text, a redelivery known by session id and text.

    A page has 160 septets less 4 for `CON `, so 156, or 80 - 4 = 76 UTF-16 units outside of GSM-7. 160 is what every
    network is known to carry. That the provider strips `CON ` before it reaches the network is only inferred: counting
    it costs four characters where that is true, and not counting it would cut four off a screen where it is not. Pass
    `budget=Budget(182, 80)` for a network that is known to carry a full USSD string.
    """

    slug = "africastalking"
    family: Family = "accumulated"
    dedupe: Dedupe = "exact"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "end"})
    retention = 600.0
    """Seconds: the longest session, 180, and a wide margin. The provider documents no later redelivery."""
    envelope = len("CON ")
    contract = Contract(
        provider="Africa's Talking",
        places="Kenya, Uganda, Tanzania, Rwanda, Nigeria and more",
        certainty="documented",
        source="the provider's USSD endpoint reference and help article 1284071",
        new="`text` is empty, or `sessionId` is new (a long dial)",
        reply="`text` grows",
        end="a form with `status` and without `text`",
        copies="the same `sessionId` and `text`",
        limits=(
            "a session takes at most 180 s",
            "a member may think for 30 s (or 60: the provider states both)",
            "a reply may take 15 s, connecting 10 s",
        ),
        notes=(
            "Requests are not signed.",
            "HTTP 4xx, or a reply without `CON` or `END`, ends the session.",
            "An end notification repeats what was typed, PINs too: kikao does not read that.",
        ),
        wanted=(
            "the provider's IP ranges, and its list of network codes",
            "whether the network counts `CON `: kikao counts it",
        ),
    )

    def parse(self, request: Request) -> Inbound:
        """One request. `happening` is "new" only for an empty text: whether a dialogue is known, the turn decides.

        Raises `BadRequest`.
        """
        fields = self.form(request)
        if "text" not in fields and "status" in fields:
            return self._ended(fields)
        dialogue = self.token(fields, "sessionId", MAX_DIALOGUE)
        phone = self.phone(fields, "phoneNumber", spaced=True)
        code = self.token(fields, "serviceCode", MAX_CODE)
        text = self.typed(fields, "text")
        return Inbound(
            channel="ussd",
            gateway=self.slug,
            identity=phone,
            happening="reply" if text else "new",
            text=Secret(text),
            dialogue=dialogue,
            service_code=code,
            msisdn=phone,
            message_id=Secret(f"{len(dialogue)}:{dialogue}{text}"),
            accumulated=True,
            unknown_fields=self.unknown(fields, _REQUEST),
        )

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """`CON text`, or `END text` to close the dialogue."""
        return Response(200, _PLAIN, (f"END {text}" if ends else f"CON {text}").encode(errors="replace"))

    def acknowledge(self, inbound: Inbound) -> Response:
        """An empty 200."""
        return Response(200, _PLAIN, b"")

    def _ended(self, fields: dict[str, str]) -> Inbound:
        phone = self.phone(fields, "phoneNumber", spaced=True)
        status = fields["status"] if _STATUS(fields["status"]) else "?"
        duration = fields.get("durationInMillis", "")
        return Inbound(
            channel="ussd",
            gateway=self.slug,
            identity=phone,
            happening="end",
            text=Secret(""),
            dialogue=self.token(fields, "sessionId", MAX_DIALOGUE),
            service_code=self.token(fields, "serviceCode", MAX_CODE) if "serviceCode" in fields else "",
            msisdn=phone,
            accumulated=True,
            unknown_fields=self.unknown(fields, _NOTIFICATION),
            note=f"{status}, {duration} ms" if _MILLISECONDS(duration) else status,
        )


_PLAIN: Final = (("content-type", "text/plain; charset=utf-8"),)
_REQUEST: Final = frozenset({"sessionId", "phoneNumber", "networkCode", "serviceCode", "text"})
_NOTIFICATION: Final = frozenset(
    {
        "date",
        "sessionId",
        "serviceCode",
        "networkCode",
        "phoneNumber",
        "status",
        "cost",
        "durationInMillis",
        "hopsCount",
        "input",
        "lastAppResponse",
        "errorMessage",
    }
)
_STATUS = re.compile("[A-Za-z]{1,20}").fullmatch
# Hours: no dialogue lasts longer, and an eight-digit PIN is no duration.
_MILLISECONDS = re.compile("[0-9]{1,7}").fullmatch
