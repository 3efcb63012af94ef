"""What commands need of what is at work."""

from __future__ import annotations

from typing import Any, Protocol

from kikao.events import Event
from kikao.web import Receive, Scope, Send


class AtWork(Protocol):
    """An app at work, or several."""

    @property
    def simulator(self) -> Any:
        """Phones in a browser; None where there are none."""
        ...

    @property
    def frame(self) -> int | None:
        """Octets of a frame of WebSocket, at most; None where none is spoken."""
        ...

    def publish(self, event: Event) -> None:
        """Tell whoever listens."""
        ...

    def drain(self) -> None:
        """It will stop: say so to who asks, and serve on."""
        ...

    def refuse(self) -> None:
        """It stops: what comes from now on is not begun."""
        ...

    async def part(self) -> None:
        """It stops: close sockets, some at a time."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...
