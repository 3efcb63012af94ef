"""Presence and sessions of this process alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from kikao.channels.socket.protocol import Json, json
from kikao.live.session import Session


class Alone:
    """Who is present here. `diffed` tells the clients of a topic."""

    def __init__(self, diffed: Callable[[str, Json], None]) -> None:
        self._diffed = diffed
        self._topics: dict[str, dict[str, tuple[str, bytes]]] = {}
        self._held: dict[str, dict[str, tuple[str, bytes]]] = {}

    async def run(self) -> None:
        """Nothing goes on by itself."""

    async def retire(self, seconds: float) -> None:
        """Nobody else would see it."""

    def subscribe(self, topic: str) -> None:
        """Everything is known."""

    def unsubscribe(self, topic: str) -> None:
        """Everything is known."""

    async def track(self, topic: str, key: str, meta: bytes) -> str:
        """One more, or one who is back."""
        for ref, (whose, said) in list(self._held.get(topic, {}).items()):
            if (whose, said) == (key, meta):
                del self._held[topic][ref]
                return ref
        ref = secrets.token_hex(8)
        self._topics.setdefault(topic, {})[ref] = (key, meta)
        self._tell(topic, {ref: (key, meta)}, {})
        return ref

    async def update(self, topic: str, ref: str, meta: bytes) -> str:
        """Another meta."""
        key, before = self._topics[topic].pop(ref)
        new = secrets.token_hex(8)
        self._topics[topic][new] = (key, meta)
        self._tell(topic, {new: (key, meta)}, {ref: (key, before)}, before=ref)
        return new

    async def untrack(self, topic: str, ref: str) -> None:
        """Gone."""
        entry = self._topics.get(topic, {}).pop(ref, None)
        if entry is not None:
            self._tell(topic, {}, {ref: entry})

    async def hold(self, topic: str, ref: str) -> None:
        """Kept for a while."""
        entry = self._topics.get(topic, {}).get(ref)
        if entry is not None:
            self._held.setdefault(topic, {})[ref] = entry

    async def present(self, topic: str) -> Json:
        """All who are there."""
        return json(_state(self._topics.get(topic, {}), ""))

    def _tell(self, topic: str, joins: Any, leaves: Any, before: str = "") -> None:
        self._diffed(topic, json({"joins": _state(joins, before), "leaves": _state(leaves, "")}))


def _state(entries: dict[str, tuple[str, bytes]], before: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for ref, (key, meta) in entries.items():
        one = {**msgspec.json.decode(meta), "phx_ref": ref} | ({"phx_ref_prev": before} if before else {})
        found.setdefault(key, {"metas": []})["metas"].append(one)
    return found


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
