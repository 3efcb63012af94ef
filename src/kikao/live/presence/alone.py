"""Sessions of this process alone."""

from __future__ import annotations

from typing import Any

from kikao.live.session import Session


class SessionsHere:
    """The sessions of this process."""

    def __init__(self, sessions: dict[str, Session]) -> None:
        self._sessions = sessions

    def enter(self, session: Session, socket: Any) -> None:
        """A socket came."""

    def leave(self, session: Session, socket: Any) -> None:
        """A socket went."""

    async def get_session(self, user_id: str) -> Session | None:
        """Of a user."""
        return self._sessions.get(user_id)

    async def session_exists(self, user_id: str) -> bool:
        """Whether there is one."""
        return user_id in self._sessions
