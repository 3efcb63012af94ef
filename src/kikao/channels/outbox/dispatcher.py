"""Sends what the outbox holds: each lane in its order, one message of it at a time, no faster than its destination
allows, again when it was not taken, until it was or is dead.

At least once: a process that dies after the other side took a message, and before that is stored, leaves it to be sent
again, under the same id. What is stored says whose turn it is; nothing here is lost by a crash.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, Literal

from kikao.channels.outbox.sender import (
    MAX_TIMEOUT,
    Delivered,
    Destination,
    Letter,
    Outcome,
    Pace,
    Rejected,
    TryLater,
)
from kikao.events import (
    DestinationPaused,
    MessageDead,
    MessageReported,
    MessageRetried,
    MessageSent,
    Publish,
    short,
)
from kikao.sessions.keeper import Sessions
from kikao.sessions.outgoing import EVERY_SHARD, Again, Dead, Outgoing, Reported, Sent, Status, shard
from kikao.sessions.posting import opened
from kikao.sessions.sealing import SealError
from kikao.sessions.store import CommitUnknown, StoreUnavailable

AT_ONCE: Final = 64
"""Messages on their way at a time, from one process."""

HELD_UP: Final = 10.0
"""Seconds a message that was taken may wait for the pace of its destination; for longer, it is given back."""

SLACK: Final = 10.0
"""Seconds that a lease is longer than a message may be held up and a try may take: to store what came of it."""

POLL: Final = 1.0
"""Seconds until the outbox is looked at again although nobody said that there is something."""

LEAST_WAIT: Final = 1.0
"""Seconds that another side may say to wait, at least; less is no wait, and the try counts like any other."""

LONGEST_PAUSE: Final = 86400.0
"""Seconds that another side may stop what leaves to it, whatever it says."""

MOST_PUT_OFF: Final = 10_000
"""Sessions in which one is remembered that failed; of more, the next waits until that is tried again."""

MOMENT: Final = 0.05
"""Seconds that two messages may come closer together than the pace of whom they are for says."""

STALE: Final = 1.0
"""Seconds after which a message may well have another behind it."""

SETTLING: Final = 8
"""How often it is tried to store what became of a message; then it is sent again."""


class Dispatcher:
    """One process's part in sending. `shards` says which are its own, at each look; `destinations` are by full name,
    and more can be added before it runs."""

    def __init__(
        self,
        sessions: Sessions,
        destinations: Mapping[str, Destination],
        publish: Publish,
        *,
        shards: Callable[[], Collection[int]] = lambda: EVERY_SHARD,
        at_once: int = AT_ONCE,
        poll: float = POLL,
        held_up: float = HELD_UP,
        slack: float = SLACK,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.destinations: dict[str, Destination] = {}
        self.lease = held_up + slack
        """Seconds a message is left alone that somebody took, at most; so long it waits when that process dies."""
        self._leases: dict[str, float] = {}
        self._gates: dict[str, asyncio.Lock] = {}
        self._held_up = held_up
        self._slack = slack
        self._sessions = sessions
        self._publish = publish
        self._shards = shards
        self._at_once = at_once
        self._poll = poll
        self._chance = chance
        self._woken = asyncio.Event()
        self._asked: set[int] = set()
        """Shards to look into next, whoever looks after them."""
        self._put_off: dict[bytes, Outgoing] = {}
        """By session: what this process could not send, and tries again soon, of lanes where only the newest counts."""
        self._overtaken: set[bytes] = set()
        """Sessions in which something newer may stand behind that."""
        self._flying: dict[asyncio.Task[None], Outgoing] = {}
        self._paused: dict[str, float] = {}
        self._looking = asyncio.Lock()
        self._stopping = False
        self.add(destinations)

    def add(self, destinations: Mapping[str, Destination]) -> None:
        """Send to these, too. Raises `ValueError` for one whose tries may take longer than `MAX_TIMEOUT`."""
        for name, destination in destinations.items():
            if destination.timeout > MAX_TIMEOUT:
                raise ValueError(f"{name}: a try may take {MAX_TIMEOUT} s at most, not {destination.timeout}")
            self._leases[name] = lease = self._held_up + destination.timeout + self._slack
            self._gates[name] = asyncio.Lock()
            self.lease = max(self.lease, lease)
        self.destinations.update(destinations)

    def __len__(self) -> int:
        """How many messages are on their way."""
        return len(self._flying)

    def wake(self, *shards: int) -> None:
        """There is something to send, or room for more; in these shards too, whoever looks after them."""
        self._asked.update(shards)
        self._woken.set()

    def stored(self, session: bytes) -> None:
        """A message of this session was stored: it leaves at once, whoever looks after its shard.

        Where only the newest counts, what failed before it is given up, and it need not wait for that.
        """
        if session in self._put_off:
            self._overtaken.add(session)
        self.wake(shard(session))

    async def run(self) -> None:
        """Send what there is, and what comes, until `stop`."""
        if not self.destinations:
            return
        failures = 0
        while not self._stopping:
            self._woken.clear()
            try:
                full = await self._look()
                failures = 0
            except (StoreUnavailable, CommitUnknown):  # what a lost answer leased comes back when that lapses
                full, failures = False, min(failures + 1, 5)
            if not full:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll * 2**failures):
                        await self._woken.wait()

    async def once(self) -> int:
        """Send all that is due, and what then follows in its lanes; how many tries that were. Raises what the store
        raises.
        """
        tries = 0
        while True:
            await self._look()
            if not self._flying:
                return tries
            tries += len(self._flying)
            await asyncio.wait(self._flying)

    async def report(self, to: str, reference: str, status: Status) -> Reported:
        """What a destination tells of a message, by its own name for it. Raises what the store raises.

        "unknown" also before what was sent is settled: who hears of it asks to be told again.
        """
        key = self._sessions.ring.lookup("reference", to, reference)
        reported = await self._sessions.store.report(key, status)
        if reported == "raised" and (said := _SAID.get(status)) is not None:
            self._publish(MessageReported(to=to, status=said))
        return reported

    async def may_leave(self, to: str, body: bytes) -> bool:
        """Whether a message that cannot wait here may leave now, by the paces of its destination; it counts then.

        Raises what the store raises, and what `Destination.paces` does.
        """
        destination, now, pace = self.destinations[to], self._sessions.clock(), self._sessions.store.pace
        for name, of in destination.paces(body) if destination.paces is not None else ():
            if await pace(self._hashed(to, name), now=now, interval=of.interval, burst=of.burst) > 0.0:
                return False
        whole = destination.pace or Pace(0.0)
        return await pace(to, now=now, interval=whole.interval, burst=whole.burst) <= 0.0

    async def stop(self, budget: float) -> None:
        """Take no more; give what is on its way `budget` seconds, and the rest back."""
        self._stopping = True
        self._woken.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(budget):
                async with self._looking:  # who was just taking something gives it back
                    pass
                await asyncio.gather(*(asyncio.shield(task) for task in self._flying), return_exceptions=True)
        late = list(self._flying)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _look(self) -> bool:
        """Take what may be sent now; whether there may be more."""
        async with self._looking:
            return await self._take()

    async def _take(self) -> bool:
        await self._give_up()
        now, flying = self._sessions.clock(), Counter(message.to for message in self._flying.values())
        room = self._at_once - len(self._flying)
        free = {
            name: destination.at_once - flying[name]
            for name, destination in self.destinations.items()
            if self._paused.get(name, 0.0) <= now
            and destination.at_once > flying[name]
            and (destination.here is None or destination.here())
        }
        if room <= 0 or not free or self._stopping:
            return False
        limit = min(room, *free.values()) if len(free) > 1 else min(room, sum(free.values()))
        asked = frozenset(self._asked)
        shards = asked.union(self._shards()) if asked else self._shards()
        taken: list[Outgoing] = []
        for lease, here, names in self._alike(free):
            if len(taken) < limit:
                taken += await self._sessions.store.take(
                    now=now,
                    lease=lease,
                    limit=limit - len(taken),
                    shards=EVERY_SHARD if here else shards,
                    destinations=names,
                )
        if len(taken) < limit:
            self._asked -= asked
        if self._stopping:
            for message in taken:
                await self._stored(message, Again(message.due_at, message.reason, counts=False))
            return False
        for message in taken:
            task = asyncio.create_task(self._send(message, self.destinations[message.to]))
            self._flying[task] = message
            task.add_done_callback(self._landed)
        return len(taken) == limit

    def _alike(self, free: Iterable[str]) -> list[tuple[float, bool, list[str]]]:
        """Destinations that are taken for together, those of the shortest lease first: they have the least time."""
        groups: dict[tuple[float, bool], list[str]] = {}
        for name in free:
            here = self.destinations[name].here is not None
            groups.setdefault((self._leases[name], here), []).append(name)
        return [(lease, here, names) for (lease, here), names in sorted(groups.items())]

    async def _give_up(self) -> None:
        """What failed, and has something newer behind it by now, is dead. Its fence says if somebody took it since."""
        while self._overtaken:
            message = self._put_off.get(session := next(iter(self._overtaken)))
            if message is not None and await self._superseded(message):
                await self._dead(message, "superseded")
            self._put_off.pop(session, None)
            self._overtaken.discard(session)

    def _landed(self, task: asyncio.Task[None]) -> None:
        message = self._flying.pop(task)
        if (number := shard(message.session)) not in self._shards():
            self._asked.add(number)  # what follows in its lane is ours to send, too
        self._woken.set()

    async def _send(self, message: Outgoing, destination: Destination) -> None:
        """One message that was taken. While the store is away it stays as it is there: its lease lapses."""
        with contextlib.suppress(StoreUnavailable, CommitUnknown):
            await self._try(message, destination)

    async def _try(self, message: Outgoing, destination: Destination) -> None:
        now = self._sessions.clock()
        self._put_off.pop(message.session, None)
        if message.expires_at <= now:
            return await self._dead(
                message, f"expired; the last: {message.reason}" if message.reason else "expired"
            )
        if message.tries > destination.tries:
            return await self._dead(
                message, f"{destination.tries} tries; the last: {message.reason or 'cut short'}"
            )
        waited = message.tries > 1 or now >= message.posted_at + STALE
        if destination.newest and waited and await self._superseded(message):
            return await self._dead(message, "superseded")
        try:
            body = opened(self._sessions.ring, message)
        except SealError:
            return await self._dead(message, "it does not open with the keys that are set")
        try:
            if not await self._spaced(message, destination, body) or not await self._granted(
                message, destination
            ):
                return None
            if self._sessions.clock() - now > MOMENT and not await self._apart(message, destination, body):
                return None
            if self._sessions.clock() + destination.timeout > message.lease_until:
                return None  # held up for so long (a slow store, a process that stood still) that another may send it
            began = time.perf_counter()
            letter = Letter(message.id, message.to, body, message.tries)
            outcome = await destination.tried(letter)
        except asyncio.CancelledError:
            await self._give_back(message)
            raise
        if isinstance(outcome, TryLater) and outcome.alone and outcome.after and not outcome.held:
            await self._pause_alone(message, destination, body, outcome.after)
        return await self._settle(message, destination, outcome, time.perf_counter() - began)

    async def _spaced(self, message: Outgoing, destination: Destination, body: bytes) -> bool:
        """Whether whom it is for may get one more now; else its lane waits, and nobody else."""
        if destination.paces is None:
            return True
        try:
            paces = destination.paces(body)
        except Exception as error:  # noqa: BLE001 - it would fail each time, and what is behind it would wait
            await self._dead(message, f"unreadable: {type(error).__name__}")
            return False
        now = self._sessions.clock()
        for name, pace in paces:
            wait = await self._sessions.store.pace(
                self._hashed(message.to, name), now=now, interval=pace.interval, burst=pace.burst
            )
            if wait > 0.0:
                await self._stored(message, Again(now + wait, message.reason, counts=False))
                if wait < self._poll:
                    asyncio.get_running_loop().call_later(wait, self._woken.set)
                return False
        return True

    async def _apart(self, message: Outgoing, destination: Destination, body: bytes) -> bool:
        """Whether whom it is for got nothing lately, after it waited for its destination. Else its lane waits.

        Their own pace was asked before that: what one message waited longer than another they would come closer
        together. From here on it counts from now. A pace with a burst leaves room for that.
        """
        now = self._sessions.clock()
        for name, pace in destination.paces(body) if destination.paces is not None else ():
            if pace.burst > 1:
                continue
            hashed = self._hashed(message.to, name)
            wait = await self._sessions.store.pace(hashed, now=now, interval=0.0, burst=1)
            if wait > 0.0:
                await self._stored(message, Again(now + wait, message.reason, counts=False))
                return False
            await self._sessions.store.pause(hashed, now + pace.interval)
        return True

    async def _pause_alone(
        self, message: Outgoing, destination: Destination, body: bytes, seconds: float
    ) -> None:
        """Whom it is for gets nothing for a while, whichever lane it is in."""
        until = self._sessions.clock() + min(seconds, LONGEST_PAUSE)
        for name, _ in destination.paces(body) if destination.paces is not None else ():
            with contextlib.suppress(StoreUnavailable, CommitUnknown):  # others are told to wait themselves
                await self._sessions.store.pause(self._hashed(message.to, name), until)

    def _hashed(self, to: str, name: str) -> str:
        return f"{to} {self._sessions.ring.lookup('pace', to, name).hex()}"

    async def _granted(self, message: Outgoing, destination: Destination) -> bool:
        """Wait for the destination's pace; if that takes too long the message is given back, and False."""
        pace = destination.pace
        async with self._gates[message.to]:  # one asks, the others stand in line
            while True:
                now = self._sessions.clock()
                wait = await self._sessions.store.pace(
                    message.to,
                    now=now,
                    interval=pace.interval if pace else 0.0,
                    burst=pace.burst if pace else 1,
                )
                if wait <= 0.0:
                    return True
                if (
                    self._stopping
                    or now + wait > message.lease_until - self._leases[message.to] + self._held_up
                ):
                    self._paused[message.to] = now + min(wait, self._poll * 10)
                    await self._stored(message, Again(now + wait, message.reason, counts=False))
                    return False
                await asyncio.sleep(wait)

    async def _settle(
        self, message: Outgoing, destination: Destination, outcome: Outcome, seconds: float
    ) -> None:
        now = self._sessions.clock()
        if isinstance(outcome, Delivered):
            return await self._delivered(message, outcome, seconds)
        if isinstance(outcome, Rejected):
            return await self._dead(message, outcome.reason)
        told = outcome.after is not None and outcome.after >= LEAST_WAIT
        wait = min(outcome.after, LONGEST_PAUSE) if outcome.after and told else None
        wait = destination.backoff(message.tries, self._chance()) if wait is None else wait
        if told and not (outcome.alone or outcome.held):
            await self._pause(message.to, wait, outcome.reason)
        elif not told and message.tries >= destination.tries:
            return await self._dead(message, f"{destination.tries} tries; the last: {outcome.reason}")
        if destination.newest:
            if now + wait >= message.expires_at:
                return await self._dead(message, f"expired; the last: {outcome.reason}")
            if await self._superseded(message):
                return await self._dead(message, "superseded")
            if len(self._put_off) < MOST_PUT_OFF:
                self._put_off[message.session] = message
        again = Again(now + wait, outcome.reason, counts=not told)
        if await self._stored(message, again):
            self._publish(
                MessageRetried(**_named(message), reason=outcome.reason, retry_after=round(wait, 3))
            )
        return None

    async def _delivered(self, message: Outgoing, outcome: Delivered, seconds: float) -> None:
        now, reference = self._sessions.clock(), None
        if outcome.reference:
            reference = self._sessions.ring.lookup("reference", message.to, outcome.reference)
        kept = self.destinations[message.to].sent_kept
        if await self._stored(message, Sent(now + kept, reference)):
            waited = round(max(0.0, now - message.posted_at), 3)
            self._publish(MessageSent(**_named(message), ms=round(seconds * 1000, 2), waited=waited))

    async def _pause(self, name: str, seconds: float, reason: str) -> None:
        until = self._sessions.clock() + seconds
        if until <= self._paused.get(name, 0.0):
            return
        self._paused[name] = until
        with contextlib.suppress(StoreUnavailable, CommitUnknown):  # others are told to wait themselves
            await self._sessions.store.pause(name, until)
        self._publish(DestinationPaused(to=name, seconds=round(seconds, 3), reason=reason))

    async def _dead(self, message: Outgoing, reason: str) -> None:
        kept = self.destinations[message.to].dead_kept
        if await self._stored(message, Dead(self._sessions.clock() + kept, reason)):
            self._publish(MessageDead(**_named(message), reason=reason))

    async def _give_back(self, message: Outgoing) -> None:
        """Told to stop in the middle: somebody else sends it, maybe again."""
        back = Again(self._sessions.clock(), "cut short")
        with contextlib.suppress(StoreUnavailable, CommitUnknown, TimeoutError):
            async with asyncio.timeout(self._poll):
                await asyncio.shield(self._sessions.store.settle(message, back))

    async def _stored(self, message: Outgoing, outcome: Sent | Again | Dead) -> bool:
        """Store what became of a message, however often it takes while it is ours; False if it is not any more."""
        for attempt in range(SETTLING):
            try:
                return await self._sessions.store.settle(message, outcome)
            except (StoreUnavailable, CommitUnknown):
                await asyncio.sleep(self._poll * self._chance() * 2**attempt / 4)
        return False

    async def _superseded(self, message: Outgoing) -> bool:
        """Whether another message waits behind one that was taken, the first of its lane."""
        store = self._sessions.store
        async for other in store.messages(state="waiting", session=message.session):
            if other.to == message.to and other.id != message.id:
                return True
        return False


_SAID: Final[Mapping[Status, Literal["sent", "failed", "delivered", "read"]]] = {
    Status.SENT: "sent",
    Status.FAILED: "failed",
    Status.DELIVERED: "delivered",
    Status.READ: "read",
}


def _named(message: Outgoing) -> dict[str, Any]:
    return {
        "to": message.to,
        "message": message.id.hex(),
        "session": short(message.session),
        "tries": message.tries,
    }
