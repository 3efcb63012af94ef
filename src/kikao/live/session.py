"""One user's dealings with this process over all of their sockets: activity, limits, and what became of it. No I/O."""

from __future__ import annotations

import math
import secrets
from collections import deque
from collections.abc import MutableMapping
from typing import Any, Protocol

from kikao.channels.socket.reasons import Reason
from kikao.channels.socket.tokens import Claims
from kikao.events import LiveEnded
from kikao.live.limits import LiveLimits
from kikao.live.users import User


class Connected(Protocol):
    """A socket, as far as its session and the hub know it."""

    id: str
    """Unique over all processes and times."""
    session: Session
    claims: Claims
    """Of its token."""
    connected_at: float
    heard_at: float
    """When a frame last came, a heartbeat included."""
    device: str
    """What its client calls the tab or the phone that it is on; empty where it does not say."""
    warned: bool
    """Whether it was told that its token expires."""

    @property
    def scope(self) -> MutableMapping[str, Any]:
        """Of its handshake, by ASGI. There is a token in it: show it to nobody."""
        ...

    @property
    def topics(self) -> tuple[str, ...]:
        """Those that its client joined."""
        ...

    @property
    def closing(self) -> Reason | None:
        """Why it is being closed; None while it is open."""
        ...

    def announce(self, event: str, payload: Any) -> None:
        """An event on each topic that its client joined."""
        ...

    def close(self, reason: Reason) -> None:
        """End the connection. Returns at once."""
        ...

    def replace(self) -> None:
        """Its device connected again: it ends, and its channels are over now."""
        ...


class Session:
    """Started by the user's first socket, shared by all, over when the last one has been gone for the window.

    Times are those of the caller's clock: seconds that only grow.
    """

    __slots__ = (
        "_crashes",
        "_level",
        "_levelled_at",
        "active_at",
        "alone_since",
        "channels_ever",
        "crashes",
        "ended",
        "events",
        "id",
        "limits",
        "metadata",
        "refused",
        "refused_ever",
        "sent",
        "sockets",
        "sockets_ever",
        "started_at",
        "user",
    )

    def __init__(self, user: User, limits: LiveLimits, now: float, before: Session | None = None) -> None:
        """`before` is one that ended a moment ago: who leaves and comes again has no more than who stays."""
        self.id = secrets.token_hex(16)
        self.user = user
        self.limits = limits
        self.started_at = now
        self.active_at = now
        """When one of its sockets last did something; heartbeats are nothing."""
        self.sockets: list[Connected] = []
        self.sockets_ever = 0
        self.alone_since: float | None = now
        """Since when it has no socket."""
        self.ended: Reason | None = None
        self.events = 0
        """From the client, heartbeats apart."""
        self.refused = 0
        """How many in a row were too many."""
        self.refused_ever = 0
        self.sent = 0
        """Frames to the client."""
        self.channels_ever = 0
        self.crashes = 0
        self.metadata: dict[str, Any] | None = None
        """What the app remembers of it, as long as it lives."""
        self._level = float(limits.burst)
        self._levelled_at = now
        self._crashes: dict[str, deque[float]] | None = None
        if before is not None:
            self._level, self._levelled_at, self._crashes = (
                before._level,
                before._levelled_at,
                before._crashes,
            )

    def enter(self, socket: Connected) -> None:
        """One more socket."""
        self.sockets.append(socket)
        self.sockets_ever += 1
        self.alone_since = None

    def leave(self, socket: Connected, now: float) -> None:
        """A socket is gone."""
        if socket in self.sockets:
            self.sockets.remove(socket)
        if not self.sockets:
            self.alone_since = now

    def replace(self, device: str, before: float, by: Connected | None = None) -> None:
        """A device has one socket: what is left of it `before`, often a connection that is only half there, is over."""
        for socket in list(self.sockets):
            if socket.device == device and socket is not by and socket.connected_at <= before:
                socket.replace()

    def takes(self, now: float) -> bool:
        """Whether an event is within the limits; it counts as activity if it is."""
        if not self.spends(now):
            return False
        self.events += 1
        self.active_at = now
        return True

    def spends(self, now: float) -> bool:
        """Whether something that a client says is within the limits."""
        limits = self.limits
        level = min(float(limits.burst), self._level + (now - self._levelled_at) * limits.events)
        self._levelled_at = now
        if level < 1.0:
            self._level = level
            self.refused += 1
            self.refused_ever += 1
            return False
        self._level = level - 1.0
        self.refused = 0
        return True

    @property
    def wait(self) -> float:
        """Seconds until an event is taken again."""
        return max(0.0, (1.0 - self._level) / self.limits.events)

    def crashed(self, topic: str, now: float) -> None:
        """A function of a channel raised."""
        self.crashes += 1
        if self._crashes is None:
            self._crashes = {}
        self._crashes.setdefault(topic, deque(maxlen=self.limits.crashes)).append(now)

    def rests(self, topic: str, now: float) -> float:
        """Seconds until a channel that crashed too often may be joined again; 0.0 where it may."""
        times = self._crashes.get(topic) if self._crashes is not None else None
        if times is None:
            return 0.0
        while times and times[0] <= now - self.limits.crash_window:
            times.popleft()
        if not times:
            assert self._crashes is not None
            del self._crashes[topic]
        return times[0] + self.limits.crash_window - now if len(times) >= self.limits.crashes else 0.0

    def is_rested(self, now: float) -> bool:
        """Whether nothing that its user did counts any more."""
        limits = self.limits
        is_full = self._level + (now - self._levelled_at) * limits.events >= limits.burst
        last = max((times[-1] for times in (self._crashes or {}).values() if times), default=-math.inf)
        return is_full and last + limits.crash_window <= now

    def over(self, now: float) -> Reason | None:
        """Why it is over by itself, if it is: nobody did anything for too long, or nobody came back."""
        if self.alone_since is not None and now - self.alone_since >= self.limits.window:
            return Reason.LOST
        if self.sockets and now - self.active_at >= self.limits.idle:
            return Reason.IDLE
        return None

    def record(self, reason: Reason, now: float) -> LiveEnded:
        """What became of it, once it is over."""
        return LiveEnded(
            channel="socket",
            gateway="phoenix",
            live=self.id[:12],
            reason=reason.label,
            seconds=now - self.started_at,
            sockets=self.sockets_ever,
            events=self.events,
            refused=self.refused_ever,
            sent=self.sent,
            channels=self.channels_ever,
            crashes=self.crashes,
        )
