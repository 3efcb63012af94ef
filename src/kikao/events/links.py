"""The events of connections to message centres."""

from __future__ import annotations

from kikao.events.event import GatewayEvent, Remark, Seconds


class LinkBound(GatewayEvent, frozen=True, kw_only=True, tag="link.bound"):
    """The connection to a provider's message centre is bound: dialogues come on it, and screens go."""


class LinkLost(GatewayEvent, frozen=True, kw_only=True, tag="link.lost"):
    """That connection is over, or could not be made."""

    reason: Remark
    """Why: the type of an error, a status of SMPP, who ended it."""
    retry_after: Seconds
    """Until the next one is tried."""
