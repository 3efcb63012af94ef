"""The first connection to the server of a live store: it may come later than the process, and nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from kikao.live.stores.store import LiveAway
from kikao.sessions.store import StoreRefused, StoreUnavailable
from kikao.sessions.stores.jitter import jittered

PATIENCE: Final = 2.0
"""Seconds that anything takes at most."""

_PAUSES: Final = (0.1, 2.0)
"""Seconds before the first and, at most, before a later try to connect for the first time."""

_AWAY: Final = (
    "live sessions: %s. Who is connected stays so, and channels go on without presence, replay and log-outs of other "
    "processes. It is tried again until it answers. Check KIKAO_BUS."
)

logger = logging.getLogger(__name__)


class Opening:
    """Tries until `connect` succeeds, which raises `StoreRefused` or `StoreUnavailable` where it does not. `server` is
    what people know the server as."""

    def __init__(
        self, server: str, connect: Callable[[], Awaitable[None]], *, patience: float = PATIENCE
    ) -> None:
        self._server = server
        self._connect = connect
        self._patience = patience
        self._trying: asyncio.Task[None] | None = None
        self._why: str | None = self._unopened
        """Why nothing can be asked yet."""

    async def begin(self) -> None:
        """Connect, or else go on trying in the background."""
        if self._trying is not None:
            return
        tried = asyncio.Event()
        self._trying = asyncio.create_task(self._try(tried), name=f"connect live sessions to {self._server}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await tried.wait()

    async def end(self) -> None:
        """Try no more."""
        trying, self._trying = self._trying, None
        if trying is not None:
            trying.cancel()
            await asyncio.wait([trying])
        self._why = self._unopened

    def expect(self) -> None:
        """Raises `LiveAway` unless there is a connection, or was one."""
        if self._why is not None:
            raise LiveAway(self._why)

    @property
    def _unopened(self) -> str:
        return f"{self._server} is not open"

    async def _try(self, tried: asyncio.Event) -> None:
        pause, most = _PAUSES
        told = False
        while True:
            try:
                await self._connect()
            except (StoreRefused, StoreUnavailable) as error:
                self._why = str(error)
                if not told:
                    told = True
                    logger.warning(_AWAY, error)
            else:
                self._why = None
                if told:
                    logger.warning("live sessions: %s answers now", self._server)
                return tried.set()
            tried.set()
            await asyncio.sleep(jittered(pause))
            pause = min(2 * pause, most)
