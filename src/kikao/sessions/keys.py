"""What a store remembers of keys: with which it looks up, with which it did before, and which have sealed something.

Kept as one property of the store, in JSON. Of a key it holds the id that people gave it, and a check that tells whether
it is the same key and nothing else. With this a start refuses when a key is missing that members are still kept under,
and never looks through the store for it while all keys are there.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Container, Mapping
from typing import Final

import msgspec
from msgspec import structs

from kikao.sessions.outgoing import FORGOTTEN, Outgoing
from kikao.sessions.sealing import KeyRing, kid_of
from kikao.sessions.store import IntentRow, Record, SessionStore, StoreRefused

PROPERTY: Final = "keys"

EVERY_INTENT: Final = 2**31
"""More intents than a store has."""


class Key(msgspec.Struct, frozen=True):
    """A secret key, recognised."""

    kid: str
    check: str
    """`KeyRing.check`, in hexadecimal digits."""

    @classmethod
    def of(cls, ring: KeyRing, kid: str) -> Key | None:
        """The key that a ring has under this id; None if it has none."""
        check = ring.check(kid)
        return None if check is None else cls(kid, check.hex())


class FormerKey(Key, frozen=True):
    """A look-up key whose names of inbounds may still be asked for."""

    until: float
    """When the last dedupe record that is named with it expires; seconds since the epoch."""


class StoreKeys(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a store remembers of keys."""

    lookup: Key
    moving_to: FormerKey | None = None
    """The next look-up key while sessions move to it; its `until` will be that of the present one."""
    former: tuple[FormerKey, ...] = ()
    sealing: Mapping[str, str] | None = None
    """Checks by key id of all that may have sealed something; None in a store that has not looked yet."""

    @property
    def encoded(self) -> bytes:
        """As it is stored."""
        return msgspec.json.encode(self)


class Need(msgspec.Struct):
    """What is still sealed with one key: sessions that live, their open intents, replies that may be asked for, and
    messages that are to be sent, or may be sent again.
    """

    sessions: int = 0
    intents: int = 0
    replies: int = 0
    messages: int = 0
    until: float = 0.0
    """When the last of it expires; endless while an intent is open."""

    def __str__(self) -> str:
        counted = (
            (self.sessions, "session"),
            (self.intents, "open intent"),
            (self.replies, "reply"),
            (self.messages, "message to send"),
        )
        return " and ".join(_count(number, noun) for number, noun in counted if number)


async def settle(store: SessionStore, ring: KeyRing, now: float, *, moving: bool = False) -> StoreKeys:
    """Recognise the keys of an open store, and record that the ring's first one seals in it from now on.

    Raises `StoreRefused` when the ring lacks a key that something in the store needs, and, unless `moving`, when a move
    to another look-up key was begun and not ended.
    """
    fresh = StoreKeys(_own(ring, ring.lookup_kid), sealing={})
    while True:
        stored = await store.bind(PROPERTY, fresh.encoded)
        found = msgspec.json.decode(stored, type=StoreKeys)
        if found.moving_to is not None and not moving:
            raise StoreRefused(
                f"this store is half-way from the look-up key {found.lookup.kid!r} to {found.moving_to.kid!r}. "
                "Finish with: kikao migrate --rekey"
            )
        settled = structs.replace(found, former=tuple(key for key in found.former if key.until > now))
        _refuse_missing(settled, ring)
        settled = structs.replace(settled, sealing=await _sealing(store, settled, ring, now))
        if settled == found or await store.rebind(PROPERTY, stored, settled.encoded):
            return settled


def recognised(stored: bytes, ring: KeyRing) -> bool:
    """Whether what a store remembers of keys (`PROPERTY`) has the ring's first key: a server has sealed with it there.

    A store that has not looked yet recognises none.
    """
    keys = msgspec.json.decode(stored, type=StoreKeys)
    own = _own(ring, ring.active)
    return own == keys.lookup or (keys.sealing or {}).get(own.kid) == own.check


async def needs(store: SessionStore, now: float) -> dict[str, Need]:
    """What is still sealed with each key, by its id. Reads the whole store.

    What has expired needs no key: it is never opened again.
    """
    intents = await open_intents(store)
    found: dict[str, Need] = {}
    async for record in store.scan():
        if is_needed(record, intents, now):
            rows = intents.get(record.key, ())
            for kid in {kid_of(record.state), kid_of(record.address)}:
                need = found.setdefault(kid, Need())
                need.sessions += 1
                need.intents += len(rows)
                need.until = max(need.until, math.inf if rows else record.expires_at)
        for dedupe in await store.seen(record.key):
            if dedupe.reply is not None and dedupe.expires_at > now:
                need = found.setdefault(kid_of(dedupe.reply), Need())
                need.replies += 1
                need.until = max(need.until, dedupe.expires_at)
    async for message in store.messages():
        if (until := opened_until(message)) > now:
            need = found.setdefault(kid_of(message.payload), Need())
            need.messages += 1
            need.until = max(need.until, until)
    return found


def opened_until(message: Outgoing) -> float:
    """Until when the payload of a message may be opened: what was sent, never again."""
    if message.state == "sent":
        return 0.0
    return message.expires_at + (FORGOTTEN if message.state == "waiting" else 0.0)


async def open_intents(store: SessionStore) -> dict[bytes, list[IntentRow]]:
    """All that are open, by session."""
    found: dict[bytes, list[IntentRow]] = {}
    for row in await store.due(now=math.inf, limit=EVERY_INTENT):
        found.setdefault(row.session, []).append(row)
    return found


def is_needed(record: Record, intents: Container[bytes], now: float) -> bool:
    """Whether a session may still be opened. `intents` are the keys of those with open intents."""
    return record.expires_at > now or record.key in intents


def moment(at: float) -> str:
    """A time as a human reads it, rounded up: `2026-01-31 12:00 UTC`."""
    return f"{dt.datetime.fromtimestamp(math.ceil(at / 60) * 60, dt.UTC):%Y-%m-%d %H:%M} UTC"


async def _sealing(store: SessionStore, found: StoreKeys, ring: KeyRing, now: float) -> dict[str, str]:
    """Keys that may have sealed something, with the active one. Raises `StoreRefused` for one that is needed."""
    checks = {kid: _own(ring, kid).check for kid in ring.kids}
    sealing = found.sealing
    if sealing is None:
        sealing = {kid: checks.get(kid, "") for kid in await needs(store, now)}
    missing = {kid for kid, check in sealing.items() if checks.get(kid) != check}
    if missing:
        needed = await needs(store, now)
        for kid in sorted(missing & needed.keys()):
            raise StoreRefused(_still_needed(kid, needed[kid], ring, now))
    kept = {kid: check for kid, check in sealing.items() if kid not in missing}
    return {**kept, ring.active: checks[ring.active]}


def _refuse_missing(keys: StoreKeys, ring: KeyRing) -> None:
    if Key.of(ring, keys.lookup.kid) is None:
        raise StoreRefused(
            f"this store looks up with the secret key {keys.lookup.kid!r}, which is not set. Add it to "
            "KIKAO_SECRET_KEYS (after the first, which seals)."
        )
    if Key.of(ring, keys.lookup.kid) != keys.lookup:
        raise StoreRefused(
            f"the secret key {keys.lookup.kid!r} is not the one this store looks up with. Set KIKAO_SECRET_KEYS to "
            "the keys that belong to this store."
        )
    for key in keys.former:
        if Key.of(ring, key.kid) != Key(key.kid, key.check):
            raise StoreRefused(
                f"what members sent before the look-up key changed may come again until {moment(key.until)}, and is "
                f"told by the secret key {key.kid!r}, which is not set{_or_another(ring, key.kid)}. Add it to "
                "KIKAO_SECRET_KEYS until then (after the first, which seals)."
            )


def _still_needed(kid: str, need: Need, ring: KeyRing, now: float) -> str:
    forever = need.until > now + 100 * 365 * 86400.0
    wait = "" if forever else f" What is not sealed anew has expired by {moment(need.until)}."
    return (
        f"{need} in this store can only be opened with the secret key {kid!r}, which is not set"
        f"{_or_another(ring, kid)}. Add it to KIKAO_SECRET_KEYS again (after the first, which seals). Then a running "
        "server seals everything anew and says so in its log (event resealed, left 0), and `kikao migrate --reseal` "
        f"does so at once.{wait}"
    )


def _or_another(ring: KeyRing, kid: str) -> str:
    return " (there is another one of that id)" if kid in ring.kids else ""


def _own(ring: KeyRing, kid: str) -> Key:
    key = Key.of(ring, kid)
    assert key is not None
    return key


def _count(number: int, noun: str) -> str:
    plural = {"reply": "replies", "message to send": "messages to send"}.get(noun, f"{noun}s")
    return f"{number:,} {noun if number == 1 else plural}"
