"""What `kikao messages check` does, without Babel; and how findings are told."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from kikao.checking.findings import Finding
from kikao.checking.translations import catalogs_in, check_package
from kikao.checking.translations.sentences import in_order


def check(source: Path, locales: Path | None) -> int:
    """Tell everything that is wrong with the sentences of the code and with the catalogs.

    Returns the exit code: 0 nothing, 1 something, 2 there is no catalog.
    """
    folder = locales or source / "locales"
    if not catalogs_in(folder):
        return none(folder)
    checked = check_package(source, folder)
    if checked.findings:
        return told(checked.findings)
    click.echo(f"{source}: {checked.sentences} sentences, complete in {', '.join(checked.languages)}")
    for file, count in checked.reviews.items():
        click.echo(f"{file}: {count} translations need a review by a native speaker")
    return 0


def none(folder: Path) -> int:
    """Say how catalogs are begun; returns the exit code."""
    click.echo(f"kikao: no catalogs in {folder}. Begin one: kikao messages update --add lg", err=True)
    return 2


def told(findings: Iterable[Finding]) -> int:
    """Print findings; returns the exit code."""
    ordered = in_order(findings)
    for finding in ordered:
        click.echo(f"{finding.file}:{finding.line}: {finding.message}. {finding.hint}")
    click.echo(f"{len(ordered)} to mend", err=True)
    return 1
