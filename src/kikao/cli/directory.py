"""What `kikao members` does: reads the directory of the settings, and erases through whoever has the sessions open."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeVar

import click

from kikao.app import App
from kikao.cli.serving import give_up, load_app, standing_settings
from kikao.config import Settings, SettingsError
from kikao.control import Ask, CommandRefused, DoorLost, NoDoor, Visitor, digest
from kikao.members import MemberAddress, UnknownMember, parse_who
from kikao.members.directory import Directory
from kikao.members.known import Profile, Reached
from kikao.members.operating import ERASE, Erasing
from kikao.notices.inbox import Inbox
from kikao.opening import directory as opened
from kikao.records import Records, RecordsAway, RecordsRefused
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import StoreRefused

T = TypeVar("T")


def show(who: str, *, clear: bool) -> None:
    """Print a member."""
    _check(who)
    settings = _settings()

    click.echo("\n".join(lines(_run(who, _shown(settings, who)), clear=clear)))


def export(who: str) -> None:
    """Write a member to standard output as JSON."""
    _check(who)
    settings = _settings()

    async def work() -> dict[str, Any]:
        async with _directory(settings) as directory:
            found = await directory.export((await directory.show(who)).id)
        users = [one["identity"] for one in found.get("addresses", ()) if one["kind"] == "user"]
        inboxes = await _inboxes(settings, users) if users else []
        return {**found, "inboxes": inboxes} if inboxes else found

    json.dump(_run(who, work()), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def erase(target: str, who: str, *, ask: bool) -> None:
    """Erase a member, after showing who it is: in the running server, or, where none runs, in this process."""
    _check(who)
    app, settings = load_app(target), _settings()
    if not app.members:
        give_up(f"{target} has no directory of members")
    profile = _run(who, _shown(settings, who))
    click.echo("\n".join(lines(profile, clear=False)))
    if profile.erased_at is not None:
        return
    if app.erase is None:
        click.echo("The app has no erase=: what its services keep of these numbers stays.", err=True)
    if ask:
        click.confirm("Erase this member for good?", abort=True, err=True)
    _run(who, _erase(app, settings, profile.id))
    click.echo("Erased. The member's ids stay, and nothing else.")


async def _shown(settings: Settings, who: str) -> Profile:
    async with _directory(settings) as directory:
        return await directory.show(who)


async def _erase(app: App, settings: Settings, member_id: str) -> None:
    visitor = Visitor(settings.data, digest(settings.store, settings.records))
    if await asyncio.to_thread(visitor.finds_somebody):
        await _ask(visitor, member_id)
        return
    async with app.serving(settings, background=False, door=False) as server:
        await _ask(server.commands, member_id)


async def _ask(somebody: Ask, member_id: str) -> None:
    async for _ in somebody.ask(ERASE, Erasing(member_id)):
        pass


def _directory(settings: Settings) -> AbstractAsyncContextManager[Directory]:
    return opened(settings, KeyRing.of(settings), time.time)


async def _inboxes(settings: Settings, users: list[str]) -> list[dict[str, Any]]:
    """What users were told."""
    records = Records(settings.records)
    try:
        inbox = Inbox(records, KeyRing.of(settings))
        if not await inbox.is_there():
            return []
        return [found for user in users if (found := await inbox.export(user)) is not None]
    finally:
        await records.close()


def _settings() -> Settings:
    """The settings, if there are records already: asking does not make any."""
    settings = standing_settings()
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
    except (
        CommandRefused,
        DoorLost,
        NoDoor,
        SettingsError,
        StoreRefused,
        RecordsRefused,
        RecordsAway,
    ) as error:
        give_up(str(error))


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
    yield from _listed("reach", [_reached(one, written(one.address)) for one in profile.reached])
    yield from _listed(
        "pending",
        [f"{one.wish} {written(one.address)}  since {_moment(one.wished_at)}" for one in profile.pending],
    )


def _reached(one: Reached, written: str) -> str:
    """How an address stands on a line: `telegram:****01  telegram/bot-api  blocked (forbidden) since …`."""
    reach = one.reach
    shut = f"{_because(reach.reason)} since {_moment(reach.since)}" if reach.standing != "open" else ""
    stands = [f"{reach.standing}{shut}"]
    if reach.refuses_marketing:
        stands.append(f"no marketing{_because(reach.refused.reason)} since {_moment(reach.refused.at)}")
    elif reach.paused.at > time.time():
        stands.append(f"no marketing{_because(reach.paused.reason)} until {_moment(reach.paused.at)}")
    if reach.heard_at:
        stands.append(f"wrote {_moment(reach.heard_at)}")
    return f"{written}  {one.line}  {', '.join(stands)}"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _listed(name: str, values: tuple[str, ...] | list[str]) -> Iterator[str]:
    for value in values:
        yield f"{name:<10} {value}"
        name = ""


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
