"""What a server needs of its app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kikao.conversation.engine import Engine
from kikao.i18n import Catalogs
from kikao.middleware import Middleware
from kikao.sessions.working import Services

if TYPE_CHECKING:
    from kikao.live.live import Live


class Wired(Protocol):
    """An app, as it is at work."""

    engine: Engine
    catalogs: Catalogs
    middleware: tuple[Middleware, ...]
    channels: tuple[str, ...]
    outcomes: tuple[str, ...]
    live: Live | None

    async def forget(self, services: Services, msisdns: tuple[str, ...]) -> None:
        """Erase what the app's services keep about these MSISDNs."""
        ...
