"""`kikao replay`: conversations in flight against today's code, before a deploy."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(dir_okay=False, path_type=Path)


def _share(what: str) -> str:
    return f"How many may be {what} for exit code 0: a number, or a share such as 0.5%."


@click.command()
@click.argument("target", metavar="MODULE:APP")
@click.option("--record", type=FILE, help="Write the conversations, without answers, into a new file.")
@click.option("--from", "source", type=FILE, help="Replay such a file in place of the store.")
@click.option("--limit", type=click.IntRange(min=1), help="Look at so many sessions at most.")
@click.option(
    "--examples", type=click.IntRange(min=0), default=3, show_default=True, help="To name of each kind."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--allow-asked", default="0", show_default=True, help=_share("asked again"))
@click.option("--allow-unknown", default="0", show_default=True, help=_share("unknown"))
@click.option("--allow-parked", default="0", show_default=True, help=_share("parked, or end"))
def replay(
    target: str,
    record: Path | None,
    source: Path | None,
    limit: int | None,
    examples: int,
    form: str,
    allow_asked: str,
    allow_unknown: str,
    allow_parked: str,
) -> None:
    """Say what would become of conversations in flight with the code of MODULE:APP.

    Reads the session store of the settings, beside a running server, and changes nothing. Exit code 0 when all go on, 1
    when some do not, 2 when it could not be found out.
    """
    from kikao.cli import replaying

    replaying.replay(
        target,
        record=record,
        source=source,
        limit=limit,
        examples=examples,
        as_json=form == "json",
        allowed=replaying.allowances(asked=allow_asked, unknown=allow_unknown, parked=allow_parked),
    )
