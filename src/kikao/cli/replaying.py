"""What `kikao replay` does, and the summary that `kikao run --reload` prints."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import sys
from collections.abc import Generator, Iterator

import click
import msgspec

from kikao.app import App
from kikao.checking.replaying import Replayer
from kikao.checking.replaying_cases import Case, Found, Idle, Sealed, stored
from kikao.checking.replaying_report import Allowed, Report, passes
from kikao.cli.serving import give_up, keys_expected, load_app, load_settings
from kikao.config import MEMORY, Settings
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import StoreRefused


def replay(
    target: str,
    *,
    limit: int | None,
    examples: int,
    as_json: bool,
    allowed: dict[str, Allowed],
) -> None:
    """Replay, print what was found, and exit with 0 or 1; with 2 and the reason when it cannot be done."""
    app, settings = load_app(target), load_settings()
    report = Report(examples=examples)
    try:
        with contextlib.closing(from_store(app, settings)) as found:
            asyncio.run(replayed(app, settings, itertools.islice(found, limit), report))
    except StoreRefused as error:
        give_up(str(error))
    if as_json:
        click.echo(msgspec.json.encode(report.plain()))
    else:
        click.echo("\n".join(report.lines()))
    sys.exit(0 if passes(report, **allowed) else 1)


def allowances(**texts: str) -> dict[str, Allowed]:
    """Thresholds, or an exit that says which is none."""
    found = {}
    for name, text in texts.items():
        try:
            found[name] = Allowed.of(text)
        except ValueError as error:
            give_up(f"--allow-{name}: {error}")
    return found


def from_store(app: App, settings: Settings) -> Generator[Found]:
    """What is in the store of the settings, or an exit that says why it cannot be read."""
    if settings.store == MEMORY:
        give_up(
            "sessions in memory are their server's own: nobody else can read them. Replay needs a SQLite store "
            "(KIKAO_STORE)."
        )
    ring = KeyRing(keys_expected(settings).secret_keys)
    return stored(settings.store_path, ring, app.policies, now=dt.datetime.now(dt.UTC).timestamp())


async def replayed(app: App, settings: Settings, found: Iterator[Found], report: Report) -> None:
    """Replay all that was found, one after the other."""
    replayer = Replayer(app, release=settings.release, now=dt.datetime.now(dt.UTC))
    for each in found:
        report.sessions += 1
        if isinstance(each, Idle):
            report.idle += 1
        elif isinstance(each, Sealed):
            report.sealed[each.problem] = report.sealed.get(each.problem, 0) + 1
        else:
            await _replay_one(replayer, each, report)


async def _replay_one(replayer: Replayer, case: Case, report: Report) -> None:
    for outcome in await replayer.outcomes(case.conversation, case.member):
        report.add(outcome, case.name)
