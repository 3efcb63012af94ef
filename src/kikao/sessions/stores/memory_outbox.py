"""Messages to send in the memory of one process.

A lane is a queue of ids. What stands first in a lane is filed by when it may be taken: later ones by that time, those
whose time has come by urgency. An entry is never looked for: one that its message has left behind is dropped when it
is met.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import AsyncIterator, Collection, Sequence

from msgspec.structs import replace

from kikao.sessions.outgoing import (
    EVERY_SHARD,
    FORGOTTEN,
    SHARDS,
    Again,
    Backlog,
    Dead,
    Outgoing,
    Reported,
    Sent,
    Share,
    State,
    Status,
    shard,
)
from kikao.sessions.stores.pacing import Paces
from kikao.sessions.stores.sharing import Workers

Lane = tuple[bytes, str]


class MemoryOutbox:
    """An `OutboxStore` that promises nothing past the process. It belongs to one event loop."""

    def __init__(self) -> None:
        self._messages: dict[bytes, Outgoing] = {}
        self._lanes: dict[Lane, deque[bytes]] = {}  # of what waits
        self._of: dict[bytes, dict[bytes, None]] = {}  # the ids of a session's messages, as they came
        self._later: dict[str, list[tuple[float, int, bytes]]] = {}
        self._ready: dict[str, list[tuple[int, float, int, bytes]]] = {}
        self._references: dict[bytes, bytes] = {}  # ids by reference, and the other way round
        self._reference_of: dict[bytes, bytes] = {}
        self._expiries: list[tuple[float, bytes]] = []
        self._count = itertools.count()
        self._paces = Paces()
        self._workers = Workers()

    async def post(self, messages: Sequence[Outgoing]) -> int:
        return sum(self._post(message) for message in messages)

    async def take(
        self,
        *,
        now: float,
        lease: float,
        limit: int,
        shards: Collection[int] = EVERY_SHARD,
        destinations: Collection[str],
    ) -> list[Outgoing]:
        found: list[tuple[int, float, int, bytes, str]] = []
        for to in set(destinations):
            self._ripen(to, now)
            found += [(*entry, to) for entry in self._pick(to, now, limit, shards)]
        found.sort()
        for *entry, to in found[limit:]:
            heapq.heappush(self._ready[to], tuple(entry))  # type: ignore[misc]
        taken = []
        for *_, id_, _ in found[:limit]:
            message = self._messages[id_]
            leased = replace(
                message, tries=message.tries + 1, fence=message.fence + 1, lease_until=now + lease
            )
            self._file(leased)
            taken.append(leased)
        return taken

    async def settle(self, message: Outgoing, outcome: Sent | Again | Dead) -> bool:
        found = self._messages.get(message.id)
        if found is None or found.state != "waiting" or found.fence != message.fence:
            return False
        if isinstance(outcome, Again):
            tries = found.tries if outcome.counts else found.tries - 1
            self._file(
                replace(found, due_at=outcome.due_at, lease_until=0.0, reason=outcome.reason, tries=tries)
            )
            return True
        if isinstance(outcome, Sent):
            settled = replace(found, state="sent", status=Status.SENT, reason="")
            if outcome.reference is not None:
                self._references[outcome.reference] = found.id
                self._reference_of[found.id] = outcome.reference
        else:
            settled = replace(found, state="dead", reason=outcome.reason)
        settled = replace(settled, lease_until=0.0, expires_at=outcome.keep_until)
        self._messages[found.id] = settled
        heapq.heappush(self._expiries, (settled.expires_at, settled.id))
        self._leave_lane(found)
        return True

    async def report(self, reference: bytes, status: Status) -> Reported:
        found = self._messages.get(self._references.get(reference, b""))
        if found is None or found.state != "sent":
            return "unknown"
        if found.status >= status:
            return "old"
        self._messages[found.id] = replace(found, status=status)
        return "raised"

    async def messages(
        self, *, state: State | None = None, session: bytes | None = None
    ) -> AsyncIterator[Outgoing]:
        for id_ in list(self._messages if session is None else self._of.get(session, ())):
            message = self._messages.get(id_)
            if message is not None and (state is None or message.state == state):
                yield message

    async def replay(self, messages: Sequence[Outgoing], *, now: float, expires_at: float) -> int:
        dead = self._dead(messages)
        for message in dead:
            self._queue(
                replace(
                    message,
                    state="waiting",
                    due_at=now,
                    expires_at=expires_at,
                    posted_at=now,
                    tries=0,
                    reason="",
                )
            )
        return len(dead)

    async def discard(self, messages: Sequence[Outgoing]) -> int:
        dead = self._dead(messages)
        for message in dead:
            self._remove(message)
        return len(dead)

    async def reseal(self, message: Outgoing, payload: bytes) -> bool:
        found = self._messages.get(message.id)
        if found is None:
            return False
        self._messages[found.id] = replace(found, payload=payload)
        return True

    async def backlog(self, *, shards: Collection[int] = EVERY_SHARD) -> list[Backlog]:
        found: dict[str, Backlog] = {}
        for message in self._messages.values():
            if message.state == "sent" or shard(message.session) not in shards:
                continue
            so_far = found.get(message.to) or Backlog(message.to, 0, 0, None)
            if message.state == "dead":
                found[message.to] = replace(so_far, dead=so_far.dead + 1)
                continue
            oldest = message.posted_at if so_far.oldest is None else min(so_far.oldest, message.posted_at)
            found[message.to] = replace(so_far, waiting=so_far.waiting + 1, oldest=oldest)
        return sorted(found.values(), key=lambda backlog: backlog.to)

    async def pace(self, name: str, *, now: float, interval: float, burst: int) -> float:
        return self._paces.ask(name, now, interval, burst)

    async def pause(self, name: str, until: float) -> None:
        self._paces.pause(name, until)

    async def share(self, worker: str, *, now: float, lease: float) -> Share:
        return self._workers.share(worker, now, lease)

    async def leave(self, worker: str) -> None:
        self._workers.leave(worker)

    # --- for the store of sessions ---

    def _reopen(self) -> None:
        """Leases of messages that a process held which died over the same memory are void."""
        for id_, message in self._messages.items():
            if message.lease_until:
                self._messages[id_] = replace(message, lease_until=0.0)
        self._later, self._ready = {}, {}
        for queue in self._lanes.values():
            self._file(self._messages[queue[0]])

    def _post(self, message: Outgoing) -> bool:
        if message.id in self._messages:
            return False
        self._of.setdefault(message.session, {})[message.id] = None
        self._queue(message)
        return True

    def _move_messages(self, key: bytes, to: bytes) -> None:
        """Take the messages of a session to another key, behind those of others that are there."""
        for id_ in self._of.pop(key, ()):
            before = self._messages[id_]
            moved = self._messages[id_] = replace(before, session=to)
            self._of.setdefault(to, {})[id_] = None
            queue = self._lanes.pop((key, before.to), None)
            if queue is not None:
                there = self._lanes.setdefault((to, moved.to), deque())
                there.extend(queue)
                self._file(self._messages[there[0]])

    def _sweep_messages(self, now: float, shards: Collection[int]) -> None:
        kept: list[tuple[float, bytes]] = []
        while self._expiries and self._expiries[0][0] <= now:
            at, id_ = heapq.heappop(self._expiries)
            message = self._messages.get(id_)
            if message is None or at != _swept_at(message):
                continue
            if shard(message.session) in shards:
                self._remove(message)
            else:
                kept.append((at, id_))
        for entry in kept:
            heapq.heappush(self._expiries, entry)

    # --- inside ---

    def _queue(self, message: Outgoing) -> None:
        self._messages[message.id] = message
        heapq.heappush(self._expiries, (_swept_at(message), message.id))
        lane = (message.session, message.to)
        queue = self._lanes.get(lane)
        if queue is None:
            self._lanes[lane] = deque((message.id,))
            self._file(message)
        else:
            queue.append(message.id)

    def _file(self, message: Outgoing) -> None:
        """Store what stands first in its lane, to be taken when its time has come and nobody holds it."""
        self._messages[message.id] = message
        heapq.heappush(
            self._later.setdefault(message.to, []), (_taken_at(message), next(self._count), message.id)
        )

    def _ripen(self, to: str, now: float) -> None:
        later = self._later.get(to, [])
        while later and later[0][0] <= now:
            at, order, id_ = heapq.heappop(later)
            message = self._first(id_, at)
            if message is not None:
                heapq.heappush(self._ready.setdefault(to, []), (message.urgency, message.due_at, order, id_))

    def _pick(
        self, to: str, now: float, limit: int, shards: Collection[int]
    ) -> list[tuple[int, float, int, bytes]]:
        """Out of what is ready, as much as may be taken."""
        ready = self._ready.get(to, [])
        found: dict[bytes, tuple[int, float, int, bytes]] = {}
        kept = []
        while ready and len(found) < limit:
            entry = heapq.heappop(ready)
            message = self._first(entry[3], None)
            if message is None or message.due_at != entry[1] or entry[3] in found:
                continue
            if _taken_at(message) > now:  # its time had come already, and a clock was set back
                self._file(message)
            elif len(shards) == SHARDS or shard(message.session) in shards:
                found[message.id] = entry
            else:
                kept.append(entry)
        for entry in kept:
            heapq.heappush(ready, entry)
        return list(found.values())

    def _first(self, id_: bytes, at: float | None) -> Outgoing | None:
        """The message if it stands first in its lane (and may be taken at that time); else its entry is old."""
        message = self._messages.get(id_)
        if message is None or message.state != "waiting" or (at is not None and at != _taken_at(message)):
            return None
        return message if self._lanes[message.session, message.to][0] == id_ else None

    def _leave_lane(self, message: Outgoing) -> None:
        lane = (message.session, message.to)
        queue = self._lanes[lane]
        first = queue[0] == message.id
        queue.remove(message.id)
        if not queue:
            del self._lanes[lane]
        elif first:
            self._file(self._messages[queue[0]])

    def _remove(self, message: Outgoing) -> None:
        if message.state == "waiting":
            self._leave_lane(message)
        del self._messages[message.id]
        ids = self._of[message.session]
        del ids[message.id]
        if not ids:
            del self._of[message.session]
        reference = self._reference_of.pop(message.id, None)
        if reference is not None and self._references[reference] == message.id:
            del self._references[reference]

    def _dead(self, messages: Sequence[Outgoing]) -> list[Outgoing]:
        found = [self._messages.get(id_) for id_ in dict.fromkeys(message.id for message in messages)]
        return [message for message in found if message is not None and message.state == "dead"]


def _taken_at(message: Outgoing) -> float:
    return max(message.due_at, message.lease_until)


def _swept_at(message: Outgoing) -> float:
    return message.expires_at + FORGOTTEN if message.state == "waiting" else message.expires_at
