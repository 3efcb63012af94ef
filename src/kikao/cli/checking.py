"""What `kikao check` does: import the app once, check it, and report."""

from __future__ import annotations

import contextlib
import sys
import traceback
from pathlib import Path

import click

from kikao.app import App
from kikao.checking.checks import check
from kikao.checking.exploring import Options
from kikao.checking.findings import Severity
from kikao.checking.outputs import FORMATS
from kikao.checking.places import shown
from kikao.checking.reading import is_own
from kikao.checking.report import LEVELS, counted
from kikao.cli.serving import GivenUp, give_up, load_app


def run(
    target: str,
    *,
    form: str,
    output: Path | None,
    fail_on: str,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    explore: bool,
    channels: tuple[str, ...],
) -> int:
    """Check `module:app` and write the report; returns the exit code. Exits with 2 where there is nothing to check."""
    with contextlib.redirect_stdout(sys.stderr):  # what the app prints is no part of the report
        app = imported(target)
        if channels:
            app.channels = channels
        report = check(app, target, exploring=Options() if explore else None, select=select, ignore=ignore)
    text = FORMATS[form](report)
    level = _level(fail_on)
    failing = len(report.at_least(level))
    if output is None:
        click.echo(text, nl=False)
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            give_up(f"--output: {output} cannot be written: {error.strerror}")
        click.echo(f"{counted(len(report.findings), 'finding')} in {output}; {report.coverage}", err=True)
    return 1 if failing else 0


def imported(target: str) -> App:
    """The app, or an exit that says why there is none."""
    try:
        app = load_app(target)
    except GivenUp:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the app does at its import
        give_up(f"{target} cannot be imported: {_told(error)}")
    if not len(app.engine.flows):
        give_up(f"{target} has no flows: there is nothing to check")
    return app


def _told(error: BaseException) -> str:
    """An error of the app's own code in one line, with its place where there is one."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{shown(Path(error.filename))}:{error.lineno}: {type(error).__name__}: {error.msg}"
    frames = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)]
    own = [
        (path, line) for path, line in zip(frames, lines, strict=True) if path.is_absolute() and is_own(path)
    ]
    place = f"{shown(own[-1][0])}:{own[-1][1]}: " if own else ""
    return f"{place}{type(error).__name__}: {error}"


def _level(name: str) -> Severity:
    return next(level for level in LEVELS if level == name)
