"""The limits of all channels at work in this process: how often an address, a member and everybody may come.

State is of the process and gone with it: it takes no write, and after a restart everybody begins anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from kikao.sessions.limits import Limits, Rate
from kikao.sessions.meter import Meter


class Over(NamedTuple):
    """Somebody is over a limit, and may come again after `wait` seconds."""

    kind: Literal["address", "member", "overall"]
    wait: float


class Limiter:
    """Counts turns against the limits of their channels.

    A member's turns on several channels count together where the channels have the same rate for members.
    """

    def __init__(self, limits: Mapping[str, Limits]) -> None:
        members: dict[Rate, Meter] = {}
        self._channels = {channel: _Meters(own, members) for channel, own in limits.items()}

    def overall(self, channel: str, now: float) -> Over | None:
        """Count an inbound of a channel at `now` (seconds since the epoch); None if it may come."""
        meter = self._channels[channel].overall
        wait = 0.0 if meter is None else meter.take(channel, now)
        return Over("overall", wait) if wait else None

    def turn(self, channel: str, address: str, member: str, now: float) -> Over | None:
        """Count a turn of a member at an address of the channel; None if it may be. Else nothing is counted."""
        meters = self._channels[channel]
        if meters.address is not None and (wait := meters.address.take(address, now)):
            return Over("address", wait)
        if meters.member is not None and (wait := meters.member.take(member, now)):
            if meters.address is not None:
                meters.address.give_back(address)
            return Over("member", wait)
        return None


class _Meters:
    def __init__(self, limits: Limits, members: dict[Rate, Meter]) -> None:
        self.address = None if limits.address is None else Meter(limits.address)
        self.member = None
        if limits.member is not None:
            self.member = members.setdefault(limits.member, Meter(limits.member))
        self.overall = None if limits.overall is None else Meter(limits.overall, names=1)
