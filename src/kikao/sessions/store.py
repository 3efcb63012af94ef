"""What kikao asks of a session store. Small on purpose: one contract test suite runs against every store.

A turn is one `claim` and one `commit`; a step adds one `intent` before its effect. A lease is for speed: it
keeps two inbounds of one session from working at the same time. The version check with the fence is for
truth: a commit whose version or fence is behind changes nothing and raises `Conflict`.

Everything a store sees is sealed or keyed: it never holds an address, an answer or a reply in clear.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Final, Protocol

import msgspec

from kikao.sessions.outgoing import EVERY_SHARD, OutboxStore, Outgoing

PARTITIONS: Final = 1024
"""Sessions are divided by key; a session's record, dedupe records and intents share a partition."""


def partition(key: bytes) -> int:
    """The partition of a session key: its first ten bits."""
    return int.from_bytes(key[:2], "big") >> 6


class Record(msgspec.Struct, frozen=True):
    """One stored session. Times are seconds since the epoch (UTC)."""

    key: bytes
    version: int
    """Counts commits; the first commit makes version 1."""
    fence: int
    """Of the last writer; only a claim with the same or a higher one may write."""
    expires_at: float
    state: bytes
    """The sealed session."""
    address: bytes
    """The sealed address of the member, beside the key that only hashes it."""


class Seen(msgspec.Struct, frozen=True):
    """An inbound that was consumed; `reply` is the sealed reply, or None if its turn did not finish."""

    reply: bytes | None


class IntentRow(msgspec.Struct, frozen=True):
    """The index entry of an open intent: an effect that may be happening or may have happened."""

    id: bytes
    """Keyed hash of the idempotency key; unique in the store, which refuses the same one in a second session of a
    partition."""
    session: bytes
    fence: int
    lease_until: float
    """While this lies ahead somebody is working on it (and renews it); afterwards recovery may take it."""
    due_at: float
    """Recovery leaves it alone before this time (back-off)."""
    tries: int = 0


class Claim(msgspec.Struct, frozen=True):
    """The right to process one inbound of one session, until `lease_until`."""

    key: bytes
    fence: int
    lease_until: float
    record: Record | None
    """None for a session that does not exist yet: the first commit must expect version 0."""
    seen: Seen | None = None
    """Set (with `reply` None) when this inbound was consumed by a turn that died before its reply."""
    version_on_arrival: int = 0
    """The session's version when this claim first looked, before it waited for another turn."""
    intents: tuple[IntentRow, ...] = ()
    """The open intents of the session."""


class Duplicate(msgspec.Struct, frozen=True):
    """The inbound was processed; here is its sealed reply, the same bytes each time. No lease is held."""

    reply: bytes


class Busy(msgspec.Struct, frozen=True):
    """Another turn of this session still holds the lease after the wait. Nothing was changed."""

    record: Record | None


class Dedupe(msgspec.Struct, frozen=True):
    """The dedupe record of an inbound, written with its turn. `reply` None only marks it consumed."""

    key: bytes
    """Keyed hash of (channel, gateway, provider message id)."""
    reply: bytes | None
    expires_at: float


class Write(msgspec.Struct, frozen=True):
    """One atomic change of one session: all of it or nothing."""

    key: bytes
    fence: int
    version: int
    """The version this write expects to find (0: no such session); the session then has `version + 1`."""
    expires_at: float
    state: bytes
    address: bytes
    dedupe: Dedupe | None = None
    open: tuple[IntentRow, ...] = ()
    """Intents to add or replace (by id)."""
    close: tuple[bytes, ...] = ()
    """Ids of intents to remove."""
    outbox: tuple[Outgoing, ...] = ()
    """Messages of this session to send, in this order, each at the end of its lane."""
    critical: tuple[bytes, ...] = ()
    """Which of the intents that are added, replaced or removed are of effects that must not be lost.

    For a `kikao.sessions.ledger`; stores need not know.
    """


class Replacement(msgspec.Struct, frozen=True):
    """A session under other keys: sealed anew, and under another look-up key named anew. What is in it stays.

    Its messages are bound to their own ids: they only move along, and `OutboxStore.reseal` seals them anew.
    """

    key: bytes
    version: int
    """Of the record that was read; it stays."""
    fence: int
    """The same."""
    to: bytes
    """The key from now on: another one moves the session with all its dedupe records, open intents and messages."""
    state: bytes
    address: bytes
    replies: tuple[tuple[bytes, bytes], ...] = ()
    """Replies sealed anew, by the keys of their dedupe records."""
    intents: tuple[tuple[bytes, bytes], ...] = ()
    """Ids of open intents, each with the one it has from now on."""


class Conflict(Exception):
    """Somebody else wrote this session first (version or fence); nothing of the write was stored."""


class StoreUnavailable(Exception):
    """The store did not take the write: nothing of it is stored. Worth trying again later."""


class CommitUnknown(Exception):
    """The store did not answer a commit: it may or may not be stored. Read the dedupe record to find out."""


class StoreBroken(StoreUnavailable):
    """Disk full, failed fsync, read-only disk: the store stopped acknowledging, for good, and says why."""

    SAFE = True
    """The text names a file and what to do, nothing of a member."""


class StoreFull(StoreUnavailable):
    """The memory of the store's server is full: it takes nothing more until there is room again."""

    SAFE = True
    """The text names a server and what to do, nothing of a member."""


class StoreRefused(Exception):
    """The store cannot be opened as it is (newer schema, corrupt, in use); it was left untouched."""


CALLS: Final = (
    *("claim", "intent", "commit", "release", "renew", "end", "sweep", "due", "seen", "replace"),
    *("post", "take", "settle", "report", "pace", "share"),
)
"""What a store is asked while turns go on: measured, and where a test may strike."""


class SessionStore(OutboxStore, Protocol):
    """All methods raise `StoreUnavailable` when the store is away; times are seconds since the epoch.

    What a session has to send is stored with it: see `kikao.sessions.outgoing`.
    """

    async def open(self) -> None:
        """Connect, migrate where the store migrates itself, and recover leases of a dead process.

        Raises `StoreRefused` with what to do.
        """
        ...

    async def close(self) -> None:
        """Finish what was accepted and let go."""
        ...

    async def bind(self, name: str, value: bytes) -> bytes:
        """Set a fixed property (the look-up key's id and check value) unless it is set; return it."""
        ...

    async def rebind(self, name: str, old: bytes, new: bytes) -> bool:
        """Set a property that is still `old` to `new`; False, and nothing is changed, when it is not."""
        ...

    async def claim(
        self, key: bytes, dedupe: bytes | None, *, now: float, lease: float, wait: float
    ) -> Claim | Duplicate | Busy:
        """Take the session for one inbound, or answer its duplicate.

        `lease` and `wait` are seconds: how long the claim holds, and how long to wait for another turn (first
        come, first served where the store can). The fence of a claim is higher than any given before for this
        key.
        """
        ...

    async def intent(self, write: Write) -> None:
        """Commit before an effect: the lease stays. Raises `Conflict`, `CommitUnknown`."""
        ...

    async def commit(self, write: Write) -> None:
        """Commit the end of a turn and give the lease back, whatever comes of it.

        Raises `Conflict`, `CommitUnknown`; `ValueError` for an intent or a message of another session.
        """
        ...

    async def release(self, claim: Claim) -> None:
        """Give the lease back without writing; releasing twice, or after losing it, is harmless."""
        ...

    async def renew(self, key: bytes, ids: tuple[bytes, ...], fence: int, lease_until: float) -> int:
        """Move the lease of open intents of a session that still carry `fence`; return how many."""
        ...

    async def end(self, key: bytes) -> bool:
        """Remove a session and its dedupe records; False when there is none or an intent of it is open.

        Its messages stay.
        """
        ...

    async def sweep(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> int:
        """Remove at most `limit` expired sessions, and all else that has expired, a few at a time.

        That is dedupe records, messages that are sent or dead, and those that wait although they expired `FORGOTTEN`
        ago. Sessions that a turn holds or that have open intents stay, and sessions of other shards. Returns the
        number of sessions removed: less than `limit` when no more have expired.
        """
        ...

    async def due(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> list[IntentRow]:
        """Open intents of these shards whose lease has lapsed and whose time has come, oldest first."""
        ...

    def scan(self) -> AsyncIterator[Record]:
        """All sessions, in no order, each at most once; what changes meanwhile may be seen old or new."""
        ...

    async def seen(self, key: bytes, dedupe: bytes | None = None) -> tuple[Dedupe, ...]:
        """The dedupe records of a session, or the one of an inbound, in no order; expired ones may be among them."""
        ...

    async def replace(self, replacement: Replacement) -> bool:
        """Put a session under other keys; False, and nothing is changed, when its version or fence is another by now.

        No lease is needed: a turn at work commits as if nothing had happened. Only a session that stays under its key
        may be replaced while turns are at work. Another key (`to`) takes all that belongs to the session along, and
        what stands there, left by a try that was cut short, gives way, but for messages of other ids. Where the two
        keys cannot change in one transaction, doing it again after a crash completes it.

        Raises `ValueError` when a session is to move and an open intent of it has no new id.
        """
        ...
