"""Who may come in: a token is verified, waits for its turn, and names a user whom a directory knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from kikao.channels.socket.tokens import BadToken, Claims, Tokens
from kikao.events import ErrorUncaught, Publish, described
from kikao.live.door import Door
from kikao.live.limits import LiveLimits
from kikao.live.stores.store import LiveAway, LiveStore
from kikao.live.users import User, Users
from kikao.sessions.limits import Rate
from kikao.sessions.meter import Meter

LEAVING: Final = "this process is stopping"
TOO_MANY: Final = "too many sockets of one user"
TOO_OFTEN: Final = "too many connects of one user"

NOBODY: Final = User("")
"""Stands for who was logged out."""


class NotAdmitted(Exception):
    """A socket that is not opened."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Admission:
    """Of one process. `users` loads who a token names; `store` knows who was logged out, and `is_full` whether a user
    has as many sockets as they may."""

    def __init__(
        self,
        users: Users,
        tokens: Tokens,
        store: LiveStore,
        door: Door,
        is_full: Callable[[str], bool],
        publish: Publish,
        limits: LiveLimits,
        clock: Callable[[], float],
    ) -> None:
        """`clock` gives seconds that only grow."""
        self.users = users
        self.tokens = tokens
        self._store = store
        self._door = door
        self._is_full = is_full
        self._publish = publish
        self._often = Meter(Rate(1, per=1.0 / limits.user_connects, burst=limits.user_burst))
        self._clock = clock

    async def admit(self, token: str) -> tuple[User, Claims]:
        """Who shows this token. Raises `NotAdmitted`: 403 for who may not come in, 429 for who has too many sockets or
        comes too often, 503 for who may try again."""
        try:
            claims = self.tokens.verify(token)
        except BadToken as bad:
            raise NotAdmitted(403, f"token: {bad.fault.value}") from None
        if self._is_full(claims.user):  # who cannot come in costs nobody else their place
            raise NotAdmitted(429, TOO_MANY)
        if self._often.take(claims.user, self._clock()):
            raise NotAdmitted(429, TOO_OFTEN)
        if not await self._door.opens():
            raise NotAdmitted(503, LEAVING if self._door.is_closed else "too many connects at once")
        try:
            user = await self._load(claims)
        except LiveAway:
            raise NotAdmitted(503, "the user cannot be loaded now") from None
        if user is None:
            raise NotAdmitted(403, "no such user")
        if user is NOBODY:
            raise NotAdmitted(403, "logged out")
        if self._is_full(user.id):
            raise NotAdmitted(429, TOO_MANY)
        return user, claims

    async def renewed(self, user: User, payload: msgspec.Raw | bytes) -> tuple[User, Claims] | None:
        """Who a user is by a new token, and what it says; None where it is none of theirs, or they may not come in any
        more. Raises `LiveAway`."""
        try:
            said = _TOKEN.decode(payload) if isinstance(payload, msgspec.Raw) else None
            claims = self.tokens.verify(said.token) if said is not None else None
        except (msgspec.MsgspecError, BadToken, RecursionError, UnicodeError):
            return None
        if claims is None:
            return None
        found = await self._load(claims)
        return None if found is None or found.id != user.id else (found, claims)

    async def _load(self, claims: Claims) -> User | None:
        """Who a token names, `NOBODY` where it is worth nothing since a log-out, None for who is not known, or may not
        come in. Raises `LiveAway` where nobody can tell now."""
        try:
            user = await self.users(claims.user, claims.claims)
            if user is not None and claims.is_from_before(await self._store.logged_out(user.id)):
                return NOBODY
        except LiveAway:  # which is told elsewhere, once
            raise
        except Exception as error:  # noqa: BLE001 - whatever a directory raises, it may answer later
            self._publish(ErrorUncaught(where="users", error=described(error)))
            raise LiveAway("the user cannot be loaded now") from None
        return user


class _Token(msgspec.Struct):
    token: str


_TOKEN: Final = msgspec.json.Decoder(_Token)
