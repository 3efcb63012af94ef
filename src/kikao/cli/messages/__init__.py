"""`kikao messages`: the catalogs of a package, brought up to date with its code and checked."""

from __future__ import annotations

import sys
from pathlib import Path

import click

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
SOURCE = click.argument("source", metavar="[SOURCE_FOLDER]", type=FOLDER, default=Path())
LOCALES = click.option(
    "--locales",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the catalogs.  [default: SOURCE_FOLDER/locales]",
)


@click.group()
def messages() -> None:
    """Translations: take sentences from the code, and check what is translated."""


@messages.command()
@SOURCE
@LOCALES
@click.option("--add", multiple=True, metavar="LANGUAGE", help="Begin a catalog, such as lg or sw_TZ.")
@click.option("--drop", is_flag=True, help="Delete translations of sentences that are not in the code.")
def update(source: Path, locales: Path | None, add: tuple[str, ...], drop: bool) -> None:
    """Bring the catalogs up to date with the code of SOURCE_FOLDER, and compile them."""
    _need_babel()
    from kikao.cli.messages import catalogs

    sys.exit(catalogs.update(source, locales, add, drop=drop))


@messages.command()
@SOURCE
@LOCALES
def check(source: Path, locales: Path | None) -> None:
    """Exit with 1 and a list where a translation is missing, wrong or not compiled."""
    from kikao.cli.messages import checking

    sys.exit(checking.check(source, locales))


def _need_babel() -> None:
    from importlib.util import find_spec

    if find_spec("babel") is None:
        click.echo(
            "kikao: this needs Babel. Install it beside a checkout of kikao: pip install './kikao[messages]'",
            err=True,
        )
        sys.exit(2)
