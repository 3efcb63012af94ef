"""The outbox of a store against a model made of lists: whatever happens in whatever order, both say the same."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, invariant, multiple, rule
from msgspec.structs import replace

from kikao.sessions.outgoing import FORGOTTEN, Again, Backlog, Dead, Outgoing, Sent, Status
from kikao.sessions.store import Claim, Record, Replacement, Write
from tests.sessions.machine import Machine

KEYS = st.sampled_from([b"\x00a", b"\xffb"])
DESTINATIONS = ("webhook/crm", "sms")
SECONDS = st.sampled_from([0.0, 1.0, 5.0, 12.0, 60.0])
REFERENCES = st.none() | st.sampled_from([b"r1", b"r2"])


class OutboxMachine(Machine):
    taken: Bundle[Outgoing] = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.lane: list[Outgoing] = []
        """What the model holds; those of one lane in their order."""
        self.references: dict[bytes, bytes] = {}
        self.count = 0

    # --- the model ---

    def place(self, id_: bytes) -> int | None:
        return next((at for at, each in enumerate(self.lane) if each.id == id_), None)

    def firsts(self) -> list[Outgoing]:
        """Of each lane the first that waits."""
        found: dict[tuple[bytes, str], Outgoing] = {}
        for each in self.lane:
            if each.state == "waiting":
                found.setdefault((each.session, each.to), each)
        return list(found.values())

    def dead(self) -> list[Outgoing]:
        return [each for each in self.lane if each.state == "dead"]

    # --- what may happen ---

    @rule(
        key=KEYS,
        to=st.sampled_from(DESTINATIONS),
        due_in=st.sampled_from([0.0, 0.0, 0.0, 5.0, 60.0]),
        urgency=st.integers(0, 2),
        with_turn=st.booleans(),
        again=st.booleans(),
    )
    def post(self, key: bytes, to: str, due_in: float, urgency: int, with_turn: bool, again: bool) -> None:
        self.count += not (again and self.count)
        id_ = self.count.to_bytes(16, "big")
        due_at, expires_at = self.now + due_in, self.now + 120.0
        new = Outgoing(id_, key, to, b"payload", due_at, expires_at, urgency, self.now)
        known = self.place(id_) is not None
        if with_turn:
            claim = self.run(self.store.claim(key, None, now=self.now, lease=1.0, wait=0))
            assert isinstance(claim, Claim)
            version = 0 if claim.record is None else claim.record.version
            write = Write(key, claim.fence, version, self.now + 1e6, b"s", b"a", outbox=(new,))
            self.run(self.store.commit(write))
        else:
            assert self.run(self.store.post([new])) == (not known)
        if not known:
            self.lane.append(new)

    @rule(
        target=taken,
        lease=SECONDS,
        to=st.sampled_from([DESTINATIONS, DESTINATIONS[:1], DESTINATIONS[1:]]),
        shards=st.sampled_from([range(64), range(32), range(32, 64)]),
    )
    def take_one(
        self, lease: float, to: tuple[str, ...], shards: range
    ) -> Outgoing | MultipleResults[Outgoing]:
        found = self.run(self.store.take(now=self.now, lease=lease, limit=1, shards=shards, destinations=to))
        ready = [
            each
            for each in self.firsts()
            if each.to in to
            and each.session[0] >> 2 in shards
            and each.due_at <= self.now
            and each.lease_until <= self.now
        ]
        assert len(found) == min(1, len(ready))
        if not found:
            return multiple()
        (message,) = found
        (before,) = [each for each in ready if each.id == message.id]
        assert (message.urgency, message.due_at) == min((each.urgency, each.due_at) for each in ready)
        assert message == replace(
            before, tries=before.tries + 1, fence=message.fence, lease_until=self.now + lease
        )
        assert message.fence > before.fence
        self.lane[self.lane.index(before)] = message
        return message

    @rule(
        message=taken,
        what=st.sampled_from(["sent", "again", "untried", "dead"]),
        seconds=SECONDS,
        reference=REFERENCES,
    )
    def settle(self, message: Outgoing, what: str, seconds: float, reference: bytes | None) -> None:
        until, at = self.now + seconds, self.place(message.id)
        before = None if at is None else self.lane[at]
        ours = before is not None and before.state == "waiting" and before.fence == message.fence
        outcome: Sent | Again | Dead
        if what == "sent":
            if reference in self.references:
                reference = None  # a provider gives each name once
            outcome = Sent(until, reference)
        elif what == "dead":
            outcome = Dead(until, "dead")
        else:
            outcome = Again(until, "again", counts=what == "again")
        assert self.run(self.store.settle(message, outcome)) == ours
        if not ours:
            return
        assert at is not None
        assert before is not None
        if isinstance(outcome, Again):
            tries = before.tries - (not outcome.counts)
            after = replace(before, due_at=until, reason="again", tries=tries, lease_until=0.0)
        elif isinstance(outcome, Sent):
            after = replace(before, state="sent", status=Status.SENT, reason="", expires_at=until)
            if outcome.reference is not None:
                self.references[outcome.reference] = before.id
        else:
            after = replace(before, state="dead", reason="dead", expires_at=until)
        self.lane[at] = replace(after, lease_until=0.0)

    @rule(reference=st.sampled_from([b"r1", b"r2"]), status=st.sampled_from(list(Status)))
    def report(self, reference: bytes, status: Status) -> None:
        at = self.place(self.references.get(reference, b""))
        said = self.run(self.store.report(reference, status))
        if at is None or self.lane[at].state != "sent":  # it is gone, or was posted anew since
            assert said == "unknown"
        else:
            raised = status > self.lane[at].status
            assert said == ("raised" if raised else "old")
            self.lane[at] = replace(self.lane[at], status=max(status, self.lane[at].status))

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(which=st.integers(0, 3))
    def replay(self, which: int) -> None:
        dead = self.dead()[which : which + 2]
        expires_at = self.now + 60.0
        assert self.run(self.store.replay(dead, now=self.now, expires_at=expires_at)) == len(dead)
        for each in dead:
            self.lane.remove(each)
            self.lane.append(
                replace(
                    each,
                    state="waiting",
                    due_at=self.now,
                    posted_at=self.now,
                    expires_at=expires_at,
                    tries=0,
                    reason="",
                )
            )

    @rule(which=st.integers(0, 3))
    def discard(self, which: int) -> None:
        some = self.lane[which : which + 3]
        gone = [each for each in some if each.state == "dead"]
        assert self.run(self.store.discard(some)) == len(gone)
        self.lane = [each for each in self.lane if each not in gone]

    @rule(much=st.sampled_from([0.0, 0.0, FORGOTTEN]))
    def sweep(self, much: float) -> None:
        self.now += much
        self.run(self.store.sweep(now=self.now, limit=10))
        self.lane = [
            each
            for each in self.lane
            if each.expires_at + (FORGOTTEN if each.state == "waiting" else 0.0) > self.now
        ]

    @rule(key=KEYS, to=KEYS)
    def move(self, key: bytes, to: bytes) -> None:
        """A session under another key, where nobody has one; its messages go behind those of others there."""
        found = {record.key: record for record in self.records()}
        if key not in found or to in found:
            return
        record = found[key]
        moved = Replacement(key, record.version, record.fence, to, b"s", b"a")
        assert self.run(self.store.replace(moved))
        there = [replace(each, session=to) for each in self.lane if each.session == key]
        self.lane = [*(each for each in self.lane if each.session != key), *there]

    def records(self) -> list[Record]:
        async def read() -> list[Record]:
            return [record async for record in self.store.scan()]

        return self.run(read())

    @invariant()
    def holds_the_same_messages(self) -> None:
        async def read() -> list[Outgoing]:
            return [each async for each in self.store.messages()]

        by_id = {each.id: each for each in self.run(read())}
        assert by_id == {each.id: each for each in self.lane}

    @invariant()
    def tells_the_same_backlog(self) -> None:
        expected = []
        for to in sorted({each.to for each in self.lane if each.state != "sent"}):
            waiting = [each for each in self.lane if each.to == to and each.state == "waiting"]
            dead = sum(each.to == to for each in self.dead())
            oldest = min((each.posted_at for each in waiting), default=None)
            expected.append(Backlog(to, len(waiting), dead, oldest))
        assert self.run(self.store.backlog()) == expected
