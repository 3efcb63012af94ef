"""Who remembers what may be written to which address; the simplest who does is this process, while it runs."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

from kikao.events import AddressMarketing, AddressResumed, AddressStopped, Event, Publish
from kikao.members.addresses import address
from kikao.members.reach import Purpose, Reach, Told, Verdict, checked_line, window_of
from kikao.sessions.sealing import KeyRing

REMEMBERED: Final = 50_000
"""Addresses on lines that are remembered in a process."""

_NOTHING: Final = Reach()


def hears_nothing(_: Event) -> None:
    """Where nobody listens."""


class Reaches(Protocol):
    """What is known of addresses, by line. `KeptReaches` keeps it in the records; `RememberedReaches` in the process.

    Times are seconds since the epoch. One that is later than now by our clock counts as now. Every method raises
    `ValueError` for what is no address, no line or no code, and does not show an address.
    """

    publish: Publish
    """Told when an address is closed, or opened again."""

    async def heard(self, kind: str, identity: str, line: str, at: float) -> None:
        """The member wrote at that time, by the provider's clock. Raises `RecordsAway`: it is then noted later."""
        ...

    async def tell(
        self,
        kind: str,
        identity: str,
        line: str,
        what: Told,
        *,
        reason: str = "",
        at: float,
        until: float | None = None,
    ) -> bool:
        """Something was told that was so at that time; whether that changed how the address stands.

        `reason` is a short code, such as `131026`; `until` when a pause of marketing ends. Telling again, or late,
        does no harm. Raises `RecordsAway`, `CommitUnknown`.
        """
        ...

    async def of(self, kind: str, identity: str, line: str) -> Reach:
        """All that is known. Raises `RecordsAway`."""
        ...

    async def may(
        self, kind: str, identity: str, line: str, purpose: Purpose, *, heard_at: float = 0.0
    ) -> Verdict:
        """Whether it may be written to now: **whoever sends asks this, each time, just before**.

        `heard_at` is when the member wrote what is answered, as the message itself knows it: what is stored may not say
        so yet. Raises `RecordsAway`.
        """
        ...


class RememberedReaches:
    """What is known of addresses in one process, lost with it. Addresses are kept as keyed hashes.

    Of more than `size`, the open address that was used longest ago is forgotten first; of those that are not open
    there may be as many again.
    """

    def __init__(
        self, ring: KeyRing, *, clock: Callable[[], float] = time.time, size: int = REMEMBERED
    ) -> None:
        self._ring = ring
        self._clock = clock
        self._size = size
        self._open: OrderedDict[tuple[bytes, str], Reach] = OrderedDict()
        self._shut: OrderedDict[tuple[bytes, str], Reach] = OrderedDict()
        self.publish: Publish = hears_nothing

    def __len__(self) -> int:
        return len(self._open) + len(self._shut)

    async def heard(self, kind: str, identity: str, line: str, at: float) -> None:
        """See `Reaches.heard`."""
        key = self._key(kind, identity, line)
        before = self._known(key)
        self._keep(key, before, before.heard(min(at, self._clock())))

    async def tell(
        self,
        kind: str,
        identity: str,
        line: str,
        what: Told,
        *,
        reason: str = "",
        at: float,
        until: float | None = None,
    ) -> bool:
        """See `Reaches.tell`."""
        key = self._key(kind, identity, line)
        before = self._known(key)
        return self._keep(key, before, before.told(what, min(at, self._clock()), reason, until=until))

    async def of(self, kind: str, identity: str, line: str) -> Reach:
        """See `Reaches.of`."""
        return self._known(self._key(kind, identity, line))

    async def may(
        self, kind: str, identity: str, line: str, purpose: Purpose, *, heard_at: float = 0.0
    ) -> Verdict:
        """See `Reaches.may`."""
        now = self._clock()
        known = (await self.of(kind, identity, line)).heard(min(heard_at, now))
        return known.may(purpose, now, window=window_of(line))

    def _known(self, key: tuple[bytes, str]) -> Reach:
        return self._open.get(key) or self._shut.get(key) or _NOTHING

    def _keep(self, key: tuple[bytes, str], before: Reach, after: Reach) -> bool:
        self._open.pop(key, None)
        self._shut.pop(key, None)
        place = self._open if after.standing == "open" and not after.refuses_marketing else self._shut
        place[key] = after
        if len(place) > self._size:
            place.popitem(last=False)
        events = changes(key[1], before, after)
        for event in events:
            self.publish(event)
        return bool(events)

    def _key(self, kind: str, identity: str, line: str) -> tuple[bytes, str]:
        one = address(kind, identity)
        return self._ring.lookup("member address", one.kind, one.identity), checked_line(line)


def changes(line: str, before: Reach, after: Reach) -> list[Event]:
    """What is told of an address that now stands otherwise. Nobody is named."""
    channel, gateway = line.split("/")[:2]
    was, now = before.standing, after.standing
    events: list[Event] = []
    if now == "open" and was != "open":
        events.append(AddressResumed(channel=channel, gateway=gateway, was=was))
    elif now != "open" and now != was:
        events.append(AddressStopped(channel=channel, gateway=gateway, what=now, reason=after.reason))
    if after.refuses_marketing and not before.refuses_marketing:
        reason = after.refused.reason
        events.append(AddressMarketing(channel=channel, gateway=gateway, what="refused", reason=reason))
    elif before.refuses_marketing and not after.refuses_marketing:
        events.append(AddressMarketing(channel=channel, gateway=gateway, what="allowed"))
    if after.paused != before.paused:
        reason = after.paused.reason
        events.append(AddressMarketing(channel=channel, gateway=gateway, what="paused", reason=reason))
    return events
