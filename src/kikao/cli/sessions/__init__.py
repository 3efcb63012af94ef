"""`kikao sessions`: look at stored sessions, end them, sweep them, and ask how a key came about."""

from __future__ import annotations

import click

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
APP = click.option("--app", metavar="MODULE:APP", help="The app, for its policies, where no server runs.")


@click.group()
def sessions() -> None:
    """Stored sessions: look at them, end them, sweep them.

    WHO is the beginning of a session's key as in log lines, a number such as +256772000001, an address such as
    telegram:4711, a session's id or a member's id.
    """


@sessions.command("list")
@click.option("--channel", default="", help="Only of this channel.")
@click.option("--flow", default="", help="Only those in this flow.")
@click.option("--expired", is_flag=True, help="Only those that nobody may go on with.")
@click.option("--limit", type=click.IntRange(1), help="At most so many.")
@APP
@JSON
def list_sessions(
    channel: str, flow: str, *, expired: bool, limit: int | None, app: str | None, as_json: bool
) -> None:
    """A line for each session, in no order."""
    from kikao.cli.sessions import asking

    asking.show_list(channel=channel, flow=flow, expired=expired, limit=limit or 0, app=app, as_json=as_json)


@sessions.command()
@click.argument("who")
@APP
@JSON
def show(who: str, *, app: str | None, as_json: bool) -> None:
    """One session whole, without anything a member said."""
    from kikao.cli.sessions import asking

    asking.show_one(who, app=app, as_json=as_json)


@sessions.command()
@click.argument("who")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also if an outcome waits to be told, or it cannot be opened.")
def end(who: str, *, yes: bool, force: bool) -> None:
    """End a session: what it holds is gone. Never one with an open effect."""
    from kikao.cli.sessions import asking

    asking.end(who, ask=not yes, force=force)


@sessions.command()
def sweep() -> None:
    """Remove what has expired, now, and print how many."""
    from kikao.cli.sessions import asking

    asking.sweep()


@sessions.command()
@click.argument("who", required=False)
@click.option("--app", metavar="MODULE:APP", help="Ask this app's policies, not the running server's.")
@click.option("--channel", default="ussd", show_default=True)
@click.option("--gateway", default="", help="Where somebody is met.  [default for ussd: africastalking]")
@click.option("--as", "number", default="", help="The number, E.164.")
@click.option("--user", default="", help="The user id, on channels that have one.")
@click.option("--code", default="", help="The service code dialled.")
@click.option("--url", default="", help="Host and path that the gateway calls.")
@click.option("--request", default="", help="The provider's id of the dialogue.")
@click.option("--clear", is_flag=True, help="Show stored addresses in clear, not masked.")
@JSON
def explain(
    who: str | None,
    *,
    app: str | None,
    channel: str,
    gateway: str,
    number: str,
    user: str,
    code: str,
    url: str,
    request: str,
    clear: bool,
    as_json: bool,
) -> None:
    """How a key came about: of a stored session, or the one that somebody would get (--as or --user)."""
    from kikao.cli.sessions import asking, explaining

    if (who is None) == (not number and not user):
        raise click.UsageError("Name a stored session, or somebody by --as or --user, and not both.")
    if who is not None:
        asking.explain(who, app=app, clear=clear, as_json=as_json)
    else:
        explaining.explain(
            explaining.Met(channel, gateway, number, user, code, url, request), app=app, as_json=as_json
        )
