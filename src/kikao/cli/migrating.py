"""What `kikao migrate` does. What was done goes to standard output, how far it is to standard error."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import click
from msgspec import structs

from kikao.app import App
from kikao.audit.trail import AuditTrail
from kikao.cli.serving import give_up, keys_expected, load_app, load_settings
from kikao.config import MEMORY, SecretKeys, Settings
from kikao.config.values import KEY_BYTES
from kikao.members.directory import Directory
from kikao.notices.inbox import Inbox
from kikao.opening import file_store, make_store
from kikao.records import CommitUnknown, Migrated, NotYet, Records, RecordsAway, RecordsRefused, upgrading
from kikao.sessions.keys import StoreKeys, moment, needs, settle
from kikao.sessions.rekeying import rekey as rekey_sessions
from kikao.sessions.resealing import reseal as reseal_sessions
from kikao.sessions.sealing import KeyRing, SealError
from kikao.sessions.store import CommitUnknown as StoreUnknown
from kikao.sessions.store import SessionStore, StoreRefused, StoreUnavailable


@runtime_checkable
class Reconciled(Protocol):
    """A store that may have forgotten what its ledger knows."""

    async def reconcile(self, now: float) -> int: ...


Progress = Callable[[int, int], None]

ALONE: Final = 5.0
"""Seconds for which this command counts as one that is at work."""

AGAIN: Final = "Do it again: it goes on where it stopped."


def migrate(target: str | None, *, reseal: bool, rekey: bool) -> None:
    """Bring everything up to date. Exits with 2 and the reason when it cannot."""
    app = None if target is None else load_app(target)
    settings = _settings(makes_tables=not (reseal or rekey), target=target)
    try:
        asyncio.run(_Migration(settings, app).run(reseal=reseal, rekey=rekey))
    except (StoreRefused, RecordsRefused) as error:
        give_up(str(error))
    except (StoreUnavailable, StoreUnknown, RecordsAway, CommitUnknown) as error:
        give_up(f"{error} {AGAIN}")
    except SealError as error:
        give_up(f"{error}. Set KIKAO_SECRET_KEYS to the keys that belong to this data. {AGAIN}")


def look(target: str | None) -> None:
    """Say what `migrate` would upgrade; exits with 1 when there is something, with 2 when it cannot tell."""
    app = None if target is None else load_app(target)
    settings = load_settings()
    if not settings.secret_keys:  # nobody ran it here yet: looking needs none, and what it has opens nothing
        settings = structs.replace(settings, secret_keys=SecretKeys({"none": os.urandom(KEY_BYTES)}))
    try:
        to_do = asyncio.run(_Migration(settings, app).look())
    except (StoreRefused, RecordsRefused, StoreUnavailable, RecordsAway) as error:
        give_up(str(error))
    if to_do:
        click.echo("Make a backup, then do it without --check.")
        sys.exit(1)


def _settings(*, makes_tables: bool, target: str | None) -> Settings:
    """The settings; in development with keys made now where this may be what comes first, before any server."""
    settings = load_settings()
    first = makes_tables and (target or settings.store.is_shared or settings.records.is_shared)
    if settings.secret_keys or not first:
        return keys_expected(settings)
    return load_settings(makes_keys=True)


class _Migration:
    """One run of the command."""

    def __init__(self, settings: Settings, app: App | None) -> None:
        self.settings = settings
        self.app = app
        self.ring = KeyRing.of(settings)
        self._looked_up_with: set[str] = set()
        """Ids of the keys that sessions and members are looked up with."""

    async def run(self, *, reseal: bool, rekey: bool) -> None:
        """Tables, then look-ups, then seals. The store stays open, so that no server starts meanwhile."""
        async with self._store() as store:
            keys = None
            if store is not None:
                if rekey:
                    await self._refuse_company(store)
                keys = await settle(store, self.ring, time.time(), moving=rekey)
            await self._upgrade(rekey=rekey)
            await self._live()
            if rekey:
                keys = await self._rekey(store)
            if reseal:
                await self._reseal(store)
                await self._overview(store, keys)

    async def _refuse_company(self, store: SessionStore) -> None:
        """Raises `StoreRefused` while servers are at work, on whatever machine: they look up with the key before."""
        worker = f"migrate-{os.urandom(8).hex()}"
        share = await store.share(worker, now=time.time(), lease=ALONE)
        await store.leave(worker)
        if share.workers > 1:
            raise StoreRefused(
                f"{self.settings.store}: other processes are at work on it ({share.workers - 1}). Stop all servers, on "
                "every machine; one that was killed counts for a few seconds more."
            )

    async def look(self) -> bool:
        """Say how everything stands; whether there is something to upgrade."""
        where, behind = self.settings.store, False
        if where.kind == "postgresql":
            from kikao.sessions.stores.postgresql import VERSION, version

            found = await version(where)
            behind = found < VERSION
            click.echo(f"sessions: {where} {f'lacks version {VERSION}' if behind else 'is up to date'}")
        elif where.kind == "sqlite" and _is_there(where):
            click.echo(f"sessions: {where} is upgraded by the server that starts on it")
        if self._has_live_tables:
            from kikao.live.stores.postgresql import migrations as live

            lacks = await live.version(self.settings.bus) < live.VERSION
            behind = behind or lacks
            what = f"lacks version {live.VERSION}" if lacks else "is up to date"
            click.echo(f"live sessions: {self.settings.bus} {what}")
        heard: list[Migrated] = []
        with upgrading(heard.append, only_looks=True):
            for tables in (self._services, self._tables_of_members, self._trail, self._inboxes, self._ledger):
                with contextlib.suppress(NotYet):
                    await tables()
        for each in heard:
            what = "lacks" if each.upgraded else "at"
            click.echo(f"records: {each.where}: {each.version_table} {what} {each.revision}")
        return behind or any(each.upgraded for each in heard)

    @contextlib.asynccontextmanager
    async def _store(self) -> AsyncIterator[SessionStore | None]:
        """The session store, if there is one; opening it brings it up to date."""
        where = self.settings.store
        if where == MEMORY or not _is_there(where):
            click.echo(f"sessions: nothing is stored in {where}")
            yield None
            return
        stands = "is up to date"
        if where.kind == "postgresql":
            from kikao.sessions.stores.postgresql import migrate

            before, now = await migrate(where)
            if now > before:
                stands = f"upgraded from version {before} to {now}" if before else f"made, version {now}"
        store = make_store(self.settings)
        with upgrading(_say):  # a ledger of the store's lies in the records
            await store.open()
        try:
            click.echo(f"sessions: {where} {stands}")
            yield store
        finally:
            await store.close()

    async def _upgrade(self, *, rekey: bool) -> None:
        with upgrading(_say):
            await self._services()
            if (
                not rekey
            ):  # half-way to another look-up key the directory does not start: `rekey` brings it up to date
                await self._members()
            await self._trail()
            await self._inboxes()

    @property
    def _has_live_tables(self) -> bool:
        """Whether live sessions of the app are in a database: whose user at work may not be one who makes tables."""
        return self.app is not None and self.app.live is not None and self.settings.bus.kind == "postgresql"

    async def _live(self) -> None:
        if self._has_live_tables:
            from kikao.live.stores.postgresql import migrations as live

            before, now = await live.migrate(self.settings.bus)
            stands = f"upgraded from version {before} to {now}" if before else f"made, version {now}"
            click.echo(f"live sessions: {self.settings.bus} {stands if now > before else 'is up to date'}")

    async def _services(self) -> None:
        if self.app is not None:
            async with self.app.services(self.settings):
                pass

    async def _members(self) -> None:
        async with self._directory() as directory:
            if directory is not None:
                await directory.start()

    async def _tables_of_members(self) -> None:
        async with self._directory() as directory:
            if directory is not None:
                await directory.tables()

    async def _trail(self) -> None:
        if self.settings.audit_days and _is_there(self.settings.records):
            records = Records(self.settings.records)
            try:
                await AuditTrail(records).start()
            finally:
                await records.close()

    async def _inboxes(self) -> None:
        async with self._inbox() as inbox:
            if inbox is not None:
                await inbox.tables()

    async def _ledger(self) -> None:
        """Of a session store that keeps critical effects in the records; opening the store does the same."""
        if self.settings.store.kind == "redis":
            from kikao.sessions.ledger import Ledger

            ledger = Ledger(Records(self.settings.records))
            try:
                await ledger.tables()
            finally:
                await ledger.close()

    async def _rekey(self, store: SessionStore | None) -> StoreKeys | None:
        keys = None
        if isinstance(store, Reconciled):
            await store.reconcile(time.time())
        if store is not None:
            keys = await rekey_sessions(store, self.ring, time.time(), _progress("sessions moved"))
            click.echo(f"sessions: looked up with {keys.lookup.kid}")
            for key in keys.former:
                click.echo(
                    f"sessions: keep {key.kid} in KIKAO_SECRET_KEYS until {moment(key.until)}, because what members "
                    "sent before may come again until then"
                )
        with upgrading(_say):
            async with self._directory() as directory:
                if directory is not None:
                    await directory.rekey(self.ring, _progress("addresses moved"))
                    click.echo(f"members: looked up with {self.ring.active}")
        async with self._inbox() as inbox:
            if inbox is not None:
                await inbox.rekey(self.ring, _progress("inboxes moved"))
                click.echo(f"inboxes: looked up with {self.ring.active}")
        return keys

    async def _reseal(self, store: SessionStore | None) -> None:
        if store is not None:
            total = 0
            async for _ in store.scan():
                total += 1
            heard = _progress("sessions looked through")
            done = await reseal_sessions(
                store, self.ring, time.time(), progress=lambda looked: heard(looked, total)
            )
            click.echo(f"sessions: {done.sealed:,} sealed anew with {self.ring.active}")
            if done.messages:
                click.echo(f"messages to send: {done.messages:,} sealed anew with {self.ring.active}")
            if done.unreadable:
                click.echo(
                    f"sessions: {done.unreadable:,} do not open with their own key, and were left as they are"
                )
        async with self._directory() as directory:
            if directory is not None:
                await directory.start()
                await directory.reseal(_progress("keys of members sealed anew"))
                self._looked_up_with.add(directory.lookup_kid)
                await directory.close()
                click.echo(f"members: sealed with {self.ring.active}")
        async with self._inbox() as inbox:
            if inbox is not None:
                await inbox.start()
                await inbox.reseal(_progress("keys of inboxes sealed anew"))
                self._looked_up_with |= await inbox.lookup_kids()
                click.echo(f"inboxes: sealed with {self.ring.active}")
        done_files = await (await file_store(self.settings, self.ring, time.time)).reseal()
        if done_files.sealed:
            click.echo(f"files: {done_files.sealed:,} sealed anew with {self.ring.active}")
        if done_files.unreadable:
            click.echo(f"files: {done_files.unreadable:,} do not open, and were left as they are")

    async def _overview(self, store: SessionStore | None, keys: StoreKeys | None) -> None:
        """Which keys may go."""
        needed = {} if store is None else await needs(store, time.time())
        former = {} if keys is None else {key.kid: key.until for key in keys.former}
        looked_up_with = self._looked_up_with | (set() if keys is None else {keys.lookup.kid})
        for kid in self.ring.kids[1:]:
            if kid in looked_up_with:
                why = "needed to look up with, see --rekey"
            elif kid in needed:
                why = f"needed to open {needed[kid]}"
            elif kid in former:
                why = f"needed until {moment(former[kid])}"
            else:
                why = "needed by nothing of kikao; whether your services need it, they tell"
            click.echo(f"key {kid}: {why}")

    @contextlib.asynccontextmanager
    async def _directory(self) -> AsyncIterator[Directory | None]:
        """The directory of members, not started; None where the app has none, or nothing is stored yet."""
        where = self.settings.records
        if (self.app is not None and not self.app.members) or not _is_there(where):
            yield None
            return
        records = Records(where)
        try:
            yield Directory(records, self.ring)
        finally:
            await records.close()

    @contextlib.asynccontextmanager
    async def _inbox(self) -> AsyncIterator[Inbox | None]:
        """The inbox of users, not started; None where the app has none, and nothing of one is stored."""
        where = self.settings.records
        if not _is_there(where):
            yield None
            return
        records = Records(where)
        try:
            inbox = Inbox(records, self.ring)
            wanted = self.app is not None and self.app.notifications is not None
            yield inbox if wanted or await inbox.is_there() else None
        finally:
            await records.close()


def _is_there(where: str) -> bool:
    """Whether there is a file; a database elsewhere always is."""
    return "://" in where or Path(where).exists()


def _say(migrated: Migrated) -> None:
    what = "upgraded to" if migrated.upgraded else "at"
    click.echo(f"records: {migrated.where}: {migrated.version_table} {what} {migrated.revision}")


def _progress(what: str) -> Progress:
    """Says how far it is, each time another hundredth is done."""
    said = -1

    def heard(done: int, total: int) -> None:
        nonlocal said
        hundredths = 100 if total == 0 else done * 100 // total
        if hundredths != said:
            said = hundredths
            click.echo(f"{what}: {done:,} of {total:,}", err=True)

    return heard
