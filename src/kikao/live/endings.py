"""Sessions that are ended on every process, also on one that is cut off now.

Each end is a message of a stream of kikao's own, beside the word on the bus: whoever may have missed one reads what it
missed. Who was away for longer than the stream goes back looks at the mark of each user that it serves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import structs

from kikao.channels.socket.reasons import Reason
from kikao.channels.socket.tokens import Claims
from kikao.live.news import EndSession, packed, unpacked
from kikao.live.presence.watching import INTERNAL
from kikao.live.session import Connected, Session
from kikao.live.stores.epochs import is_of, may_be_one
from kikao.live.stores.store import LiveAway, LiveStore, Position
from kikao.live.wire import Wire

STREAM: Final = f"{INTERNAL}ends"

KEPT: Final = 300
"""Ends that are kept, and for how many seconds at most."""
KEPT_SECONDS: Final = 3600.0

AGAIN: Final = 1.0
"""Seconds until a store that does not answer is asked again."""

AT_ONCE: Final = 50
"""Users whose marks are asked for at the same time."""

REMEMBERED: Final = 60.0
"""Seconds for which a log-out is known to sockets that are being opened meanwhile."""

Close = Callable[[str, Reason, float, float], None]
"""Ends what a process has of a session: the user, why, the moment of a log-out (0 for none: then all of it), and the
time by which a socket must have been opened to be meant (0 for any), both in seconds since the epoch."""


class Endings:
    """Of one process. `sessions` are those that it has."""

    def __init__(
        self,
        store: LiveStore,
        wire: Wire,
        sessions: Mapping[str, Session],
        close: Close,
        *,
        wall: Callable[[], float],
    ) -> None:
        self._store = store
        self._wire = wire
        self._sessions = sessions
        self._close = close
        self._wall = wall
        self.at: Position | None = None
        """How far in the stream this process is; None until the store said where that is."""
        self._behind = asyncio.Event()
        """Whether more may have come than is known."""
        self._behind.set()
        self._recent: dict[str, tuple[float, float]] = {}
        """By user, a log-out and when it was heard of."""
        wire.on(EndSession, self._heard)
        wire.on_gap(self.missed)

    async def end(self, user: str, reason: Reason, at: float = 0.0) -> None:
        """End a user's session on every process; `at` is the moment of a log-out. Raises `LiveAway` where some may hear
        of it only by the mark."""
        news = EndSession(user, reason.label, at, self._wall())
        self._apply(news, late=False)
        try:
            place = await self._store.append(STREAM, packed(news), keep=KEPT, seconds=KEPT_SECONDS)
            news = structs.replace(news, place=place)
        finally:
            self._wire.tell(news)
            if news.place is not None:
                self._follows(news.place)

    def ended(self, user: str, claims: Claims) -> bool:
        """Whether a token was refused by a log-out that this process heard of a moment ago."""
        at, _ = self._recent.get(user, (0.0, 0.0))
        return claims.is_from_before(at)

    def missed(self) -> None:
        """Some may have been missed."""
        self._behind.set()

    async def run(self) -> None:
        """Read what was missed, for ever; cancel it to stop."""
        while True:
            await self._behind.wait()
            self._behind.clear()
            try:
                await self._read()
            except LiveAway:
                self._behind.set()
                await asyncio.sleep(AGAIN)

    def _heard(self, news: EndSession) -> None:
        if news.place is None or self._follows(news.place):
            self._apply(news, late=False)

    def _follows(self, place: Position) -> bool:
        """Whether it is new. One that does not come next is applied all the same, and what is before it is read."""
        at = self.at
        if at is None or not is_of(place.epoch, at.epoch) or place.seq > at.seq + 1:
            self._behind.set()
            return True
        if place.seq <= at.seq:
            return False
        self.at = place
        return True

    async def _read(self) -> None:
        found = await self._store.since(STREAM, self.at, most=KEPT)
        if found.messages is None:
            await self._look()
        at = self.at  # by now: some may have been heard meanwhile
        known = at.seq if at is not None and may_be_one(found.top.epoch, at.epoch) else 0
        if found.top.seq >= known or found.messages is None:  # a server that failed over may have gone back
            self.at = found.top
        for seq, said in found.messages or ():
            news = unpacked(said)
            if seq > known and isinstance(news, EndSession):
                self._apply(news, late=True)

    async def _look(self) -> None:
        """Nobody knows which ends were missed: ask for the mark of everybody. Raises `LiveAway`."""
        users = list(self._sessions)
        for start in range(0, len(users), AT_ONCE):
            some = users[start : start + AT_ONCE]
            moments = await asyncio.gather(*map(self._store.logged_out, some))
            for user, at in zip(some, moments, strict=True):
                if at:
                    self._apply(EndSession(user, Reason.LOGGED_OUT.label, at), late=True)

    def _apply(self, news: EndSession, *, late: bool) -> None:
        reason = _REASONS.get(news.reason, Reason.STOPPED)
        if news.at:
            now = self._wall()
            if len(self._recent) >= KEPT:
                self._recent = {user: one for user, one in self._recent.items() if one[1] > now - REMEMBERED}
            self._recent[news.user] = news.at, now
        if news.user in self._sessions:
            self._close(news.user, reason, news.at, news.said if late else 0.0)


def meant(session: Session, at: float, before: float, since: float) -> list[Connected]:
    """Sockets of a session that an end is about: see `Close`. `since` makes their times those since the epoch."""
    return [
        socket
        for socket in session.sockets
        if (not at or socket.claims.is_from_before(at))
        and (at or not before or socket.connected_at + since <= before)
    ]


_REASONS: Final[dict[str, Reason]] = {reason.label: reason for reason in Reason}
