"""Who sent an inbound, and what it has in common with the copies of it that a provider may send."""

from __future__ import annotations

from msgspec import structs

from kikao.channels.channel import Gateway
from kikao.channels.inbound import Inbound
from kikao.sessions.keeper import Sessions
from kikao.sessions.policy import Address, SessionPolicy, key_parts


def names_of(inbound: Inbound, gateway: Gateway, sessions: Sessions) -> tuple[bytes, ...]:
    """The keys of its dedupe record, the present one first; empty where nothing tells copies from a new answer.

    A record belongs to a session. Where that may be of several members, a provider's id is taken for one of a member's
    own: nothing says that it is unique beyond, and a copy gets what the first was shown.
    """
    where = (inbound.channel, inbound.gateway)
    named = gateway.dedupe == "exact" or inbound.happening == "outcome"
    if named and inbound.message_id is not None:
        policy, group = sessions.policies[inbound.channel], inbound.chat is not None and inbound.chat.group
        alone = policy.names_address and not (group and policy.groups == "shared")
        who = () if alone else (inbound.identity,)
        return sessions.names("message", *where, *who, inbound.message_id.reveal())
    if gateway.dedupe == "window":
        said = (inbound.dialogue, inbound.happening, inbound.text.reveal())
        return sessions.names("window", *where, inbound.identity, *said)
    return ()


def addressed(inbound: Inbound, policy: SessionPolicy, *, flow: str, url: str = "") -> Address:
    """Who sent an inbound, with the parts of their session's key. Raises `MissingIdentifier`."""
    address = Address(
        inbound.channel,
        inbound.gateway,
        inbound.identity,
        inbound.service_code if inbound.keyed_by_code else "",
        inbound.msisdn,
        url if policy.wants_url else "",
        inbound.dialogue if policy.wants_request else "",
        group=inbound.chat.group if inbound.chat is not None else "",
    )
    structs.force_setattr(address, "parts", key_parts(address, policy, flow=flow))  # nobody has it yet
    return address
