"""`kikao outbox`: look at messages to other systems, replay or discard those that were given up."""

from __future__ import annotations

import click

STATES = ("waiting", "sent", "dead")
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
TO = click.option("--to", default="", metavar="NAME", help="Only to this destination.")
EVERY = click.option("--all", "every", is_flag=True, help="All that are dead.")
IDS = click.argument("ids", nargs=-1, metavar="[ID]...")


@click.group()
def outbox() -> None:
    """Messages to other systems: look at them, replay or discard dead ones.

    ID is the beginning of a message's id, at least six digits.
    """


@outbox.command("list")
@click.option("--state", type=click.Choice(STATES), default=None, help="Only of this state.")
@TO
@click.option("--limit", type=click.IntRange(1), help="At most so many.")
@JSON
def list_messages(state: str | None, to: str, limit: int | None, *, as_json: bool) -> None:
    """A line for each message, in no order."""
    from kikao.cli.outbox import asking

    asking.show_list(state=state or "", to=to, limit=limit or 0, as_json=as_json)


@outbox.command()
@click.argument("id_", metavar="ID")
@click.option("--clear", is_flag=True, help="Show what it says, too.")
@JSON
def show(id_: str, *, clear: bool, as_json: bool) -> None:
    """One message, without what it says."""
    from kikao.cli.outbox import asking

    asking.show_one(id_, clear=clear, as_json=as_json)


@outbox.command()
@IDS
@EVERY
@TO
def replay(ids: tuple[str, ...], *, every: bool, to: str) -> None:
    """Let dead messages leave again, and print how many."""
    from kikao.cli.outbox import asking

    asking.replay(ids, every=every, to=to)


@outbox.command()
@IDS
@EVERY
@TO
@click.option("--yes", is_flag=True, help="Do not ask.")
def discard(ids: tuple[str, ...], *, every: bool, to: str, yes: bool) -> None:
    """Remove dead messages for good, and print how many."""
    from kikao.cli.outbox import asking

    if not yes:
        click.confirm("Remove them for good?", abort=True)
    asking.discard(ids, every=every, to=to)
