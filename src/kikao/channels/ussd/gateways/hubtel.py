"""Hubtel (Ghana): `POST /ussd/hubtel`.

Contract: the provider's reference of its Programmable Services, and its sample; documented but for what Label, DataType
and FieldType may say, which was seen. Nothing was checked on a live line.

- A request is JSON: Type, Message, SessionId, ServiceCode (the reference also prints serviceCode), Operator,
  ClientState, Mobile, Sequence, Platform. Type is Initiation, with the dialled code in Message, or nothing from the
  provider's own apps; Response, with just the answer; Release where the member ended the dialogue; Timeout at older
  accounts. Case does not matter.
- Sequence counts the requests of a dialogue, as a number or in digits: with the session's id it tells a copy.
- The reply is JSON, too: SessionId, Type (response or release), Message, Label, ClientState, DataType, FieldType.
- ClientState comes back once with the next request and is then forgotten there. kikao keeps its state itself: it sends
  none, and reads none.
- The paid flow (a reply of the Type AddToCart, then a call to a fulfilment URL) is not built. Requests are not signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kikao.channels.channel import Dedupe
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.latest import TYPES, Latest, Names
from kikao.config import Option
from kikao.conversation.secrets import Secret

MAX_LABEL: Final = 40
"""Characters of a page's title."""


def _label(value: str) -> None:
    if not value.isprintable() or not 0 < len(value.strip()) <= MAX_LABEL:
        raise ValueError(f"must have 1 to {MAX_LABEL} characters that can be shown")


class Hubtel(Latest):
    """The gateway `hubtel`: the last answer only, a redelivery known by session id, type and sequence.

    The sequence is a request's place in its session. So one that comes with another text is still the same request, and
    gets the first one's reply. The type is compared as well, since it is not stated whether a dial is counted.
    """

    slug = "hubtel"
    dedupe: Dedupe = "exact"
    retention = 600.0
    """Seconds: the longest that a member may think, about 120 by what others say, and a wide margin."""
    happenings: frozenset[Happening] = frozenset({"new", "reply", "abort", "timeout"})
    names = Names(
        ("SessionId",),
        "Mobile",
        "Message",
        "Operator",
        ("ServiceCode", "serviceCode"),
        "Type",
        others=("Sequence", "ClientState", "Platform"),
    )
    states = TYPES
    may_dial_nothing = True
    options = (
        Option(
            "label",
            "The title that Hubtel's own apps show above a screen; phones do not show it",
            "My wallet",
            default="Menu",
            check=_label,
        ),
    )
    contract = Contract(
        provider="Hubtel",
        places="Ghana",
        certainty="documented",
        source="the provider's reference of Programmable Services and its sample; `Label`, `DataType` and `FieldType` "
        "as seen",
        new="`Type` is `initiation`, with the dialled code in `Message`",
        reply="`Type` is `response`",
        abort="`Type` is `release`",
        timeout="`Type` is `Timeout` (older accounts)",
        copies="the same `SessionId`, `Type` and `Sequence`",
        limits=("a member may think for about 2 minutes (by a third party)",),
        setup=(
            "Give the URL as the *service interaction URL* of your service, and link the service to your code.",
            "A *service fulfilment URL* is asked for, too; it is called for payments only, which kikao does not take "
            "here.",
        ),
        notes=(
            "`Type` is compared without regard to case; `Sequence` may be a number or its digits; `ServiceCode` may be "
            "spelled `serviceCode`.",
            "From the provider's own apps `ServiceCode` is the service's id and `Message` is empty at a dial.",
            "`ClientState` is sent empty, and whatever comes in it is ignored.",
            "The paid flow is not built: kikao never replies `AddToCart`, and has no fulfilment URL.",
        ),
        on_a_phone=(
            "that the second and third answers are heard: an account whose `Sequence` does not grow would read the "
            "first screen again and again",
        ),
        wanted=(
            "the paid flow: a reply `AddToCart`, the call to the fulfilment URL, the callback and the status API",
            "what else `DataType` and `FieldType` may say: kikao always says `input` and `text`",
            "who a member of the web mall is, whose `Mobile` may be no number: such a request is refused",
            "how long a reply may take",
        ),
    )

    def message_id(self, fields: Mapping[str, object], dialogue: str, happening: Happening) -> Secret | None:
        """See `Latest.message_id`."""
        return Secret(f"{len(dialogue)}:{dialogue} {happening} {self.whole(fields, 'Sequence')}")

    def answered(self, inbound: Inbound, text: str, *, ends: bool) -> Mapping[str, object]:
        """The screen as Message; the Type release closes the dialogue."""
        return {
            "SessionId": inbound.dialogue,
            "Type": "release" if ends else "response",
            "Message": text,
            "Label": self.given["label"],
            "ClientState": "",
            "DataType": "input",
            "FieldType": "text",
        }
