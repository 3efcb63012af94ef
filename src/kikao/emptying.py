"""What is taken out of the outbox when a member is erased: what messages of chats say to them, and what they wrote.

The messages stay where they are, since lanes and counts are made of them, and say nothing: what was not sent by then is
dead as soon as its turn comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from kikao.channels.chat.message import Parcel
from kikao.inbox import INBOX, inbound_of
from kikao.members import MemberAddress
from kikao.members.reach import KINDS
from kikao.sessions.keeper import Sessions
from kikao.sessions.posting import opened
from kikao.sessions.sealing import SealError, message_to

LINES: Final = tuple(f"{channel}/" for channel in KINDS)


async def empty_messages(sessions: Sessions, addresses: Iterable[MemberAddress]) -> int:
    """Empty all messages of chats from and to these addresses; how many. It looks at every message there is.

    Doing it again does no harm. Raises `StoreUnavailable`, `CommitUnknown`.
    """
    wanted, emptied = {(one.kind, one.identity) for one in addresses}, 0
    # A number that was proven is also whom WhatsApp writes to.
    wanted |= {("whatsapp", identity.removeprefix("+")) for kind, identity in wanted if kind == "msisdn"}
    async for message in sessions.store.messages():
        if message.to.startswith((INBOX, *LINES)):
            try:
                people = _people(message.to, opened(sessions.ring, message))
            except (SealError, msgspec.DecodeError):
                continue  # it opens for nobody, or is empty
            if people & wanted:
                payload = sessions.ring.seal(b"", message.id, message_to(message.to))
                emptied += await sessions.store.reseal(message, payload)
    return emptied


def _people(to: str, body: bytes) -> set[tuple[str, str]]:
    """Whom a message is to, or from. Raises `msgspec.DecodeError`."""
    if to.startswith(INBOX):
        inbound = inbound_of(body)
        return {(KINDS[inbound.channel], inbound.identity), ("msisdn", inbound.msisdn)}
    parcel, kind = Parcel.read(body), KINDS[to.partition("/")[0]]
    return {(kind, parcel.member), (kind, parcel.to)}
