"""Who a socket's user is: what a directory of users answers, and the two that come with kikao."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from kikao.members.directory import Directory


class User(msgspec.Struct, frozen=True):
    """Somebody who may have a session."""

    id: str
    """1 to 128 characters, none of which is a control character."""
    groups: frozenset[str] = frozenset()
    """What they belong to, for `to_group`."""
    locale: str = ""
    """BCP 47, empty where it is not known."""
    member: str = ""
    """The id of the member that they are; empty where there is none."""
    details: Mapping[str, Any] = {}
    """Anything else that the app's channels need of them; JSON."""


class Users(Protocol):
    """Loads who a token names, once for each session that starts."""

    async def __call__(self, user_id: str, claims: Mapping[str, Any]) -> User | None:
        """The user; None for one who is not known, or may not come in: they are refused with 403.

        `claims` are those of the token, which was verified. What it raises refuses with 503: they may try again.
        """
        ...


async def anyone(user_id: str, claims: Mapping[str, Any]) -> User | None:
    """Whoever has a valid token: for apps whose users are another service's."""
    return User(user_id)


class MemberUsers:
    """The members directory: whoever has an address of the kind `user` in it, with their own language.

    With `enrols` whoever shows a token is entered into it, as who dials is.
    """

    def __init__(self, members: Directory, *, enrols: bool = False) -> None:
        self._members = members
        self._enrols = enrols

    async def __call__(self, user_id: str, claims: Mapping[str, Any]) -> User | None:
        """Raises `RecordsAway`."""
        if not self._enrols and await self._members.find("user", user_id) is None:
            return None
        known = await self._members.meet("user", user_id)
        return User(user_id, locale=known.locale, member=known.id)
