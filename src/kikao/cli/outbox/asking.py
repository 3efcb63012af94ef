"""What `kikao outbox` asks, and how it prints what comes back. Times are UTC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final, cast

import click

from kikao.cli.answers import in_json, only
from kikao.cli.reaching import carry_out
from kikao.control import Ask
from kikao.sessions.outbox_views import (
    DISCARD,
    LIST,
    REPLAY,
    SHOW,
    Chosen,
    Done,
    MessageLine,
    Messages,
    Wanted,
    Which,
)

_COLUMNS: Final = "{:<12}  {:<8}  {:<24}  {:<12}  {:>5}  {:<19}  {:<19}  {}"
HEAD: Final = _COLUMNS.format("ID", "STATE", "TO", "SESSION", "TRIES", "POSTED UTC", "DUE UTC", "WHY")


def show_list(*, state: str, to: str, limit: int, as_json: bool) -> None:
    """Print a line for each message as it comes."""

    async def work(ask: Ask) -> int:
        count = 0
        async for line in ask.ask(LIST, Messages(cast(Wanted, state), to, limit)):
            if count == 0 and not as_json:
                click.secho(HEAD, dim=True)
            click.echo(in_json(line) if as_json else of_line(line))
            count += 1
        return count

    if carry_out(work) == 0 and not as_json:
        click.echo("no messages", err=True)


def show_one(id_: str, *, clear: bool, as_json: bool) -> None:
    """Print one message."""

    async def work(ask: Ask) -> MessageLine:
        return await only(ask, SHOW, Which(id_, clear))

    line = carry_out(work)
    click.echo(in_json(line) if as_json else "\n".join(of_message(line)))


def replay(ids: tuple[str, ...], *, every: bool, to: str) -> None:
    """Replay dead messages, and print how many."""

    async def work(ask: Ask) -> Done:
        return await only(ask, REPLAY, Chosen(ids, every, to))

    click.echo(f"{carry_out(work).count} leave again")


def discard(ids: tuple[str, ...], *, every: bool, to: str) -> None:
    """Discard dead messages, and print how many."""

    async def work(ask: Ask) -> Done:
        return await only(ask, DISCARD, Chosen(ids, every, to))

    click.echo(f"{carry_out(work).count} removed")


def of_line(line: MessageLine) -> str:
    """A message in one line."""
    state = "sending" if line.held else line.state
    due = _time(line.due_at) if line.state == "waiting" else ""
    why = line.reason or (line.status if line.status != "sent" else "")
    return _COLUMNS.format(
        line.id[:12], state, line.to, line.session, line.tries, _time(line.posted_at), due, why
    ).rstrip()


def of_message(line: MessageLine) -> Iterator[str]:
    """A message in many lines."""
    facts = {
        "id": line.id,
        "to": line.to,
        "state": "sending" if line.held else line.state,
        "status": line.status,
        "why": line.reason,
        "session": line.session,
        "tries": str(line.tries),
        "posted": f"{_time(line.posted_at)} UTC",
        "due": f"{_time(line.due_at)} UTC" if line.state == "waiting" else "",
        "to be sent by" if line.state == "waiting" else "kept until": f"{_time(line.expires_at)} UTC",
        "sealed": f"{line.size} octets, key {line.kid}",
        "says": line.body,
        "cannot be shown": line.problem,
    }
    for name, value in facts.items():
        if value:
            shown = value.replace("\n", f"\n{'':<16}")
            yield f"{name:<14}  {shown}"


def _time(at: float) -> str:
    return f"{dt.datetime.fromtimestamp(at, dt.UTC):%Y-%m-%d %H:%M:%S}"
