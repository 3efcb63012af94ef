"""What a process counts of its live sessions: plain numbers, added to as things happen and read when somebody asks."""

from __future__ import annotations

from collections import Counter
from typing import Final

from kikao.metrics import declared
from kikao.metrics.numbers import Counts
from kikao.metrics.snapshot import Snapshot

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
        """Frames to clients in sessions that are over: those of the others count by themselves."""
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

    def into(self, snapshot: Snapshot, sent: int) -> None:
        """Put all of it in; `sent` are the frames of sessions that go on."""
        snapshot.count(declared.LIVE_CONNECTS, self.connects)
        snapshot.count(declared.LIVE_FRAMES, {("in",): self.received, ("out",): self.sent + sent})
        snapshot.count(declared.LIVE_BROADCASTS, {(): self.broadcasts})
        snapshot.count(declared.LIVE_REFUSED, {(): self.refused})
        snapshot.count(declared.LIVE_CRASHES, {(): self.crashes})
        snapshot.count(declared.LIVE_RECOVERIES, self.recoveries)
