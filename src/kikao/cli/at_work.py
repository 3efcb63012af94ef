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

    def publish(self, event: Event) -> None:
        """Tell whoever listens."""
        ...

    def drain(self) -> None:
        """It will stop: say so to who asks, and serve on."""
        ...

    def refuse(self) -> None:
        """It stops: what comes from now on is not begun."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...
