"""What a process counts of its live sessions: plain numbers, added to as things happen and read when somebody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from kikao.metrics import declared
from kikao.metrics.numbers import Counts
from kikao.metrics.snapshot import Snapshot

if TYPE_CHECKING:
    from kikao.live.hub import Hub

WEBSOCKET: Final = "websocket"
LONGPOLL: Final = "longpoll"


class Tally:
    """Of one process, since it began."""

    __slots__ = ("broadcasts", "connects", "crashes", "polled", "received", "recoveries", "refused", "sent")

    def __init__(self) -> None:
        self.connects: Counts = Counter()
        """By transport and HTTP status."""
        self.polled = 0
        """Sockets that are open now, of those that poll."""
        self.received = 0
        """Frames from clients, heartbeats too."""
        self.sent = 0
        """Frames to clients."""
        self.broadcasts = 0
        """That were said here."""
        self.refused = 0
        """Events that were too many for their session."""
        self.crashes = 0
        """Functions of channels that raised."""
        self.recoveries: Counts = Counter()
        """By what came of them."""

    def recovered(self, reason: str) -> None:
        """Somebody came back to a stream; why they did not get what they missed, empty where they did."""
        self.recoveries[(reason.replace(" ", "_") or "recovered",)] += 1

    def into(self, snapshot: Snapshot) -> None:
        """Put all of it in."""
        snapshot.count(declared.LIVE_CONNECTS, self.connects)
        snapshot.count(declared.LIVE_FRAMES, {("in",): self.received, ("out",): self.sent})
        snapshot.count(declared.LIVE_BROADCASTS, {(): self.broadcasts})
        snapshot.count(declared.LIVE_REFUSED, {(): self.refused})
        snapshot.count(declared.LIVE_CRASHES, {(): self.crashes})
        snapshot.count(declared.LIVE_RECOVERIES, self.recoveries)


def measured(hub: Hub) -> Callable[[Snapshot], None]:
    """Puts in what a hub counted, and how much of everything there is in it now."""

    def measure(snapshot: Snapshot) -> None:
        tally, tracker, topics = hub.tally, hub.tracker, hub.topics()
        tally.into(snapshot)
        sockets = len(hub.sockets) - tally.polled
        snapshot.gauge(declared.LIVE_SOCKETS, {(WEBSOCKET,): sockets, (LONGPOLL,): tally.polled})
        snapshot.gauge(declared.LIVE_SESSIONS, {(): len(hub.sessions)})
        snapshot.gauge(declared.LIVE_TOPICS, {(): len(topics)})
        snapshot.gauge(declared.LIVE_CHANNELS, {(): sum(topics.values())})
        snapshot.gauge(declared.LIVE_PRESENT, {(): tracker.tracked})
        snapshot.gauge(declared.LIVE_OWED, {(): tracker.owes})
        snapshot.gauge(declared.LIVE_AWAY, {(): float(tracker.stale)})
        snapshot.count(declared.LIVE_GAPS, {(): hub.wire.gaps})
        snapshot.count(declared.LIVE_HEALED, {(): tracker.healed})

    return measure
