"""Sessions of users, found from any process: what each process says of its own, in the store that they share.

A process says of each session that it exists, and how it is, in one entry of a topic that is kikao's own: once when it
begins, when a socket comes or goes, and at most once a minute while anything happens in it. The joins that follow a
connect are in the same write, since it comes a moment later. Heartbeats write nothing.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from kikao.live.connection import agent_of
from kikao.live.presence.tracking import Tracker
from kikao.live.presence.watching import INTERNAL
from kikao.live.session import Connected, Session
from kikao.live.stores.store import Entry, LiveAway, LiveStore

SOON: Final = 0.5
"""Seconds between what happens to a session and its write: as late as that other processes find it."""

FLUSH: Final = 60.0
"""Seconds between two writes of what was done in a session."""

AT_ONCE: Final = 500
"""Sessions that are looked at before anything else may run."""

SHOWN: Final = 200
"""Characters of a `User-Agent`."""


class SocketState(msgspec.Struct, frozen=True):
    """A connection of a session. Times are seconds since the epoch."""

    id: str
    node: str
    """The process that it is on."""
    connected_at: float
    device: str = ""
    """The parameter `device` of the connect."""
    agent: str = ""
    """The client's `User-Agent`."""
    subscriptions: tuple[str, ...] = ()
    """Topics that it joined."""


class SessionState(msgspec.Struct, frozen=True):
    """A user's session over all processes, to look at. Times are seconds since the epoch.

    What other processes have of it is up to a minute old (`FLUSH`), sockets half a second (`SOON`).
    """

    id: str
    """Of its oldest part, where several processes have one."""
    user: str
    connected_at: float
    last_activity: float
    """When one of its sockets last did something; heartbeats are nothing."""
    sockets: tuple[SocketState, ...] = ()
    """The oldest first; none where the client may yet come back."""
    metadata: Mapping[str, Any] = {}
    """What the app remembers of it, as far as it is JSON."""


class Registry:
    """See the module. `sessions` are those of this process, by user; `clock` is the one that their times are of."""

    def __init__(
        self,
        tracker: Tracker,
        store: LiveStore,
        sessions: Mapping[str, Session],
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._tracker = tracker
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._wall = wall
        self._written: dict[str, tuple[Entry, tuple[Any, ...]]] = {}
        """By user, the entry, and what the session was like then."""
        self._soon: dict[str, None] = {}
        self._rung = asyncio.Event()

    # --- what happens here ---

    def changed(self, session: Session) -> None:
        """A socket of it came or went. It waits for nothing."""
        self._soon[session.user.id] = None
        self._rung.set()

    def ended(self, session: Session) -> None:
        """It is over on this process."""
        self._soon.pop(session.user.id, None)
        if (written := self._written.pop(session.user.id, None)) is not None:
            self._tracker.remove(written[0])

    # --- who asks ---

    async def get_session(self, user: str) -> SessionState | None:
        """A user's session, whichever processes it is on; None where there is none.

        Raises `LiveAway` where the store is, and this process has none of it.
        """
        here = self._sessions.get(user)
        own = [] if here is None else [self.state(here)]
        try:
            return merged([*own, *await self._elsewhere(user)])
        except LiveAway:
            if not own:
                raise
            return own[0]

    async def session_exists(self, user: str) -> bool:
        """Whether a user has a session anywhere. Asks nobody where it is here. Raises `LiveAway`."""
        return user in self._sessions or bool(await self._elsewhere(user))

    async def rests_elsewhere(self, user: str) -> float:
        """For how many seconds a user did nothing on other processes, about; infinite where they have no session.
        Raises `LiveAway`."""
        others = await self._elsewhere(user)
        return self._wall() - max((each.last_activity for each in others), default=-math.inf)

    def own(self) -> Iterator[SessionState]:
        """Those of this process, each with what is of this process alone."""
        return map(self.state, self._sessions.values())

    def state(self, session: Session) -> SessionState:
        """How a session of this process is now."""
        since = self._wall() - self._clock()
        return SessionState(
            session.id,
            session.user.id,
            session.started_at + since,
            session.active_at + since,
            tuple(self._socket(socket, since) for socket in session.sockets),
            session.metadata or {},
        )

    def _socket(self, socket: Connected, since: float) -> SocketState:
        return SocketState(
            socket.id,
            self._tracker.node,
            socket.connected_at + since,
            socket.device,
            agent_of(socket.scope)[:SHOWN],
            socket.topics,
        )

    async def _elsewhere(self, user: str) -> list[SessionState]:
        topic = _topic(user)
        if not (await self._store.versions([topic])).get(topic, ("", 0))[1]:  # to list it would begin it
            return []
        listing = await self._store.listing(topic)
        return [_READS.decode(entry.meta) for entry in listing.entries if entry.node != self._tracker.node]

    # --- what is done all the time ---

    async def run(self) -> None:
        """Write, for ever; cancel it to stop."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write_on())
            tasks.create_task(self._flush_on())

    async def write(self) -> None:
        """Write those whose sockets came or went."""
        soon, self._soon = self._soon, {}
        await self._write(soon)

    async def flush(self) -> None:
        """Write those in which anything happened since they were written."""
        await self._write(
            [user for user, (_, was) in self._written.items() if was != _signs(self._sessions.get(user))]
        )

    async def _write(self, users: Iterable[str]) -> None:
        for n, user in enumerate(users, start=1):
            if n % AT_ONCE == 0:
                await asyncio.sleep(0)
            if (session := self._sessions.get(user)) is not None:
                self._put(session)

    def _put(self, session: Session) -> None:
        user, node = session.user.id, self._tracker.node
        old = self._written.get(user)
        said = _WRITES.encode(self.state(session))
        entry = Entry(_topic(user), node, self._tracker.new_ref(), node, said)
        self._tracker.put(entry, replaces=None if old is None else old[0])
        self._written[user] = entry, _signs(session)

    async def _write_on(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            await asyncio.sleep(SOON)
            await self.write()

    async def _flush_on(self) -> None:
        while True:
            await asyncio.sleep(FLUSH)
            await self.flush()


def merged(parts: Iterable[SessionState]) -> SessionState | None:
    """A session of which several processes have a part; None where there is no part."""
    by_age = sorted(parts, key=lambda part: (part.connected_at, part.id))
    if len(by_age) < 2:
        return by_age[0] if by_age else None
    metadata: dict[str, Any] = {}
    for part in by_age:
        metadata.update(part.metadata)
    sockets = sorted((each for part in by_age for each in part.sockets), key=lambda each: each.connected_at)
    return SessionState(
        by_age[0].id,
        by_age[0].user,
        by_age[0].connected_at,
        max(part.last_activity for part in by_age),
        tuple(sockets),
        metadata,
    )


def _topic(user: str) -> str:
    return f"{INTERNAL}session:{user}"


def _signs(session: Session | None) -> tuple[Any, ...]:
    """By what it is seen that anything happened: joins and leaves are activity, too."""
    if session is None:
        return ()
    return session.id, session.active_at, len(session.sockets), len(session.metadata or ())


_WRITES: Final = msgspec.json.Encoder(enc_hook=lambda _: None)
_READS: Final = msgspec.json.Decoder(SessionState)
