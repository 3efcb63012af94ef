"""`kikao migrate`: what is stored, brought up to date and under other keys."""

from __future__ import annotations

import click


@click.command()
@click.argument("target", metavar="[MODULE:APP]", required=False)
@click.option("--reseal", is_flag=True, help="Seal everything anew under the first of the secret keys.")
@click.option("--rekey", is_flag=True, help="Look everything up with the first of the secret keys.")
@click.option(
    "--check", is_flag=True, help="Change nothing: say what would be upgraded, and exit with 1 if anything."
)
def migrate(target: str | None, reseal: bool, rekey: bool, check: bool) -> None:
    """Bring what is stored up to date: kikao's tables and those of MODULE:APP. With SQLite while no server runs.

    Stopped in the middle, do it again: it goes on. Of two at once, the second waits and finds nothing to do.
    """
    from kikao.cli import migrating

    if check and (reseal or rekey):
        raise click.UsageError("--check only looks. Leave out --reseal and --rekey.")
    if check:
        migrating.look(target)
        return
    migrating.migrate(target, reseal=reseal, rekey=rekey)
