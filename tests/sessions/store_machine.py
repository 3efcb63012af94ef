"""A session store against a model made of dicts: whatever happens in whatever order, both say the same."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, consumes, invariant, rule

from kikao.sessions.store import (
    Busy,
    Claim,
    Conflict,
    Dedupe,
    Duplicate,
    IntentRow,
    Record,
    Replacement,
    Seen,
    Write,
)
from tests.sessions.machine import Machine

KEYS = st.sampled_from([b"a", b"b", b"c"])
MESSAGES = st.sampled_from([b"m1", b"m2", b"m3"])
SECONDS = st.sampled_from([0.0, 1.0, 5.0, 12.0, 60.0])
VALUES = st.binary(max_size=4)


@dataclass
class Model:
    now: float = 1_000.0
    records: dict[bytes, Record] = field(default_factory=dict)
    seen: dict[tuple[bytes, bytes], tuple[bytes | None, float]] = field(default_factory=dict)
    intents: dict[bytes, IntentRow] = field(default_factory=dict)
    leases: dict[bytes, tuple[int, float]] = field(default_factory=dict)
    fences: dict[bytes, int] = field(default_factory=dict)

    def intents_of(self, key: bytes) -> tuple[IntentRow, ...]:
        rows = [row for row in self.intents.values() if row.session == key]
        return tuple(sorted(rows, key=lambda row: (row.due_at, row.id)))

    def is_held(self, key: bytes) -> bool:
        return key in self.leases and self.leases[key][1] > self.now

    def release(self, key: bytes, fence: int) -> None:
        if self.leases.get(key, (-1, 0))[0] == fence:
            del self.leases[key]

    def accepts(self, write: Write) -> bool:
        record = self.records.get(write.key)
        if record is None:
            return write.version == 0
        return record.version == write.version and record.fence <= write.fence


class StoreMachine(Machine):
    claims: Bundle[Claim] = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()

    @rule(target=claims, key=KEYS, dedupe=st.none() | MESSAGES, lease=SECONDS)
    def claim(self, key: bytes, dedupe: bytes | None, lease: float) -> Claim:
        model = self.model
        found = self.run(self.store.claim(key, dedupe, now=model.now, lease=lease, wait=0))
        record = model.records.get(key)
        reply, expires_at = model.seen.get((key, dedupe or b""), (None, 0.0))
        seen = Seen(reply) if expires_at > model.now else None
        if seen is not None and seen.reply is not None:
            assert found == Duplicate(seen.reply)
        elif model.is_held(key):
            assert found == Busy(record)
        else:
            assert isinstance(found, Claim)
            assert found.fence > model.fences.get(key, 0)
            until = model.now + lease
            version = 0 if record is None else record.version
            assert found == Claim(key, found.fence, until, record, seen, version, model.intents_of(key))
            model.fences[key] = found.fence
            model.leases[key] = (found.fence, until)
            return found
        # A claim that was not given writes like one that is long lost.
        return Claim(key, 0, 0.0, record)

    @rule(
        claim=claims,
        final=st.booleans(),
        offset=st.sampled_from([0, 0, 0, 1]),
        state=VALUES,
        expires_in=SECONDS,
        dedupe=st.none() | st.builds(Dedupe, MESSAGES, st.none() | VALUES, SECONDS),
        open_=st.lists(st.tuples(st.integers(0, 2), SECONDS, SECONDS), max_size=2),
        close=st.lists(st.integers(0, 2), max_size=2),
    )
    def write(
        self,
        claim: Claim,
        final: bool,
        offset: int,
        state: bytes,
        expires_in: float,
        dedupe: Dedupe | None,
        open_: list[tuple[int, float, float]],
        close: list[int],
    ) -> None:
        model, key = self.model, claim.key
        if dedupe is not None:
            dedupe = Dedupe(dedupe.key, dedupe.reply, model.now + dedupe.expires_at)
        record = model.records.get(key)
        expected = (record.version if record is not None and offset == 0 else 0) + offset
        write = Write(
            key,
            claim.fence,
            expected,
            model.now + expires_in,
            state,
            state[::-1],
            dedupe,
            tuple(
                IntentRow(key + b"%d" % id_, key, claim.fence, model.now + lease, model.now + due)
                for id_, lease, due in open_
            ),
            tuple(key + b"%d" % id_ for id_ in close),
        )
        accepted = model.accepts(write)
        try:
            self.run((self.store.commit if final else self.store.intent)(write))
        except Conflict:
            assert not accepted
        else:
            assert accepted
            self.store_in_model(write)
        if final:
            model.release(key, claim.fence)

    def store_in_model(self, write: Write) -> None:
        model = self.model
        model.records[write.key] = Record(
            write.key, write.version + 1, write.fence, write.expires_at, write.state, write.address
        )
        if write.dedupe is not None:
            seen = write.dedupe
            model.seen[write.key, seen.key] = (seen.reply, seen.expires_at)
        for id_ in write.close:
            model.intents.pop(id_, None)
        for row in write.open:
            model.intents[row.id] = row

    @rule(claim=consumes(claims))
    def release(self, claim: Claim) -> None:
        self.run(self.store.release(claim))
        self.model.release(claim.key, claim.fence)

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.model.now += seconds

    @rule(claim=claims, lease=SECONDS)
    def renew(self, claim: Claim, lease: float) -> None:
        model = self.model
        ids = tuple(claim.key + b"%d" % id_ for id_ in range(3))
        until = model.now + lease
        renewed = self.run(self.store.renew(claim.key, ids, claim.fence, until))
        mine = [row for id_ in ids if (row := model.intents.get(id_)) and row.fence == claim.fence]
        assert renewed == len(mine)
        for row in mine:
            model.intents[row.id] = IntentRow(row.id, row.session, row.fence, until, row.due_at, row.tries)

    @rule(key=KEYS)
    def end(self, key: bytes) -> None:
        model = self.model
        expected = key in model.records and not model.intents_of(key)
        assert self.run(self.store.end(key)) == expected
        if expected:
            del model.records[key]
            model.seen = {pair: seen for pair, seen in model.seen.items() if pair[0] != key}

    @rule(key=KEYS, to=KEYS, stale=st.sampled_from([0, 0, 0, 1]), state=VALUES, reply=VALUES)
    def replace(self, key: bytes, to: bytes, stale: int, state: bytes, reply: bytes) -> None:
        model = self.model
        record = model.records.get(key, Record(key, 1, 1, 0.0, b"", b""))
        names = tuple((row.id, to + row.id[-1:]) for row in model.intents_of(key))
        replacement = Replacement(
            key,
            record.version + stale,
            record.fence,
            to,
            state,
            state[::-1],
            ((b"m1", reply), (b"m2", reply)),
            names,
        )
        expected = key in model.records and not stale
        assert self.run(self.store.replace(replacement)) == expected
        if expected:
            if to != key:
                self.move_in_model(key, to, dict(names))
            model.records[to] = Record(
                to, record.version, record.fence, record.expires_at, state, state[::-1]
            )
            for name in (b"m1", b"m2"):
                before, until = model.seen.get((to, name), (None, 0.0))
                if before is not None:
                    model.seen[to, name] = (reply, until)

    def move_in_model(self, key: bytes, to: bytes, names: dict[bytes, bytes]) -> None:
        model = self.model
        model.intents = {
            names.get(row.id, row.id): msgspec.structs.replace(row, id=names[row.id], session=to)
            if row.session == key
            else row
            for row in model.intents.values()
            if row.session != to
        }
        model.seen = {
            (to if of == key else of, name): value for (of, name), value in model.seen.items() if of != to
        }
        del model.records[key]
        model.fences[to] = max(model.fences.get(to, 0), model.fences.get(key, 0))

    @rule(key=KEYS, name=MESSAGES)
    def seen(self, key: bytes, name: bytes) -> None:
        found = self.run(self.store.seen(key))
        assert {dedupe.key: (dedupe.reply, dedupe.expires_at) for dedupe in found} == {
            dedupe: value for (of, dedupe), value in self.model.seen.items() if of == key
        }
        assert self.run(self.store.seen(key, name)) == tuple(d for d in found if d.key == name)

    @rule(limit=st.integers(0, 4))
    def sweep(self, limit: int) -> None:
        model = self.model
        swept = self.run(self.store.sweep(now=model.now, limit=limit))
        expired = {
            key
            for key, record in model.records.items()
            if record.expires_at <= model.now and not model.intents_of(key) and not model.is_held(key)
        }
        gone = model.records.keys() - {record.key for record in self.everything()}
        assert gone <= expired
        assert swept == len(gone) == min(limit, len(expired))
        for key in gone:
            del model.records[key]
        model.seen = {pair: seen for pair, seen in model.seen.items() if seen[1] > model.now}

    @rule(limit=st.integers(1, 5))
    def due(self, limit: int) -> None:
        model = self.model
        ready = [row for row in model.intents.values() if max(row.lease_until, row.due_at) <= model.now]
        expected = sorted(ready, key=lambda row: (row.due_at, row.id))[:limit]
        assert self.run(self.store.due(now=model.now, limit=limit)) == expected

    @invariant()
    def holds_the_same_sessions(self) -> None:
        assert sorted(self.everything(), key=lambda record: record.key) == [
            record for _, record in sorted(self.model.records.items())
        ]

    def everything(self) -> list[Record]:
        async def read() -> list[Record]:
            return [record async for record in self.store.scan()]

        return self.run(read())
