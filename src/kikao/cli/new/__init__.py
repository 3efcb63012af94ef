"""`kikao new`: a project to begin with."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("name")
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    help="Where to make it: a folder that is not there yet, or empty.  [default: NAME]",
)
def new(name: str, directory: Path | None) -> None:
    """Make a project with one flow, its transcript as a test, and one translation."""
    from kikao.cli.new import making

    making.make(name, Path(name) if directory is None else directory)
