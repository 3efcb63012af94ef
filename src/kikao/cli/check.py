"""`kikao check`: what is wrong with an app, known before anybody dials it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

LEVELS = click.Choice(["error", "warning", "note"])
CHANNELS = click.Choice(["ussd", "sms", "whatsapp", "telegram", "socket"])
FORMATS = click.Choice(["text", "json", "sarif"])


def codes(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    """Codes of rules, or their beginnings, with commas between: `K1,K203`."""
    from kikao.checking.findings import RULES

    found = tuple(filter(None, re.split(r"[\s,]+", value.upper())))
    for code in found:
        if not any(rule.startswith(code) for rule in RULES):
            raise click.BadParameter(f"no rule begins with {code!r}; there are {', '.join(RULES)}")
    return found


@click.command()
@click.argument("target", metavar="MODULE:APP")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True, help="How to report.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the report into this file."
)
@click.option(
    "--fail-on",
    type=LEVELS,
    default="warning",
    show_default=True,
    help="Exit with 1 for findings this bad, or worse.",
)
@click.option("--select", callback=codes, default="", metavar="CODES", help="Only these rules: K1,K203.")
@click.option("--ignore", callback=codes, default="", metavar="CODES", help="Not these rules.")
@click.option("--explore/--no-explore", default=True, help="Hold the conversations, or only read the code.")
@click.option(
    "--channel",
    "channels",
    type=CHANNELS,
    multiple=True,
    help="Explore for this channel, not for those of the app; may be given several times.",
)
def check(
    target: str,
    form: str,
    output: Path | None,
    fail_on: str,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    explore: bool,
    channels: tuple[str, ...],
) -> None:
    """Find what is wrong with an app: screens, translations, flows that replay cannot bear."""
    from kikao.cli.checking import run

    sys.exit(
        run(
            target,
            form=form,
            output=output,
            fail_on=fail_on,
            select=select,
            ignore=ignore,
            explore=explore,
            channels=channels,
        )
    )
