"""What is known of addresses on lines, in its table: statements, as plain functions of a connection.

Rows are found by the hash that the address has in `kikao_addresses`, and have nothing else of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kikao.members.lookup import unmoved
from kikao.members.reach import Mark, Reach
from kikao.members.tables import ADDRESSES, REACH
from kikao.sessions.sealing import KeyRing

NOTHING: Final = Reach()

_MARKS: Final = ("blocked", "gone", "stopped", "refused", "paused")
_TIMES: Final = ("heard_at", "unblocked_at", "started_at", "allowed_at")


def known(connection: Connection, ring: KeyRing, hashed: bytes, line: str) -> Reach:
    """What is known of one. Raises `RecordsAway` while hashes move to another key."""
    row = connection.execute(REACH.select().where(_is(hashed, line))).first()
    if row is None:
        unmoved(connection, ring)
        return NOTHING
    return _read(row)


def known_of(
    connection: Connection, ring: KeyRing, hashes: Collection[bytes]
) -> dict[tuple[bytes, str], Reach]:
    """What is known of several, by hash and line. Raises `RecordsAway` while hashes move to another key."""
    unmoved(connection, ring)
    rows = connection.execute(REACH.select().where(REACH.c.hash.in_(hashes)).order_by(REACH.c.line))
    return {(row.hash, row.line): _read(row) for row in rows}


def learn(
    connection: Connection, ring: KeyRing, news: Sequence[tuple[bytes, str, Reach]]
) -> list[tuple[Reach, Reach]]:
    """Add what is new, by hash and line; of each what was known before, and what is now.

    Raises `RecordsAway` while hashes move to another key.
    """
    unmoved(connection, ring, creating=True)
    hashes = {hashed for hashed, _, _ in news}
    # Always in one order, so that two transactions never wait for each other.
    query = REACH.select().where(REACH.c.hash.in_(hashes)).order_by(REACH.c.hash, REACH.c.line)
    rows = {(row.hash, row.line): row for row in connection.execute(query.with_for_update())}
    return [
        _learn(connection, ring, hashed, line, each, rows.get((hashed, line))) for hashed, line, each in news
    ]


def _learn(
    connection: Connection, ring: KeyRing, hashed: bytes, line: str, news: Reach, row: sa.Row[Any] | None
) -> tuple[Reach, Reach]:
    while True:
        before = NOTHING if row is None else _read(row)
        after = before.with_all(news)
        if after == before:
            return before, after
        values = _written(after)
        if row is not None:
            connection.execute(REACH.update().where(_is(hashed, line)).values(values))
            return before, after
        values |= {"hash": hashed, "line": line, "lookup_kid": ring.lookup_kid}
        if connection.execute(_KEEP, values).rowcount == 1:
            return before, after
        row = connection.execute(REACH.select().where(_is(hashed, line)).with_for_update()).first()


def sweep(connection: Connection, before: float, most: int) -> int:
    """Remove some rows of which nothing was told since, and that keep nobody from writing; how many.

    That is, where the address is open, or has no member: then nobody writes to it.
    """
    alone = ~sa.exists().where(ADDRESSES.c.hash == REACH.c.hash)
    harmless = (REACH.c.standing == "open") | (REACH.c.standing.in_(("blocked", "gone")) & alone)
    idle = (REACH.c.latest < before) & harmless & ~REACH.c.refuses_marketing
    found = connection.execute(sa.select(REACH.c.hash, REACH.c.line).where(idle).limit(most)).all()
    for row in found:
        # What was told of meanwhile stays.
        connection.execute(REACH.delete().where(_is(row.hash, row.line) & (REACH.c.latest < before)))
    return len(found)


def forget(connection: Connection, hashes: Iterable[bytes]) -> None:
    """Remove all that is known of addresses."""
    connection.execute(REACH.delete().where(REACH.c.hash.in_(list(hashes))))


def move(connection: Connection, old: bytes, new: bytes, kid: str) -> None:
    """An address is hashed with another key."""
    connection.execute(REACH.update().where(REACH.c.hash == old).values(hash=new, lookup_kid=kid))


def drop_left(connection: Connection, kid: str) -> None:
    """Remove what is hashed with another key than this: of addresses that nobody has, so nobody can hash them anew."""
    connection.execute(REACH.delete().where(REACH.c.lookup_kid != kid))


def _is(hashed: bytes, line: str) -> sa.ColumnElement[bool]:
    return (REACH.c.hash == hashed) & (REACH.c.line == line)


def _read(row: sa.Row[Any]) -> Reach:
    known: dict[str, Any] = {name: getattr(row, name) for name in _TIMES}
    for name in _MARKS:
        known[name] = Mark(getattr(row, f"{name}_at"), getattr(row, f"{name}_for"))
    return Reach(**known)


def _written(reach: Reach) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(reach, name) for name in _TIMES}
    for name in _MARKS:
        mark: Mark = getattr(reach, name)
        values |= {f"{name}_at": mark.at, f"{name}_for": mark.reason}
    told = {"standing": reach.standing, "refuses_marketing": reach.refuses_marketing, "latest": reach.latest}
    return values | told


_NAMES: Final = tuple(column.name for column in REACH.columns)

_KEEP: Final = sa.text(
    f"INSERT INTO kikao_reach ({', '.join(_NAMES)}) VALUES ({', '.join(f':{name}' for name in _NAMES)}) "  # noqa: S608 - names of our own
    "ON CONFLICT (hash, line) DO NOTHING"
)
