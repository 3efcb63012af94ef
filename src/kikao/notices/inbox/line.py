"""What the inbox needs of live sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

TOPIC: Final = "notices:{user_id}"
"""Where the devices of a user hear of their notifications."""

NOTICE: Final = "notice"
UNREAD: Final = "unread"


class Line(Protocol):
    """The hub of a process, as far as the inbox is concerned."""

    async def broadcast(self, topic: str, event: str, payload: Mapping[str, Any]) -> object:
        """Tell all who joined a topic, on every process. What it raises means that some may not have been told."""
        ...

    async def session_exists(self, user_id: str) -> bool:
        """Whether a user is connected anywhere, or was until a moment ago. What it raises means that nobody knows."""
        ...


def topic_of(user_id: str) -> str:
    """The topic of a user."""
    return f"notices:{user_id}"
