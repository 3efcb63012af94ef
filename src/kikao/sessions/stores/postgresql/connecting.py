"""A PostgreSQL server by its URL: how to connect, and what may be wrong with it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from kikao.config.urls import shown
from kikao.records.careless import ASKING, risks
from kikao.records.parameters import amiss
from kikao.sessions.store import StoreRefused
from kikao.sessions.stores.postgresql.troubles import why

if TYPE_CHECKING:
    from types import ModuleType

CONNECT_SECONDS: Final = 3.0

PIP: Final = "pip install './kikao[postgresql]'"


class Server:
    """`url` as in `postgresql://user:password@host:5432/name?sslmode=verify-full`. Where several hosts stand there, the
    one is taken that can be written to. Raises `StoreRefused` where asyncpg is not installed.
    """

    def __init__(self, url: str) -> None:
        # The text itself, also where it is one that shows itself without the password.
        self._url = url[:]
        self.name = shown(self._url)
        """Without the password."""
        self._asyncpg = _load()
        self.errors: tuple[type[Exception], ...] = (
            self._asyncpg.PostgresError,
            self._asyncpg.InterfaceError,
            OSError,
            TimeoutError,
            ValueError,
        )
        """What asyncpg raises, also for a URL that makes no sense."""
        self._asked = set(parse_qs(urlsplit(self._url).query))

    async def connect(self, *, patience: float | None) -> Any:
        """A connection; the server gives up on a statement after `patience` seconds. Raises what asyncpg raises."""
        settings = {"application_name": "kikao"}
        if patience is not None:
            limit = str(int(patience * 1000))
            settings |= {"statement_timeout": limit, "lock_timeout": limit}
        return await self._asyncpg.connect(
            self._url,
            timeout=CONNECT_SECONDS,
            server_settings={name: value for name, value in settings.items() if name not in self._asked},
            target_session_attrs=None if "target_session_attrs" in self._asked else "read-write",
        )

    async def connect_once(self, *, patience: float | None) -> Any:
        """The same for somebody who gives up when it fails. Raises `StoreRefused`."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await self.connect(patience=patience)
        except self.errors as error:
            raise self.refused(error) from None

    def refused(self, error: BaseException) -> StoreRefused:
        """What is said when a server cannot be reached at start."""
        code = getattr(error, "sqlstate", None)
        advice = {
            "28P01": "The user or the password is wrong",
            "28000": "The server lets nobody in like this",
            "3D000": "Create the database",
            "42704": "The server does not know a parameter of the URL",
        }.get(code or "", "Check that it runs and that the URL is right")
        reason = (amiss(self._url) if code is None else "") or why(error)
        return StoreRefused(f"{self.name} cannot be reached ({reason}). {advice}.")


async def careless(connection: Any) -> list[str]:
    """What the server's settings put at risk, each in a sentence."""
    return risks(list(await connection.fetchrow(ASKING)))


def _load() -> ModuleType:
    try:
        import asyncpg
    except ImportError:
        raise StoreRefused(
            f"KIKAO_STORE: postgresql needs asyncpg, which is not installed. Run beside a checkout of kikao: {PIP}"
        ) from None
    module: ModuleType = asyncpg
    return module
