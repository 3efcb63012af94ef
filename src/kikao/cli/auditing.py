"""What `kikao audit` does: reads the trail in the records of the settings, beside a running server or without one."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import click

from kikao.audit.trail import AuditTrail, Happened
from kikao.cli.answers import in_json
from kikao.cli.serving import give_up, standing_settings
from kikao.records import Records, RecordsAway, RecordsRefused


def show(*, member: str, session: str, event: str, limit: int, as_json: bool) -> None:
    """Print rows of the trail. Exits with 2 and the reason when it cannot."""
    settings = standing_settings()
    where = settings.records
    if not where.is_shared and not Path(where).exists():
        give_up(f"there is no audit trail yet: {where} does not exist")

    async def read() -> list[Happened]:
        records = Records(where)
        try:
            trail = AuditTrail(records)
            await trail.expect()
            return await trail.latest(member=member, session=session, event=event, limit=limit)
        finally:
            await records.close()

    try:
        found = asyncio.run(read())
    except (RecordsRefused, RecordsAway) as error:
        give_up(str(error))
    for row in found:
        click.echo(in_json(row) if as_json else line(row))


def line(row: Happened) -> str:
    """`2026-01-31T12:00:00Z step.done send pin#1 kind=secret source=turn member=… session=…`"""
    at = dt.datetime.fromtimestamp(row.at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = dict(row.fields)
    where = [str(fields.pop(name)) for name in ("flow", "at") if fields.get(name)]
    named = [("member", row.member), ("session", row.session)]
    more = [f"{name}={value}" for name, value in [*fields.items(), *named] if value not in ("", None)]
    return " ".join([at, row.event, *where, *more])
