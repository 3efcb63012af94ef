"""All that is known of one member: to be shown, and to be handed to the member who asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from kikao.members import linking, people, reach_rows
from kikao.members.known import Linked, Profile, Reached
from kikao.members.people import Held
from kikao.members.reach import Mark
from kikao.members.tables import MEMBERS
from kikao.members.vault import Vault


def profile(connection: Connection, vault: Vault, member_id: str) -> Profile:
    """Everything stored about a member, by any of its ids; of one who was erased, when. Raises `UnknownMember`."""
    present, *aliases = people.ids_of(connection, member_id)
    row = connection.execute(MEMBERS.select().where(MEMBERS.c.id == present)).one()
    if row.erased_at is not None:
        return Profile(present, tuple(aliases), row.created_at, row.erased_at)
    person = people.person(connection, vault, present)
    chosen, held = person.preferences, people.addresses_of(connection, person)
    return Profile(
        present,
        tuple(aliases),
        person.created_at,
        locale=chosen.locale,
        timezone=chosen.timezone,
        numbers_timezone=chosen.numbers_timezone,
        addresses=tuple(Linked(one.address, one.linked_at) for one in held),
        pending=tuple(linking.pending(connection, vault, present, *aliases)),
        reached=tuple(_reached(connection, vault, held)),
    )


def _reached(connection: Connection, vault: Vault, held: list[Held]) -> Iterator[Reached]:
    known = reach_rows.known_of(connection, vault.ring, [one.hash for one in held])
    for one in held:
        for (hashed, line), reach in known.items():
            if hashed == one.hash:
                yield Reached(one.address, line, reach)


def exported(profile: Profile) -> dict[str, Any]:
    """A profile as plain data for JSON, with addresses in clear and times in ISO 8601 (UTC)."""
    return {
        "id": profile.id,
        "aliases": list(profile.aliases),
        "created_at": _iso(profile.created_at),
        "erased_at": None if profile.erased_at is None else _iso(profile.erased_at),
        "locale": profile.locale,
        "timezone": profile.timezone,
        "timezone_of_number": profile.numbers_timezone,
        "addresses": [
            {"kind": one.address.kind, "identity": one.address.identity, "linked_at": _iso(one.linked_at)}
            for one in profile.addresses
        ],
        "pending_links": [
            {
                "wish": one.wish,
                "kind": one.address.kind,
                "identity": one.address.identity,
                "wished_at": _iso(one.wished_at),
            }
            for one in profile.pending
        ],
        "reach": [_exported(one) for one in profile.reached],
    }


def _exported(one: Reached) -> dict[str, Any]:
    reach = one.reach
    told = {name: getattr(reach, name) for name in ("blocked", "gone", "stopped", "refused", "paused")}
    times = {name: getattr(reach, name) for name in ("heard_at", "unblocked_at", "started_at", "allowed_at")}
    return {
        "kind": one.address.kind,
        "identity": one.address.identity,
        "line": one.line,
        "standing": reach.standing,
        **{name: _iso(at) for name, at in times.items() if at},
        **{name: _marked(name, mark) for name, mark in told.items() if mark.at},
    }


def _marked(name: str, mark: Mark) -> dict[str, str]:
    return {"until" if name == "paused" else "at": _iso(mark.at), "reason": mark.reason}


def _iso(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat()
