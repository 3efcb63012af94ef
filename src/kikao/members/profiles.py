"""All that is known of one member: to be shown, and to be handed to the member who asks."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Connection

from kikao.members import linking, people
from kikao.members.known import Linked, Profile
from kikao.members.tables import MEMBERS
from kikao.members.vault import Vault


def profile(connection: Connection, vault: Vault, member_id: str) -> Profile:
    """Everything stored about a member, by any of its ids; of one who was erased, when. Raises `UnknownMember`."""
    present, *aliases = people.ids_of(connection, member_id)
    row = connection.execute(MEMBERS.select().where(MEMBERS.c.id == present)).one()
    if row.erased_at is not None:
        return Profile(present, tuple(aliases), row.created_at, row.erased_at)
    person = people.person(connection, vault, present)
    chosen = person.preferences
    return Profile(
        present,
        tuple(aliases),
        person.created_at,
        locale=chosen.locale,
        timezone=chosen.timezone,
        numbers_timezone=chosen.numbers_timezone,
        addresses=tuple(
            Linked(held.address, held.linked_at) for held in people.addresses_of(connection, person)
        ),
        pending=tuple(linking.pending(connection, vault, present, *aliases)),
    )


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
    }


def _iso(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat()
