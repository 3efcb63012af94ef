"""One process of an app under `kikao run --reload`: loads it, says how that went, waits for its turn, and serves.

`python -m kikao.cli.reloaded TARGET SOCKET TELLS HEARS AGAIN`: numbers of the listening socket and of two pipes. On
`TELLS` goes one line of JSON, a `Loaded`; a line on `HEARS` means that the store is free. When `HEARS` closes, whoever
started this is gone, and so is this.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import sys
import threading
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click
import msgspec

from kikao.cli.parent import end_with_it
from kikao.cli.watching import Watched, from_app, of_process
from kikao.i18n import LIBRARY

LINGER: Final = 0.2
"""Seconds that connections which were accepted get to bring their request, when another process takes over."""

LOOKED_AT: Final = 2000
"""Sessions that are replayed after an edit, at most."""

SHOWN: Final = 5
"""Kinds of outcomes that are shown of them, at most."""


class Loaded(msgspec.Struct):
    """How loading went, and which files to watch."""

    ok: bool
    sources: list[str]
    catalogs: list[str]
    files: list[str]

    @property
    def watched(self) -> Watched:
        """The same as what can look."""
        return Watched(self.sources, self.catalogs, self.files)


def main(target: str, door: int, tells: int, hears: int, *, again: bool) -> None:
    """Load, tell, wait, serve."""
    from kikao.cli.served import of_app, serve_on
    from kikao.cli.serving import load_app, load_settings

    free = threading.Event()
    end_with_it(hears, told=free.set)
    folder = os.getcwd()
    try:
        app = load_app(target)
        settings = load_settings(makes_keys=True)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told, and the next edit may mend it
        if not isinstance(error, SystemExit):  # that has said why
            traceback.print_exception(type(error), error, from_app(error.__traceback__))
        _tell(tells, of_process(folder, error), ok=False)
        raise SystemExit(1) from None
    compile_catalogs(app.catalogs.directories)
    if again:
        _forecast(app, settings)
    _tell(tells, of_process(folder, catalogs=app.catalogs.directories), ok=True)
    free.wait()
    what = of_app(app, settings)
    with contextlib.closing(socket.socket(fileno=door)) as listening:

        def announced(url: str, ahead: float) -> None:
            if again:
                click.echo("kikao: the new code is answering")
            else:
                what.announced(url, ahead)

        serve_on(listening, what, announced, linger=LINGER)


def compile_catalogs(folders: Iterable[Path]) -> None:
    """Bring the compiled form of the app's catalogs up to date, so that an edit of a translation is seen."""
    from importlib.util import find_spec

    for path in (
        path for folder in folders if folder != LIBRARY for path in folder.glob("*/LC_MESSAGES/*.po")
    ):
        compiled_to = path.with_suffix(".mo")
        if compiled_to.exists() and compiled_to.stat().st_mtime_ns >= path.stat().st_mtime_ns:
            continue
        if find_spec("babel") is None:
            click.echo(
                f"kikao: {path} is newer than what is compiled of it. "
                "Beside a checkout of kikao: pip install './kikao[messages]'"
            )
            continue
        from kikao.checking.translations import Damaged
        from kikao.cli.messages.files import compiled, read, replace

        try:
            if replace(compiled_to, compiled(read(path))):
                click.echo(f"kikao: {path} compiled")
        except Damaged as damaged:
            wrong = damaged.finding
            click.echo(f"kikao: {wrong.file}:{wrong.line}: {wrong.message}")


def _forecast(app: object, settings: object) -> None:
    """Say what the edit means for conversations in flight. Whatever is wrong with that must not keep the code back."""
    import asyncio

    from kikao.app import App
    from kikao.checking.replaying_report import Report
    from kikao.cli.replaying import from_store, replayed
    from kikao.config import MEMORY, Settings
    from kikao.sessions.store import StoreRefused

    assert isinstance(app, App)
    assert isinstance(settings, Settings)
    if settings.store == MEMORY:
        click.echo("kikao: conversations end here: sessions are in memory (KIKAO_STORE)")
        return
    report = Report(examples=0)
    try:
        with contextlib.closing(from_store(app, settings, LOOKED_AT)) as found:
            asyncio.run(replayed(app, settings, itertools.islice(found, LOOKED_AT), report))
    except StoreRefused as error:
        click.echo(f"kikao: conversations in flight could not be looked at: {error}")
        return
    click.echo(f"kikao: conversations in flight: {report.summary()}")
    for line in report.lines_of(
        [group for group in report.groups() if group.outcome.verdict != "goes on"][:SHOWN]
    ):
        click.echo(f"  {line}")


def _tell(tells: int, watched: Watched, *, ok: bool) -> None:
    loaded = Loaded(ok, sorted(watched.sources), sorted(watched.catalogs), sorted(watched.files))
    with contextlib.suppress(BrokenPipeError):
        os.write(tells, msgspec.json.encode(loaded) + b"\n")
    os.close(tells)


if __name__ == "__main__":
    _target, *_numbers = sys.argv[1:]
    _door, _tells, _hears, _again = map(int, _numbers)
    sys.argv = [sys.argv[0]]
    main(_target, _door, _tells, _hears, again=bool(_again))
