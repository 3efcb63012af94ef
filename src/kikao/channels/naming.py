"""What an inbound has in common with the copies of it that a provider may send, and with nothing else."""

from __future__ import annotations

from kikao.channels.channel import Gateway
from kikao.channels.inbound import Inbound
from kikao.sessions.keeper import Sessions


def names_of(inbound: Inbound, gateway: Gateway, sessions: Sessions) -> tuple[bytes, ...]:
    """The keys of its dedupe record, the present one first; empty where nothing tells copies from a new answer.

    A record belongs to a session. Where that may be of several members, a provider's id is taken for one of a member's
    own: nothing says that it is unique beyond, and a copy gets what the first was shown.
    """
    where = (inbound.channel, inbound.gateway)
    if gateway.dedupe == "exact" and inbound.message_id is not None:
        alone = sessions.policies[inbound.channel].names_address
        who = () if alone else (inbound.identity,)
        return sessions.names("message", *where, *who, inbound.message_id.reveal())
    if gateway.dedupe == "window":
        said = (inbound.dialogue, inbound.happening, inbound.text.reveal())
        return sessions.names("window", *where, inbound.identity, *said)
    return ()
