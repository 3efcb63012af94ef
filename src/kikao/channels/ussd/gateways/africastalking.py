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
from collections.abc import Mapping
from typing import Final

from kikao.channels.channel import Request
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_CODE, MAX_DIALOGUE
from kikao.channels.ussd.shapes.accumulated import Accumulated, Names
from kikao.conversation.secrets import Secret


class AfricasTalking(Accumulated):
    """The gateway `africastalking`: accumulated text, a redelivery known by session id and text.

    A page has 160 septets less 4 for `CON `, so 156, or 80 - 4 = 76 UTF-16 units outside of GSM-7. 160 is what every
    network is known to carry. Pass `budget=Budget(182, 80)` for one that is known to carry a full USSD string.
    """

    slug = "africastalking"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "end"})
    bare_numbers = False
    names = Names("sessionId", "phoneNumber", "serviceCode", "text", "networkCode")
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
            "whether `serviceCode` has the channel of a shared code (`*384*77#`): samples show it, an older page "
            "says no; without it all channels on one server are one service",
            "whether the network counts `CON `: kikao counts it",
        ),
    )

    def parse(self, request: Request) -> Inbound:
        """One request, or the news that a session is over. Raises `BadRequest`."""
        fields = self.form(request)
        if "text" not in fields and "status" in fields:
            return self._ended(fields)
        return self.typed_since_dial(fields)

    def _ended(self, fields: Mapping[str, str]) -> Inbound:
        phone = self.number(fields, "phoneNumber", spaced=True)
        status = fields["status"] if _STATUS(fields["status"]) else "?"
        duration = fields.get("durationInMillis", "")
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening="end",
            text=Secret(""),
            dialogue=self.token(fields, "sessionId", MAX_DIALOGUE),
            service_code=self.token(fields, "serviceCode", MAX_CODE) if "serviceCode" in fields else "",
            network=self.network(fields),
            msisdn=phone,
            accumulated=True,
            unknown_fields=self.unknown(fields, _NOTIFICATION),
            note=f"{status}, {duration} ms" if _MILLISECONDS(duration) else status,
        )


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
