"""What kikao asks of a store about messages to send: the outbox, its pace, and who looks after which part of it.

A message is stored with the turn that caused it, or not at all. Those of one session to one destination are a lane:
they leave in the order in which they were stored, one at a time. Lanes know nothing of each other, so that a message
that cannot be sent holds up nobody else.

A lease is for speed, the fence for truth: whoever took a message and was held up for longer than the lease settles
nothing any more. Between sending and settling lies a moment in which a process can die: a message is sent at least
once, and its `id` is what a receiver tells copies by.

What is to be sent outlives its session: neither its end nor its expiry takes a message along.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from enum import IntEnum
from typing import Final, Literal, Protocol

import msgspec

SHARDS: Final = 64
"""Partitions are looked after in so many groups of neighbours: a worker holds the lease of some."""

EVERY_SHARD: Final = frozenset(range(SHARDS))

FORGOTTEN: Final = 7 * 86400.0
"""Seconds after which a sweep removes what waits although it has expired: nobody sends there any more."""

State = Literal["waiting", "sent", "dead"]

Reported = Literal["raised", "old", "unknown"]
"""What a report did: it told something new, or nothing new, or is about a message that nobody knows (yet)."""


def shard(key: bytes) -> int:
    """The shard of a session key: its first six bits."""
    return key[0] >> 2 if key else 0


class Status(IntEnum):
    """How far a message came, as far as anybody said. A status only ever rises, in whatever order reports come in.

    That a message was delivered is believed also after a report that it failed, and not the other way round.
    """

    WAITING = 0
    SENT = 10
    FAILED = 20
    DELIVERED = 30
    READ = 40


class Outgoing(msgspec.Struct, frozen=True):
    """A message to send. Times are seconds since the epoch (UTC)."""

    id: bytes
    """16 octets that nobody can guess; unique in the store."""
    session: bytes
    """The key of the session it belongs to, whose partition it shares."""
    to: str
    """The destination: whose sender takes it, whose pace it keeps ("webhook/crm")."""
    payload: bytes
    """Sealed, bound to `id` and `to`, not to the session: it may be opened when that has moved or is gone."""
    due_at: float
    """Not before this time."""
    expires_at: float
    """Whatever was not sent by then is dead; what was sent, or is dead, is kept until then and then swept."""
    urgency: int = 0
    """0 to 9. Of the lanes that are due, those of a lower number go first: 0 for a reply, 1 for a notice."""
    posted_at: float = 0.0
    """When it was first stored; it tells how long it waits."""
    tries: int = 0
    """How often it was taken to be sent, this time included."""
    fence: int = 0
    """Counts how often it was taken; only who took it last may settle it."""
    lease_until: float = 0.0
    state: State = "waiting"
    status: Status = Status.WAITING
    reason: str = ""
    """Why it is dead, or was not sent at the last try; nothing of a member."""


class Sent(msgspec.Struct, frozen=True):
    """It was sent."""

    keep_until: float
    """How long reports about it may come."""
    reference: bytes | None = None
    """Keyed hash of what the provider calls it, for reports."""


class Again(msgspec.Struct, frozen=True):
    """It was not sent: once more later. The lane waits with it."""

    due_at: float
    reason: str
    counts: bool = True
    """Whether this was a try; not, when the provider only said to wait, or it was given back."""


class Dead(msgspec.Struct, frozen=True):
    """It will not be sent: an operator may replay it. The lane goes on without it."""

    keep_until: float
    reason: str


class Share(msgspec.Struct, frozen=True):
    """What a worker looks after until its lease ends: recovery, sweeping, sending."""

    shards: frozenset[int]
    workers: int
    """How many are at work, itself included."""


class Backlog(msgspec.Struct, frozen=True):
    """What the outbox holds for one destination, and has not sent."""

    to: str
    waiting: int
    dead: int
    oldest: float | None
    """When the message that waits the longest was posted; None when none waits."""


class OutboxStore(Protocol):
    """All methods raise `StoreUnavailable` when the store is away; times are seconds since the epoch.

    Messages that belong to a turn come with its `Write.outbox`: stored with the write or not at all, in that order, at
    the end of their lanes. There, too, one whose id is stored already is left as it is.
    """

    async def post(self, messages: Sequence[Outgoing]) -> int:
        """Store messages outside of a turn; those whose id is there already are left as they are. How many were new.

        Each message is stored or not by itself. Raises `CommitUnknown`: posting them again is harmless.
        """
        ...

    async def take(
        self,
        *,
        now: float,
        lease: float,
        limit: int,
        shards: Collection[int] = EVERY_SHARD,
        destinations: Collection[str],
    ) -> list[Outgoing]:
        """Lease at most `limit` messages to these destinations. Each has its new fence and counts one more try.

        Of each lane it is the first that is neither sent nor dead, if it is due and nobody holds it; by urgency, then
        by `due_at`.

        One that has expired is taken too: whoever takes it settles it as dead.
        """
        ...

    async def settle(self, message: Outgoing, outcome: Sent | Again | Dead) -> bool:
        """What became of a message that was taken; False, and nothing is changed, when its fence is another by now.

        Also False when it is not waiting any more. Raises `CommitUnknown`: settling it again is harmless.
        """
        ...

    async def report(self, reference: bytes, status: Status) -> Reported:
        """Raise the status of a message that was sent; "unknown" too for one whose sending is not settled yet."""
        ...

    def messages(
        self, *, state: State | None = None, session: bytes | None = None
    ) -> AsyncIterator[Outgoing]:
        """Stored messages in no order, each at most once: of a state, of a session, or all."""
        ...

    async def replay(self, messages: Sequence[Outgoing], *, now: float, expires_at: float) -> int:
        """Put dead messages back as if they were new: due now, behind what waits in their lanes. How many were dead.

        They get there in the order given.
        """
        ...

    async def discard(self, messages: Sequence[Outgoing]) -> int:
        """Remove dead messages. How many there were."""
        ...

    async def reseal(self, message: Outgoing, payload: bytes) -> bool:
        """Put the same content sealed anew in the place of a payload; False when the message is gone.

        It needs no lease, and whoever sends the message meanwhile never notices.
        """
        ...

    async def backlog(self, *, shards: Collection[int] = EVERY_SHARD) -> list[Backlog]:
        """What waits or is dead in these shards, by destination. May cost as much as it finds."""
        ...

    async def pace(self, name: str, *, now: float, interval: float, burst: int) -> float:
        """Ask to send one more where one is allowed each `interval` seconds, and `burst` at once after a rest.

        0.0 grants it, and counts it, over all workers; otherwise nothing is counted, and it is the seconds to wait
        (GCRA: https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm). An interval of 0 only asks for pauses.
        """
        ...

    async def pause(self, name: str, until: float) -> None:
        """Grant nothing under this name before then: a provider said to wait. A shorter pause leaves a longer one."""
        ...

    async def share(self, worker: str, *, now: float, lease: float) -> Share:
        """Say that a worker is alive for `lease` seconds more, and take or keep its fair share of the shards.

        Shards of workers that are not alive are free. Whoever has more than its share lets go of the rest. No shard is
        ever in two shares whose leases last. Shares differ by one shard at most once every worker has asked twice.
        Where there can be one process only, it has all of them.
        """
        ...

    async def leave(self, worker: str) -> None:
        """A worker ends: its shards are free at once."""
        ...
