"""Delivery receipts over SMPP: a `deliver_sm` whose text, or whose optional parameters, say how far a message came.

The text has no standard. What SMPP 3.4 shows in appendix B is what is read: `id:… sub:… dlvrd:… submit date:… done
date:… stat:DELIVRD err:… text:…`. The text behind `text:` repeats what was sent, and is not read.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from kikao.channels.smpp.pdu import ShortMessage
from kikao.sessions.outgoing import Status

RECEIPTED_ID: Final = 0x001E
MESSAGE_STATE: Final = 0x0427

KINDS: Final = frozenset({0x04, 0x20})
"""What `esm_class` & 0x3C is of a receipt, and of news on the way (5.2.12)."""

STATES: Final = {
    1: Status.SENT,  # ENROUTE
    2: Status.DELIVERED,
    3: Status.FAILED,  # EXPIRED
    4: Status.FAILED,  # DELETED
    5: Status.FAILED,  # UNDELIVERABLE
    6: Status.SENT,  # ACCEPTED
    8: Status.FAILED,  # REJECTED
}
"""`message_state` (5.2.28); 7, UNKNOWN, says nothing."""

WORDS: Final = {
    "ENROUTE": Status.SENT,
    "ACCEPTD": Status.SENT,
    "DELIVRD": Status.DELIVERED,
    "EXPIRED": Status.FAILED,
    "DELETED": Status.FAILED,
    "UNDELIV": Status.FAILED,
    "REJECTD": Status.FAILED,
}
"""`stat:`; UNKNOWN says nothing."""


class Receipt(NamedTuple):
    """How far a message came."""

    id: str
    """What the SMSC calls the message."""
    status: Status


def is_receipt(message: ShortMessage) -> bool:
    """Whether it is one, and no message of a member."""
    return message.esm_class & 0x3C in KINDS


def receipt(message: ShortMessage) -> Receipt | None:
    """What it says; None where that is nothing that can be read."""
    text = message.octets.partition(b"text:")[0].decode("latin-1")
    id_ = message.parameters.get(RECEIPTED_ID, b"").rstrip(b"\0").decode("latin-1")
    state = message.parameters.get(MESSAGE_STATE, b"")
    status = STATES.get(state[0]) if len(state) == 1 else None
    if not id_ and (found := _ID(text)):
        id_ = found[1]
    if status is None and (found := _STAT(text)):
        status = WORDS.get(found[1].upper())
    if not id_ or len(id_) > 64 or not id_.isascii() or not id_.isprintable() or status is None:
        return None
    return Receipt(id_, status)


_ID: Final = re.compile(r"\bid:\s*(\S+)", re.IGNORECASE).search
_STAT: Final = re.compile(r"\bstat:\s*([A-Za-z]+)", re.IGNORECASE).search
