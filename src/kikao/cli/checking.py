"""What `kikao check` does: import the app once, check it, and report."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Final

import click

from kikao.app import App
from kikao.channels.ussd.registry import OPTIONS
from kikao.checking.checks import check
from kikao.checking.exploring import Options
from kikao.checking.findings import Severity
from kikao.checking.outputs import FORMATS
from kikao.checking.report import LEVELS, counted
from kikao.cli.importing import imported
from kikao.cli.serving import give_up
from kikao.config import SettingsError, load

SOURCES: Final = frozenset({".py", ".pyi", ".po", ".pot", ".mo", ".toml"})
"""Ends of names that no report has: what is under them is somebody's work."""


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
    if output is not None and output.suffix.lower() in SOURCES:
        give_up(f"--output: {output} would be a report under the name of a source: choose another name")
    with contextlib.redirect_stdout(sys.stderr):  # what the app prints is no part of the report
        app = _with_flows(target)
        if channels:
            app.channels = channels
        report = check(
            app,
            target,
            exploring=Options() if explore else None,
            select=select,
            ignore=ignore,
            destinations=_destinations(),
        )
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


def _with_flows(target: str) -> App:
    app = imported(target)
    if not len(app.engine.flows):
        give_up(f"{target} has no flows: there is nothing to check")
    return app


def _destinations() -> list[str] | None:
    """The webhooks of the settings that stand here; None where these are not whole."""
    try:
        return list(load(gateways=OPTIONS).webhooks)
    except SettingsError:
        return None


def _level(name: str) -> Severity:
    return next(level for level in LEVELS if level == name)
