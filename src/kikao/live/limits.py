"""How much a socket, a session and a process take, as data. Times are seconds, sizes octets."""

from __future__ import annotations

import msgspec


class LiveLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of live sessions. Raises `ValueError` for one that is not positive."""

    frame: int = 64 * 1024
    """Of one frame from a client; more closes the socket (1009)."""
    channels: int = 100
    """Joined at once on one socket; more are refused with `too many channels joined`. Phoenix has the same."""
    sockets: int = 10
    """Of one user at once, on one process; more are refused with 429."""
    user_connects: float = 2.0
    """A second of one user, on one process; `user_burst` at once. More are refused with 429, before their turn comes:
    whoever has a token has no more of `connects` than that."""
    user_burst: int = 20
    connects: float = 200.0
    """Sockets that this process accepts a second, and as many at once; more wait for their turn."""
    waits: float = 30.0
    """Seconds that a socket may wait to be accepted; who would wait longer is refused with 503."""
    polls: int = 1000
    """Sockets of clients that poll, on this process, and requests of theirs that wait: each takes a connection of its
    own. More are refused."""
    events: float = 100.0
    """A second of one session, over all of its sockets, heartbeats apart; `burst` at once. What comes beyond gets
    `{"reason": "rate limited"}` for a reply."""
    burst: int = 1000
    heartbeat: float = 1.0
    """Between two heartbeats of one socket; one that comes sooner is counted as an event, and refused as one. It is no
    activity either. The client sends one every 30 s."""
    flood: int = 1000
    """Events of a session that were refused in a row, after which the socket that sends them is closed."""
    queue: int = 1024 * 1024
    """Waiting to be written to one socket; whoever reads so slowly is closed as `slow`."""
    pending: int = 256
    """Events of one channel that wait for the one before; more get `{"reason": "busy"}`."""
    backlog: int = 4 * 1024 * 1024
    """Of events of one socket that wait for those before them, over all of its channels; more get the same."""
    silence: float = 60.0
    """Without any frame from the client a socket is closed; the client sends a heartbeat every 30 s."""
    idle: float = 1800.0
    """Without an event of any of its sockets a session ends; heartbeats do not count."""
    window: float = 30.0
    """Who lost the connection gets so long to come back: presence stays, and what was missed is kept."""
    crashes: int = 10
    """Of one channel of one session, within `crash_window`; after that it may not be joined until they are past."""
    crash_window: float = 60.0
    grace: float = 25.0
    """After its token expired, a socket has so long to send another one."""
    drained: int = 1000
    """Sockets that a process which stops closes at once, every `drain_pause`: clients are back within 10 ms."""
    drain_pause: float = 0.5
    drain: float = 20.0
    """Most seconds that this takes; of more sockets than fit into it, more are closed at once."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if not getattr(self, name) > 0:
                raise ValueError(f"LiveLimits: {name} must be more than 0")
