"""What the settings name, opened or refused: the session store, the records with members and audit, the bus."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import AsyncIterator, Callable, Collection
from typing import TYPE_CHECKING, Final, cast

from kikao.bus import BusRefused, Fanout, make_fanout
from kikao.channels.edge import ussd_guard
from kikao.channels.media.errors import FilesRefused
from kikao.channels.media.store import FileStore
from kikao.channels.ussd.registry import SLUGS
from kikao.config import MEMORY, Settings, SettingsError
from kikao.config.served import deserted
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import SessionStore, StoreRefused
from kikao.turn import BUDGET

if TYPE_CHECKING:
    from kikao.audit.relay import AuditRelay
    from kikao.channels.socket.tokens import Tokens
    from kikao.events import Publish
    from kikao.live.endpoint import Endpoint
    from kikao.live.hub import Hub
    from kikao.live.live import Live
    from kikao.members.directory import Directory
    from kikao.sessions.keeper import Sessions

RECORDS_SHARE: Final = 0.5
"""Share of a reply's budget that the records get to say who somebody is: what is left is for the turn itself."""


def bus_of(settings: Settings) -> Fanout:
    """The bus that `KIKAO_BUS` names. Raises `SettingsError` when its client is not installed."""
    try:
        return make_fanout(settings.bus)
    except BusRefused as error:
        raise SettingsError([str(error)]) from error


@contextlib.asynccontextmanager
async def directory(
    settings: Settings, ring: KeyRing, clock: Callable[[], float], *, budget: float = BUDGET
) -> AsyncIterator[Directory]:
    """The members directory in `KIKAO_RECORDS`, as patient as replies in this budget allow. Raises `RecordsRefused`."""
    from kikao.members.directory import Directory
    from kikao.records import Records

    records = Records(settings.records, strict=settings.env == "production")
    try:
        found = Directory(records, ring, clock=clock, patience=budget * RECORDS_SHARE)
        await found.start()
        yield found
        await found.close()
    finally:
        await records.close()


@contextlib.asynccontextmanager
async def audit(settings: Settings, clock: Callable[[], float]) -> AsyncIterator[AuditRelay]:
    """What fills the audit trail in `KIKAO_RECORDS`. Raises `RecordsRefused`."""
    from kikao.audit.relay import AuditRelay
    from kikao.audit.trail import AuditTrail
    from kikao.records import Records

    records = Records(settings.records, connections=2, strict=settings.env == "production")
    try:
        trail = AuditTrail(records)
        await trail.start()
        yield AuditRelay(trail, days=settings.audit_days, clock=clock)
    finally:
        await records.close()


async def file_store(settings: Settings, ring: KeyRing, clock: Callable[[], float]) -> FileStore:
    """The files in `KIKAO_MEDIA`. Raises `SettingsError` where the secret keys do not open them."""
    media = settings.media
    files = FileStore(settings.media_folder, ring, days=media.days, most=media.most, clock=clock)
    try:
        await files.check()
    except FilesRefused as error:
        raise SettingsError([str(error)]) from error
    return files


def make_store(settings: Settings) -> SessionStore:
    """The session store that `KIKAO_STORE` names. Raises `StoreRefused` when what it needs is not installed.

    One that a failover may make forget has its critical effects in the records as well. Raises `RecordsRefused`.
    """
    where = settings.store
    if where.kind == "memory":
        from kikao.sessions.stores.memory import MemoryStore

        return MemoryStore()
    if where.kind == "sqlite":
        from kikao.sessions.stores.sqlite import SQLiteStore

        return SQLiteStore(settings.store_path)
    if where.kind == "postgresql":
        from kikao.sessions.stores.postgresql import PostgreSQLStore

        return PostgreSQLStore(where, strict=settings.env == "production")
    from kikao.sessions.ledger import ledgered

    strict = settings.env == "production"
    redis = _shared_store("redis", "RedisStore")(where, strict=strict)
    return ledgered(redis, settings.records, KeyRing.of(settings), strict=strict)


def _shared_store(name: str, store: str) -> Callable[..., SessionStore]:
    """A store of several processes; its client is an extra of kikao."""
    try:
        found = getattr(importlib.import_module(f"kikao.sessions.stores.{name}"), store)
    except ModuleNotFoundError as error:
        raise StoreRefused(
            f"KIKAO_STORE: {name} needs {error.name}, which is not installed. "
            f"Run beside a checkout of kikao: pip install './kikao[{name}]'"
        ) from error
    return cast(Callable[..., SessionStore], found)


def live_sessions(
    live: Live,
    settings: Settings,
    bus: Fanout,
    publish: Publish,
    members: Directory | None,
    sessions: Sessions,
    minted: Tokens | None = None,
) -> tuple[Hub, Endpoint]:
    """What runs an app's live channels, and where its sockets come in; see `make_hub`. Raises `SettingsError`."""
    from kikao.live.endpoint import Endpoint
    from kikao.live.making import make_hub

    hub = make_hub(live, settings, bus, publish, members, sessions, minted=minted)
    own = ("self",) if settings.live.same_host else ()
    seal = None if settings.bus == MEMORY else lambda: sessions.ring
    return hub, Endpoint(hub, (*settings.live.origins, *own), seal)


def refusals(*checks: Callable[[], None]) -> list[str]:
    """What is wrong by any of these, each of which raises `SettingsError`: in their order, and all of it."""
    problems: list[str] = []
    for check in checks:
        try:
            check()
        except SettingsError as error:
            problems += error.problems
    return problems


def refuse_deserted(settings: Settings, *, live: bool = False) -> None:
    """Raises `SettingsError` in production when nobody could reach the app: no gateway open, no chat, no SMS, and no
    `live` channels."""
    if live or settings.whatsapp or settings.telegram or settings.sms:
        return
    if settings.env == "production" and all(ussd_guard(settings, slug).closed for slug in SLUGS):
        raise SettingsError([deserted(SLUGS)])


def refuse_simulated(settings: Settings) -> None:
    """Raises `SettingsError` in production when the simulator is on: whoever gets there could act as any member."""
    if settings.env == "production" and settings.simulator != "off":
        raise SettingsError(["KIKAO_SIMULATOR: production has no simulator. Set it to off, or remove it."])


def refuse_readable(settings: Settings, channels: Collection[str]) -> None:
    """Raises `SettingsError` in production where members would write a PIN into SMS, which phones and networks keep.

    `channels` are what the app is meant for: one that only sends SMS asks nobody for anything there.
    """
    if settings.env != "production" or not settings.sms or "sms" not in channels:
        return
    if not settings.public_url.startswith("https://"):
        raise SettingsError(
            [
                "KIKAO_PUBLIC_URL: the app is meant for SMS, where what is secret is entered on a page that a link "
                "leads to, which has to be https. Set for example: KIKAO_PUBLIC_URL=https://chat.example.com"
            ]
        )


def refuse_untokened(settings: Settings, live: bool, *, serves: bool = True) -> None:
    """Raises `SettingsError` where an app with live sessions could let nobody in, or would let in anybody's page.

    In production those are keys for tokens and, for who `serves`, origins; everywhere, what `kikao[live]` installs.
    """
    if not live:
        return
    production = settings.env == "production"
    needed = {"PyJWT": "jwt", "websockets": "websockets"} if serves else {"PyJWT": "jwt"}
    problems = [
        f"live sessions need {name}, which is not installed. Run beside a checkout of kikao: "
        "pip install './kikao[live]'"
        for name, module in needed.items()
        if importlib.util.find_spec(module) is None
    ]
    if production and not settings.jwt.keys:
        problems.append(
            "KIKAO_JWT_KEYS: missing, though the app has live sessions, which are opened with tokens; production makes "
            "no key of its own. Set for example: KIKAO_JWT_KEYS=k1:HS256:<the output of: openssl rand -base64 32>"
        )
    if production and serves and not settings.live.origins:
        problems.append(
            "KIKAO_LIVE_ORIGINS: missing, though the app has live sessions, which pages of your sites open. Name them, "
            "for example: KIKAO_LIVE_ORIGINS=https://app.example.com"
        )
    if problems:
        raise SettingsError(problems)
