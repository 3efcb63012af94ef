"""How a command reaches the data: through the running server, or, where none runs, with the store open itself.

A SQLite store belongs to one process. So a command asks the server first, and both ways do the same. Stores of several
processes are opened beside whoever else uses them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import click

from kikao.app import App
from kikao.channels.chat.message import legible
from kikao.cli.serving import give_up, keys_expected, standing_settings
from kikao.config import MEMORY, Settings, SettingsError
from kikao.control import Ask, CommandRefused, Commands, DoorLost, NoDoor, Visitor, digest
from kikao.events import Bus
from kikao.opening import make_store
from kikao.records import RecordsRefused
from kikao.sessions.keeper import Sessions
from kikao.sessions.operating import Operator
from kikao.sessions.outbox_operating import OutboxOperator
from kikao.sessions.sealing import KeyRing, SealError
from kikao.sessions.store import CommitUnknown, StoreRefused, StoreUnavailable

T = TypeVar("T")


class Nobody(Exception):
    """No server runs here, and there is no store that could be asked instead."""


def carry_out(work: Callable[[Ask], Coroutine[Any, Any, T]], app: App | None = None) -> T:
    """Do something with whoever carries out commands on the data of the settings.

    Exits with 2 and the reason when nobody can, with 1 and the reason when the command is refused. `app` is what the
    sessions belong to, where the user has named it.
    """
    try:
        return try_to_carry_out(work, app)
    except Nobody as error:
        give_up(str(error))


def try_to_carry_out(work: Callable[[Ask], Coroutine[Any, Any, T]], app: App | None = None) -> T:
    """`carry_out`, for work that can be done without. Raises `Nobody`."""
    settings = standing_settings()

    async def with_somebody() -> T:
        async with reach(settings, app) as ask:
            return await work(ask)

    try:
        return asyncio.run(with_somebody())
    except (CommandRefused, StoreUnavailable, CommitUnknown, SealError, DoorLost) as error:
        refuse(str(error))
    except (SettingsError, StoreRefused, RecordsRefused, NoDoor) as error:
        give_up(str(error))


@contextlib.asynccontextmanager
async def reach(settings: Settings, app: App | None = None) -> AsyncIterator[Ask]:
    """The running server, or this process with the store open. Raises `Nobody`, `StoreRefused`, `NoDoor`.

    Of a store that keeps critical effects in the records it raises `RecordsRefused`, too.
    """
    where = digest(settings.store, settings.records)
    visitor = Visitor(settings.data, where)
    if settings.data.is_dir() and await asyncio.to_thread(visitor.finds_somebody):
        yield visitor
        return
    _expect_a_store(settings)
    keys_expected(settings)
    policies = None if app is None else app.policies
    sessions = Sessions(make_store(settings), KeyRing.of(settings), policies)
    try:
        await sessions.open()
    except StoreRefused as error:
        raise StoreRefused(
            f"{error}\nNo server listens in {settings.data}; a running one would carry out this command."
        ) from error
    try:
        commands = Commands()
        Operator(sessions, Bus(), flow=None if app is None else app.engine.entry).offer(commands)
        OutboxOperator(sessions, legible).offer(commands)
        yield commands
    finally:
        await sessions.close()


def refuse(reason: str) -> NoReturn:
    """End a command that was not carried out."""
    click.secho(f"kikao: {reason}", fg="red", err=True)
    raise SystemExit(1)


def _expect_a_store(settings: Settings) -> None:
    """Raises `Nobody` where there is no store: asking makes none, nor one that its server could not open."""
    if settings.store == MEMORY:
        raise Nobody(f"no server listens in {settings.data}, and sessions in memory are its own")
    if settings.store.is_shared:
        return
    path = settings.store_path
    if not path.exists():
        raise Nobody(
            f"there are no sessions yet: {path} does not exist, and no server listens in {settings.data}"
        )
    if (owner := path.stat().st_uid) != os.geteuid():
        raise Nobody(f"{path} belongs to another user. Run this as that user: sudo -u '#{owner}' kikao ...")
