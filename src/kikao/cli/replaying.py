"""What `kikao replay` does, and the summary that `kikao run --reload` prints."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from kikao.app import App
from kikao.checking.replaying import Replayer
from kikao.checking.replaying_cases import Found, Idle, Sealed, served, stored
from kikao.checking.replaying_records import NoRecording, Recorder, recorded, writing
from kikao.checking.replaying_report import Allowed, Report, passes
from kikao.cli.importing import imported
from kikao.cli.serving import give_up, keys_expected, load_settings
from kikao.config import MEMORY, Settings
from kikao.opening import make_store
from kikao.records import RecordsRefused
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import StoreRefused, StoreUnavailable


def replay(
    target: str,
    *,
    record: Path | None,
    source: Path | None,
    limit: int | None,
    examples: int,
    as_json: bool,
    allowed: dict[str, Allowed],
) -> None:
    """Replay, print what was found, and exit with 0 or 1; with 2 and the reason when it cannot be done."""
    if record is not None and source is not None:
        give_up("--record writes what is in the store, and --from reads a file: choose one")
    app, settings = imported(target), load_settings()
    report = Report(examples=examples)
    try:
        with contextlib.ExitStack() as stack:
            if source is None:
                found: Iterator[Found] = stack.enter_context(
                    contextlib.closing(from_store(app, settings, limit))
                )
            else:
                found = recorded(source)
            into = None if record is None else stack.enter_context(writing(record))
            asyncio.run(replayed(app, settings, itertools.islice(found, limit), report, into=into))
    except (StoreRefused, NoRecording) as error:
        give_up(str(error))
    except OSError as error:
        give_up(f"{record or source}: {error.strerror}")
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


def from_store(app: App, settings: Settings, limit: int | None) -> Generator[Found]:
    """What is in the store of the settings, at most `limit`, or an exit that says why it cannot be read.

    Raises `StoreRefused`.
    """
    if settings.store == MEMORY:
        give_up(
            "sessions in memory are their server's own: nobody else can read them. Replay needs another store "
            "(KIKAO_STORE), or a recording (--from)."
        )
    ring = KeyRing.of(keys_expected(settings))
    now = dt.datetime.now(dt.UTC).timestamp()
    if not settings.store.is_shared:
        return stored(settings.store_path, ring, app.policies, now=now)
    try:
        found = asyncio.run(served(make_store(settings), ring, app.policies, now=now, limit=limit))
    except (StoreUnavailable, RecordsRefused) as error:
        raise StoreRefused(f"{settings.store} cannot be read: {error}") from error
    return (each for each in found)


async def replayed(
    app: App, settings: Settings, found: Iterator[Found], report: Report, *, into: BinaryIO | None = None
) -> None:
    """Replay all that was found, one after the other, and record it in `into`."""
    replayer = Replayer(app, release=settings.release, now=dt.datetime.now(dt.UTC))
    recorder = None if into is None else Recorder(app, replayer)
    if recorder is not None and into is not None:
        into.write(recorder.head())
    for each in found:
        report.sessions += 1
        if isinstance(each, Idle):
            report.idle += 1
            continue
        if isinstance(each, Sealed):
            report.sealed[each.problem] = report.sealed.get(each.problem, 0) + 1
            continue
        if recorder is not None and into is not None:
            line, outcomes = await recorder.line(each)
            into.write(line)
        else:
            outcomes = await replayer.outcomes(each.conversation, each.member, unsure=each.unsure)
        for outcome in outcomes:
            report.add(outcome, each.name)
    if recorder is not None:
        click.echo(
            f"recorded; {recorder.unsure:,} depend on answers, which were left out, and will be unknown",
            err=True,
        )
