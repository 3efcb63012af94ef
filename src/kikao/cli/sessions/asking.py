"""What `kikao sessions` asks, and how it prints what comes back."""

from __future__ import annotations

import time

import click

from kikao.app import App
from kikao.cli.answers import in_json, only
from kikao.cli.reaching import carry_out
from kikao.cli.serving import give_up, load_app
from kikao.cli.sessions import texts
from kikao.control import Ask, Nothing
from kikao.sessions.policy import DEFAULTS
from kikao.sessions.views import (
    END,
    EXPLAIN,
    LIST,
    SHOW,
    SWEEP,
    Detail,
    Ended,
    Ending,
    Explaining,
    Explanation,
    Listing,
    Named,
    SweptAway,
)


def show_list(*, channel: str, flow: str, expired: bool, limit: int, app: str | None, as_json: bool) -> None:
    """Print a line for each session as it comes."""
    if channel and channel not in DEFAULTS:
        give_up(f"there is no channel {channel!r}. There are: {', '.join(DEFAULTS)}")

    async def work(ask: Ask) -> int:
        count = 0
        async for line in ask.ask(LIST, Listing(channel, flow, expired, limit)):
            if count == 0 and not as_json:
                click.secho(texts.HEAD, dim=True)
            click.echo(in_json(line) if as_json else texts.of_line(line, time.time()))
            count += 1
        return count

    if carry_out(work, named(app)) == 0 and not as_json:
        click.echo("no sessions", err=True)


def show_one(who: str, *, app: str | None, as_json: bool) -> None:
    """Print one session."""

    async def work(ask: Ask) -> Detail:
        return await only(ask, SHOW, Named(who))

    detail = carry_out(work, named(app))
    click.echo(in_json(detail) if as_json else "\n".join(texts.of_detail(detail, time.time())))


def end(who: str, *, ask: bool, force: bool) -> None:
    """End one session, after showing which if `ask`."""

    async def look(asked: Ask) -> Detail:
        return await only(asked, SHOW, Named(who))

    async def finish(asked: Ask) -> Ended:
        return await only(asked, END, Ending(who, force))

    if ask:
        detail = carry_out(look)
        click.secho(texts.HEAD, dim=True)
        click.echo(texts.of_line(detail.line, time.time()))
        click.confirm("End this session?", abort=True)
        if detail.through:
            click.echo(f"(where {detail.through[0]} leads)", err=True)
        who = detail.line.key
    click.echo(f"ended {carry_out(finish).key}")


def sweep() -> None:
    """Sweep, and print how many went."""

    async def work(ask: Ask) -> SweptAway:
        return await only(ask, SWEEP, Nothing())

    click.echo(f"{carry_out(work).count} removed")


def explain(who: str, *, app: str | None, clear: bool, as_json: bool) -> None:
    """Print how the key of a stored session came about."""

    async def work(ask: Ask) -> Explanation:
        return await only(ask, EXPLAIN, Explaining(who, clear=clear))

    tell(carry_out(work, named(app)), as_json=as_json)


def tell(explanation: Explanation, *, as_json: bool) -> None:
    """Print an explanation."""
    click.echo(in_json(explanation) if as_json else "\n".join(texts.of_explanation(explanation, time.time())))


def named(app: str | None) -> App | None:
    """The app that `module:app` names, if one is named."""
    return None if app is None else load_app(app)
