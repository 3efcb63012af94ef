"""Tokens that open sockets for simulated phones, beside those that the settings have keys for."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final

from kikao.channels.socket.tokens import LATEST, BadToken, Claims, Fault, Tokens

_ADMITTED: Final[ContextVar[list[str] | None]] = ContextVar("admitted", default=None)


class MintedTokens(Tokens):
    """Says whose a token is that `mint` made, in this process; of any other `real` says so, if there is such.

    They are no JWT: nothing is signed, and none of them outlives the process. They do not expire, so that time can be
    moved; who logs out is out with them, too.
    """

    def __init__(self, clock: Callable[[], float], real: Tokens | None = None) -> None:
        self._clock = clock
        self.real = real
        self._users: dict[str, Claims] = {}
        self._held: set[str] = set()

    def __repr__(self) -> str:
        return f"<{len(self._users)} tokens of the simulator>"

    def mint(self, user: str) -> str:
        """A token for a user."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        self._users[token] = Claims(user, float(LATEST), now, {"sub": user}, "simulator")
        return token

    def sign(
        self,
        user: str,
        seconds: int = 3600,
        claims: Mapping[str, Any] | None = None,
        *,
        key: str = "",
    ) -> str:
        """As the real ones, where there are any; else it is minted."""
        return self.mint(user) if self.real is None else self.real.sign(user, seconds, claims, key=key)

    def forget(self, tokens: Collection[str]) -> None:
        """They open nothing any more."""
        self.release(tokens)
        for token in tokens:
            self._users.pop(token, None)

    def claims(self, tokens: Collection[str]) -> list[Claims]:
        """What those say that were minted here, each as it is found again in the socket that it opened."""
        return [self._users[token] for token in tokens if token in self._users]

    def hold(self, tokens: Collection[str]) -> None:
        """Whoever shows them does not get through."""
        self._held.update(tokens)

    def release(self, tokens: Collection[str]) -> None:
        """They do again."""
        self._held.difference_update(tokens)

    def is_held(self, token: str) -> bool:
        """Whether the line of whoever shows it is down."""
        return token in self._held

    def verify(self, token: str) -> Claims:
        """Raises `BadToken`."""
        found = self._users.get(
            token
        )  # 256 random bits: how long it takes to find one says nothing of another
        if found is None and self.real is None:
            raise BadToken(Fault.MALFORMED)
        if found is None:
            assert self.real is not None
            return self.real.verify(token)
        admitted = _ADMITTED.get()
        if admitted is not None:
            admitted.append(found.user)
        return found


@contextlib.contextmanager
def admitting() -> Iterator[list[str]]:
    """The simulated users that tokens are shown of within this block, in this task."""
    admitted: list[str] = []
    token = _ADMITTED.set(admitted)
    try:
        yield admitted
    finally:
        _ADMITTED.reset(token)
