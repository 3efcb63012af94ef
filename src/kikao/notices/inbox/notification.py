"""What a notification is, what may be in one, and how many are unread. No store, no clock."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import msgspec

PAYLOAD: Final = 16 * 1024
"""Octets of a payload as JSON, at most: it goes over the bus, and into each of the user's sockets."""

USERS: Final = 1000
"""Users that one call notifies, at most: they are one transaction."""

KINDS: Final = 200
"""Kinds that a user can have said something about."""

KEY: Final = 200
"""Characters of a key."""


class Notification(msgspec.Struct, frozen=True):
    """Something that a user was told."""

    id: str
    """Unique for ever; of one user's, the order of ids is not that of time. What a receiver tells copies by."""
    kind: str
    payload: dict[str, Any]
    at: float
    """When it was pushed, in seconds since the epoch."""
    expires_at: float
    """From then on it is not shown any more, and does not count."""
    is_read: bool = False


class Unread(msgspec.Struct, frozen=True):
    """How many of a user's notifications are unread."""

    total: int = 0
    by_kind: dict[str, int] = {}
    """Only kinds of which there are any."""
    version: int = 0
    """Each change has a higher one: who hears of two in the wrong order keeps the higher."""

    @property
    def told(self) -> dict[str, Any]:
        """As the devices of the user hear it."""
        return {"total": self.total, "by_kind": self.by_kind, "version": self.version}


class Page(msgspec.Struct, frozen=True):
    """Some of a user's notifications, the newest first: as many as were asked for, or as fit into some 256 KiB."""

    notifications: tuple[Notification, ...] = ()
    more: bool = False
    """There are older ones: ask for those `before` the last of these."""
    unread: Unread = Unread()
    """As of the same moment."""


def told(one: Notification) -> dict[str, Any]:
    """A notification as the devices of its user get it."""
    return {"id": one.id, "kind": one.kind, "payload": one.payload, "at": one.at, "read": one.is_read}


def checked_user(user_id: str) -> str:
    """The id. Raises `ValueError` for one that is empty, longer than 128 characters, or has a control character."""
    if not isinstance(user_id, str) or not 1 <= len(user_id) <= 128 or _CONTROL(user_id):
        raise ValueError("a user id has 1 to 128 characters, and no control characters")
    return user_id


def checked_users(user_ids: Iterable[str]) -> tuple[str, ...]:
    """The ids, each once. Raises `ValueError`."""
    if isinstance(user_ids, str):
        raise ValueError("user ids must be a list")
    found = tuple(dict.fromkeys(checked_user(each) for each in user_ids))
    if len(found) > USERS:
        raise ValueError(f"{len(found)} users at once; {USERS} is the most")
    return found


def checked_kind(kind: str) -> str:
    """The kind. Raises `ValueError` for what is no name."""
    if not isinstance(kind, str) or not _KIND(kind):
        raise ValueError("a kind is 1 to 64 of a-z, 0-9, . _ and -, beginning with a letter")
    return kind


def checked_kinds(kinds: Iterable[str]) -> frozenset[str]:
    """The kinds. Raises `ValueError`."""
    if isinstance(kinds, str):
        raise ValueError("kinds must be a list")
    found = frozenset(checked_kind(each) for each in kinds)
    if len(found) > KINDS:
        raise ValueError(f"{len(found)} kinds; {KINDS} is the most")
    return found


def checked_key(key: str) -> str:
    """The key of a cause. Raises `ValueError` for one that is empty or too long."""
    if not isinstance(key, str) or not 1 <= len(key) <= KEY:
        raise ValueError(f"a key has 1 to {KEY} characters")
    return key


def encoded(payload: object) -> bytes:
    """A payload as JSON. Raises `ValueError` for what is no JSON object, or over `PAYLOAD`."""
    try:
        body = msgspec.json.encode(payload)
    except (TypeError, msgspec.MsgspecError) as error:
        raise ValueError(f"a payload is a JSON object: {error}") from None
    if not body.startswith(b"{"):
        raise ValueError("a payload is a JSON object")
    if len(body) > PAYLOAD:
        raise ValueError(f"a payload of {len(body)} octets; {PAYLOAD} is the most")
    return body


class Kinds:
    """The kinds of an app: what may be in each, where it says so."""

    def __init__(self, kinds: Mapping[str, Any] | Collection[str]) -> None:
        """Names, or names with the type of their payload. None at all: any name goes. Raises `ValueError`."""
        self.names: Final = checked_kinds(kinds)
        self._types: dict[str, Any] = dict(kinds) if isinstance(kinds, Mapping) else {}

    def encode(self, kind: str, payload: object) -> bytes:
        """A payload of that kind as JSON. Raises `ValueError` for a kind that is none, or what does not fit it."""
        checked_kind(kind)
        if self.names and kind not in self.names:
            raise ValueError(f"no such kind: {kind}. There are: {', '.join(sorted(self.names))}")
        body = encoded(payload)
        if kind in self._types:
            try:
                msgspec.json.decode(body, type=self._types[kind])
            except msgspec.ValidationError as error:
                raise ValueError(f"a payload of {kind}: {error}") from None
        return body

    def stand(self, muted: Collection[str]) -> dict[str, bool]:
        """Which a user gets: all of the app's, and those that they said something about."""
        return {kind: kind not in muted for kind in sorted(self.names.union(muted))}


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]").search
_KIND = re.compile(r"[a-z][a-z0-9._-]{0,63}").fullmatch
