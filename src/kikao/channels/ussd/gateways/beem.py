"""Beem (Tanzania): `POST /ussd/beem`. Experimental.

Contract: one open-source implementation; the provider's own documentation was not at hand, and nothing was checked on
a live line.

- A request is JSON: command, msisdn, operator, session_id, and payload, an object with request_id and response. Command
  is initiate, continue with the last answer as response, or terminate.
- The reply is the same envelope: command continue or terminate, the payload with the same request_id and the screen as
  request.
- A request that is sent again has the same request_id. Whether it is unique beyond its dialogue is not known (the one
  example has "0"), so session, command and answer are part of what tells a copy.
- Which code was dialled nobody says, unless `initiate` brings it as response: a member has one session here.
- Requests are not signed: set a path token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.echo import kept, repeated
from kikao.channels.ussd.shapes.latest import Latest, Names
from kikao.conversation.secrets import Secret

MAX_REQUEST: Final = 128
"""Characters of payload.request_id."""


class Beem(Latest):
    """The gateway `beem`: the last answer only, a redelivery known by the id of the request.

    `codes` are needed for long dials, as far as there are any: see the contract.
    """

    slug = "beem"
    dedupe: Dedupe = "exact"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "end"})
    retention = 600.0
    """Seconds: longer than a USSD session. When the provider sends again is not known."""
    names = Names(
        ("session_id",),
        "msisdn",
        "payload.response",
        "operator",
        state="command",
        others=("payload", "payload.request_id"),
    )
    states: Mapping[str, Happening] = {"initiate": "new", "continue": "reply", "terminate": "end"}
    contract = Contract(
        provider="Beem",
        places="Tanzania",
        certainty="seen",
        source="one open-source implementation",
        new="`command` is `initiate`",
        reply="`command` is `continue`",
        end="`command` is `terminate`",
        copies="the same `payload.request_id`, in the same session with the same answer",
        notes=(
            "Requests are not signed.",
            "Nobody says which code was dialled: a member has one session, whatever the code.",
        ),
        on_a_phone=("answer the same twice in a row: two answers have two values of `payload.request_id`",),
        wanted=(
            "whether `payload.request_id` is unique beyond its session, and whether it may be a number",
            "whether `payload.response` of `initiate` has the dialled code, as long dials need",
            "what it wants to read in answer to `terminate`: kikao answers as it ends a dialogue",
            "times within which a reply must come, and whether a time-out is told as `terminate`",
        ),
    )

    def fields(self, request: Request) -> Mapping[str, object]:
        """See `Latest.fields`; those of the payload as `payload.request_id` and so on."""
        fields = self.json(request)
        return {**fields, **self.nested(fields, "payload")}

    def goes_back(self, fields: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
        """See `Latest.goes_back`. The id of a request is a text, or a whole number: nobody knows which."""
        if type(fields.get("payload.request_id")) is not int:
            self.token(fields, "payload.request_id", MAX_REQUEST)
        return kept(self, fields, ("msisdn", "operator", "session_id", "payload.request_id"))

    def message_id(self, fields: Mapping[str, object], dialogue: str, happening: Happening) -> Secret:
        """Session, id, command and answer."""
        said = str(fields["payload.request_id"])
        typed = self.typed(fields, self.names.text)
        return Secret(f"{len(dialogue)}:{dialogue}{len(said)}:{said}{happening}:{typed}")

    def ahead(self, fields: Mapping[str, object], code: str) -> tuple[str, str]:
        """See `Latest.ahead`. What is no code says nothing of which was dialled."""
        text, note = super().ahead(fields, code)
        return text, note if self.required(fields, self.names.text).startswith("*") else ""

    def echoed(self, inbound: Inbound) -> Mapping[str, object]:
        """The envelope; its payload is in `answered`."""
        return {name: value for name, value in repeated(inbound).items() if name != "payload.request_id"}

    def answered(self, inbound: Inbound, text: str, *, ends: bool) -> Mapping[str, object]:
        """The screen in the payload; `terminate` closes the dialogue."""
        request_id: msgspec.Raw = repeated(inbound)["payload.request_id"]
        return {
            "command": "terminate" if ends else "continue",
            "payload": {"request_id": request_id, "request": text},
        }

    def acknowledge(self, inbound: Inbound) -> Response:
        """The envelope of an end, without a screen."""
        return self.reply(inbound, "", ends=True)
