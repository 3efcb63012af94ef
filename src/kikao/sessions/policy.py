"""Which dealings of whom are one session, and for how long: rules as data.

The session key is a pure function of the inbound's address and the policy: a redelivery finds the same session,
whatever happened in between.
"""

from __future__ import annotations

import msgspec

from kikao.conversation.journal import Conversation
from kikao.sessions.sealing import KeyRing


class MissingIdentifier(Exception):
    """The inbound does not say who sent it. Never answered with a shared session."""


class Address(msgspec.Struct, frozen=True, array_like=True):
    """Where a member was met: sealed beside the session key, which only hashes it."""

    channel: str
    gateway: str
    identity: str
    service_code: str = ""
    msisdn: str = ""


class SessionPolicy(msgspec.Struct, frozen=True):
    """Times are seconds. The defaults are those of USSD."""

    idle: float = 300.0
    """Without a turn for so long, a session is expired: inaccessible at once, removed by the next sweep."""
    resume: float = 300.0
    """So long after the last turn a new dial is offered to continue."""
    outcome: float = 7 * 86400.0
    """So long an outcome that was not told yet is kept for the next dial."""

    def lifetime(self, conversation: Conversation) -> float:
        """Seconds from now until the stored session expires."""
        run = conversation.run
        untold = run is not None and (run.pending is None or bool(run.intents))
        return self.outcome if untold or conversation.parked or conversation.notices else self.idle


def session_key(ring: KeyRing, address: Address, *, flow: str) -> bytes:
    """The key of the session: flow, channel, gateway and the member's identity there. 32 bytes.

    For USSD the identity is the MSISDN with the service code. Raises `MissingIdentifier`.
    """
    if not address.identity:
        raise MissingIdentifier(f"{address.channel}/{address.gateway}: the inbound names no sender")
    return ring.lookup(
        "session", flow, address.channel, address.gateway, address.identity, address.service_code
    )
