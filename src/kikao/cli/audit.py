"""`kikao audit`: what became of effects, from the records."""

from __future__ import annotations

import click


@click.command()
@click.option("--member", default="", help="Of one member, by the id that `kikao members show` tells.")
@click.option("--session", default="", help="Of one session, by its short name in the log.")
@click.option("--event", default="", help="Of one kind: step.done, step.refused, step.unknown, step.voided …")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="At most so many."
)
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
def audit(member: str, session: str, event: str, limit: int, as_json: bool) -> None:
    """Show the audit trail: which effects members came to and what became of them, the newest first.

    It names nobody and holds nothing that was said: members are ids, sessions keyed hashes.
    """
    from kikao.cli import auditing

    auditing.show(member=member, session=session, event=event, limit=limit, as_json=as_json)
