"""What `kikao members` does: reads the directory of the settings, and erases with the app and its sessions open."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from kikao.app import App, Server
from kikao.app import directory as opened
from kikao.cli.serving import give_up, load_app, load_settings
from kikao.config import Settings, SettingsError
from kikao.conversation.errors import RefusedError
from kikao.members import MemberAddress, UnknownMember, parse_who
from kikao.members.directory import Directory
from kikao.members.ending import EffectOpen, end_sessions
from kikao.members.known import Profile
from kikao.records import CommitUnknown, RecordsAway, RecordsRefused
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import StoreRefused, StoreUnavailable

T = TypeVar("T")


def show(who: str, *, clear: bool) -> None:
    """Print a member."""
    _check(who)
    settings = _settings()

    async def work() -> Profile:
        async with _directory(settings) as directory:
            return await directory.show(who)

    click.echo("\n".join(lines(_run(who, work()), clear=clear)))


def export(who: str) -> None:
    """Write a member to standard output as JSON."""
    _check(who)
    settings = _settings()

    async def work() -> dict[str, Any]:
        async with _directory(settings) as directory:
            return await directory.export((await directory.show(who)).id)

    json.dump(_run(who, work()), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def erase(target: str, who: str, *, ask: bool) -> None:
    """Erase a member, after showing who it is."""
    _check(who)
    app, settings = load_app(target), _settings()
    if not app.members:
        give_up(f"{target} has no directory of members")
    _run(who, _erase(app, settings, who, ask=ask))


async def _erase(app: App, settings: Settings, who: str, *, ask: bool) -> None:
    async with app.serving(settings, background=False) as server:
        directory = server.members
        assert directory is not None
        profile = await directory.show(who)
        click.echo("\n".join(lines(profile, clear=False)))
        if profile.erased_at is not None:
            return
        if app.erase is None:
            click.echo("The app has no erase=: what its services keep of these numbers stays.", err=True)
        if ask:
            click.confirm("Erase this member for good?", abort=True, err=True)
        forget = partial(_forget, app, server)
        try:
            await directory.erase(
                profile.id, forget=forget, end_sessions=partial(end_sessions, server.sessions)
            )
        except RefusedError as error:
            reason = app.catalogs.translate(app.catalogs.default)(error.text)
            give_up(f"the app refuses, and nothing was erased: {reason}")
    click.echo("Erased. The member's ids stay, and nothing else.")


async def _forget(app: App, server: Server, msisdns: tuple[str, ...]) -> None:
    if app.erase is not None:
        await app.erase(server.services, msisdns)


def _directory(settings: Settings) -> AbstractAsyncContextManager[Directory]:
    return opened(settings, KeyRing(settings.secret_keys), time.time)


def _settings() -> Settings:
    """The settings, if there are records already: asking does not make any."""
    settings = load_settings()
    if "://" not in settings.records and not Path(settings.records).exists():
        give_up(f"there are no members yet: {settings.records} does not exist")
    return settings


def _check(who: str) -> None:
    """Exit with what WHO may be, if it is nothing of it."""
    try:
        parse_who(who)
    except ValueError as error:
        give_up(str(error))


def _run(who: str, work: Coroutine[Any, Any, T]) -> T:
    """The result, or an exit that says in plain words what stands in the way."""
    try:
        return asyncio.run(work)
    except UnknownMember:
        named = parse_who(who)
        give_up(f"there is no member {named.masked if isinstance(named, MemberAddress) else named}")
    except StoreRefused as error:
        give_up(f"{error}\nIf a server is running on this data, stop it first.")
    except (SettingsError, RecordsRefused, RecordsAway, StoreUnavailable, EffectOpen) as error:
        give_up(str(error))
    except CommitUnknown as error:
        give_up(f"{error}. It is safe to do it again.")


# --- showing ---


def lines(profile: Profile, *, clear: bool) -> Iterator[str]:
    """A member in lines of two columns; addresses masked unless `clear`."""

    def written(address: MemberAddress) -> str:
        return address.clear if clear else address.masked

    yield from _listed("member", [profile.id])
    yield from _listed("alias", profile.aliases)
    yield from _listed("met", [_moment(profile.created_at)])
    if profile.erased_at is not None:
        yield from _listed("erased", [_moment(profile.erased_at)])
        return
    zone = profile.timezone or (
        f"{profile.numbers_timezone} (of the number)" if profile.numbers_timezone else "unknown"
    )
    yield from _listed("language", [profile.locale or "not chosen"])
    yield from _listed("time zone", [zone])
    yield from _listed(
        "address",
        [f"{written(one.address)}  since {_moment(one.linked_at)}" for one in profile.addresses],
    )
    yield from _listed(
        "pending",
        [f"{one.wish} {written(one.address)}  since {_moment(one.wished_at)}" for one in profile.pending],
    )


def _listed(name: str, values: tuple[str, ...] | list[str]) -> Iterator[str]:
    for value in values:
        yield f"{name:<10} {value}"
        name = ""


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
