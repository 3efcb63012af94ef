"""Sessions in and out of the store: claim, unseal, change, seal, commit. Turns and recovery share this one way.

A session that was claimed is a `Held`; every write of it is one atomic `Write`, with the version it was read at.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Collection, Sequence
from typing import Final, Literal

import msgspec

from kikao.conversation.errors import TEXTS, ErrorCode
from kikao.conversation.facts import Fact
from kikao.conversation.inputs import Dial, Event, Reply
from kikao.conversation.journal import Intent, Run
from kikao.events import short
from kikao.sessions.keys import settle
from kikao.sessions.outgoing import Outgoing
from kikao.sessions.policy import Address, Policies, SessionPolicy
from kikao.sessions.posting import announce, outgoing, screen, to_records
from kikao.sessions.sealing import ADDRESS, STATE, KeyRing, reply_to
from kikao.sessions.session import MAX_STATE, Session, StateTooLarge, decode, encode
from kikao.sessions.store import (
    Busy,
    Claim,
    Conflict,
    Dedupe,
    Duplicate,
    IntentRow,
    Record,
    SessionStore,
    StoreUnavailable,
    Write,
)
from kikao.sessions.trail import Trail, told, worthy
from kikao.sessions.trail import encode as encode_trail

LEASE: Final = 15.0
"""Seconds a claim or a working effect is left alone; effects renew it while they run."""

GIVING_BACK: Final = 0.05
"""Seconds to wait until a lease is given back; it may take longer, and nobody waits for that."""

BACKOFF: Final = 5.0
LONGEST: Final = 3600.0
"""Recovery asks again after 5 s, 10 s, 20 s ... at most an hour."""

NEVER: Final = 1e12
"""The expiry of an anchor: it holds until the address is unlinked."""

FOR_A_HUMAN: Final = 86400.0
"""An effect declared `retry="never"` is only looked at once a day: a human settles it."""

_ADDRESS = msgspec.msgpack.Decoder(Address)

_ENCODER = msgspec.msgpack.Encoder()

Changes = tuple[tuple[IntentRow, ...], tuple[bytes, ...], tuple[bytes, ...]]
"""Rows of open intents that changed, ids that are open no more, and which of all these must not be lost."""

NOTHING: Final[Changes] = ((), (), ())

Clock = Callable[[], float]
"""Seconds since the epoch, UTC."""


class Answered(msgspec.Struct, frozen=True):
    """The inbound was processed; here is its reply, the same bytes each time. Nothing is held."""

    reply: bytes


class Held:
    """A claimed session. `version` is what the next write expects."""

    def __init__(
        self, sessions: Sessions, claim: Claim, session: Session, address: Address, blob: bytes
    ) -> None:
        self.claim = claim
        self.seen = claim.seen is not None
        """Whether this inbound was consumed by a turn that died before its reply."""
        self.session = session
        self.address = address
        self.version = claim.record.version if claim.record is not None else 0
        self.policy = sessions.policies[address.channel]
        self.destinations = sessions.destinations
        self.fresh = claim.record is None
        """Whether the session was made for this claim."""
        self._sessions = sessions
        self._address_blob = blob
        self._large = claim.record is not None and len(claim.record.state) > MAX_STATE
        """Whether it is past the cap: what an effect gave back made it so, and its member has to get on."""
        intents = session.conversation.intents()
        self._open = {intent.token: intent.critical for intent in intents} if intents else {}
        """Effects that were open, each with whether it must not be lost."""
        self._rows = {row.id: row for row in claim.intents}
        self._live = {row.id for row in claim.intents if row.lease_until > sessions.clock()}
        self._disregarded: set[bytes] = set()
        self._unsent: list[Outgoing] = []
        self.intended = False
        """Whether effects may have been performed: their intents are stored."""
        self.doubtful = False
        """Whether a write may be stored, although nobody confirmed it."""
        self.given_back = False
        """Whether the lease is no longer ours to give."""
        self.begun: set[bytes] = set()
        """Intents whose effects this turn began, as far as nobody else follows them to their end."""

    def working(self) -> bool:
        """True while somebody performs an effect of the running conversation."""
        run = self.session.conversation.run
        if run is None or not self._live:
            return False
        return any(self._sessions.intent_id(intent.token) in self._live for intent in run.intents)

    def at_work(self) -> bool:
        """True while somebody performs any effect of the session, of a parked run too."""
        return bool(self._live)

    @property
    def lapsed(self) -> bool:
        """Whether the lease is over: somebody else may have taken the session by now."""
        return self.claim.lease_until <= self._sessions.clock()

    def begin_anew(self, address: Address) -> None:
        """Nothing of what is stored is for whoever sends now, from `address`: a session of their own begins.

        What tells copies of messages stays. Not for a session with open effects.
        """
        before = self.session
        self.session = msgspec.structs.replace(
            self._sessions.fresh(),
            secret=before.secret,
            dialogue=before.dialogue,
            dedupe_until=before.dedupe_until,
        )
        self.address, self.fresh = address, True
        self.policy = self._sessions.policies[address.channel]
        self._address_blob = self._sessions.sealed_address(self.claim.key, address)

    def fence_of(self, token: str) -> int | None:
        """The fence of whoever performed this effect last; None when it is not open."""
        row = self._rows.get(self._sessions.intent_id(token))
        return None if row is None else row.fence

    def follow(self, token: str) -> None:
        """The effect goes on after this turn, and somebody waits for it."""
        self.begun.discard(self._sessions.intent_id(token))

    def disregard(self, begun: Collection[bytes]) -> None:
        """Effects that an earlier try of this turn began, and that are not at work any more."""
        self._live.difference_update(begun)
        self._disregarded.update(begun)

    async def intend(self, dedupe: Dedupe | None, tokens: Collection[str]) -> None:
        """Commit before an effect: the session with its open intents, the inbound consumed. The lease stays."""
        self.begun.update(self._sessions.intent_id(token) for token in tokens)
        write = self._write(dedupe, tokens)
        self.doubtful = True
        try:
            await self._sessions.store.intent(write)
        except (Conflict, StoreUnavailable):
            self.doubtful = False
            raise
        self.doubtful = False
        self._stored()
        self.intended = True
        self.version += 1

    async def commit(self, dedupe: Dedupe | None = None, *, working: Collection[str] = ()) -> None:
        """Commit and give the lease back. `working` are tokens of effects that still run."""
        write = self._write(dedupe, working)
        self.doubtful = True
        try:
            await self._sessions.store.commit(write)
        except (Conflict, StoreUnavailable):
            self.doubtful = False
            raise
        self.doubtful = False
        if self._unsent:
            self._stored()
        self.version += 1
        self.given_back = True

    async def supersede(self) -> None:
        """Write a session that exists, to expire when it did, and give the lease back.

        Whoever claimed it before, and was held up for longer than a lease, then writes nothing any more.
        """
        assert self.claim.record is not None
        write = msgspec.structs.replace(self._write(None, ()), expires_at=self.claim.record.expires_at)
        await self._sessions.store.commit(write)
        self.version += 1
        self.given_back = True

    def _stored(self) -> None:
        """What was to be sent is in the store: let it leave."""
        if self._unsent:
            sessions, unsent, self._unsent = self._sessions, self._unsent, []
            announce(unsent, self.claim.key, posted=sessions.posted, pushed=sessions.pushed)

    def leave_trail(self, facts: Sequence[Fact], release: int) -> None:
        """Have the next write tell the audit trail what became of effects, if anything did."""
        sessions, address = self._sessions, self.address
        if not sessions.audited or not worthy(facts):
            return
        now, member = sessions.clock(), self.session.member
        where = (address.channel, address.gateway, release)
        body = encode_trail(Trail(now, short(self.claim.key), member, *where, told(facts)))
        self._unsent.append(to_records(sessions.ring, self.claim.key, body, now))

    def push(self, to: str, body: bytes, until: float) -> None:
        """Have the next write send a screen to a destination, unless that takes longer than `until`."""
        sessions = self._sessions
        self._unsent.append(screen(sessions.ring, self.claim.key, to, body, sessions.clock(), until))

    async def release(self) -> None:
        """Give the lease back unless a commit did."""
        if not self.given_back:
            self.given_back = True
            await self._sessions.store.release(self.claim)

    def _write(self, dedupe: Dedupe | None, working: Collection[str]) -> Write:
        sessions, claim, session = self._sessions, self.claim, self.session
        now = sessions.clock()
        if self.version == 0 and self.lapsed:  # no version and no fence would tell that somebody was there
            raise Conflict("a session that did not exist was claimed too long ago to be made")
        if dedupe is not None and dedupe.expires_at > session.dedupe_until:
            session.dedupe_until = dedupe.expires_at
        intents = session.conversation.intents()
        opened, closed, critical = self._index(intents, now, working) if intents or self._open else NOTHING
        if session.conversation.posts:
            self._unsent += outgoing(sessions.ring, claim.key, session.conversation.posts, now)
            session.conversation.posts = []
        state = encode(session)
        if len(state) > MAX_STATE and not (self._open or self.intended or self._large):
            raise StateTooLarge(f"a session of {len(state)} octets, the cap is {MAX_STATE}")
        return Write(
            claim.key,
            claim.fence,
            self.version,
            self._expires_at(now),
            sessions.ring.seal(state, claim.key, STATE, self.version + 1),
            self._sealed_address(),
            dedupe,
            opened,
            closed,
            tuple(self._unsent),
            critical=critical,
        )

    def _index(self, intents: Sequence[Intent], now: float, working: Collection[str]) -> Changes:
        """What the store's index of open intents must hear."""
        sessions = self._sessions
        intents = [intent for intent in intents if intent.entry is None]
        tokens = {intent.token: intent.critical for intent in intents}
        gone = self._open.keys() - tokens.keys()
        self._open |= tokens
        rows = [
            sessions.row(intent, self.claim, now, intent.token in working)
            for intent in intents
            if intent.token in working or self._changed(intent)
        ]
        closed = {sessions.intent_id(token): self._open[token] for token in gone}
        opened = {sessions.intent_id(token): critical for token, critical in tokens.items()}
        critical = [row.id for row in rows if opened[row.id]] + [id_ for id_, yes in closed.items() if yes]
        return tuple(rows), tuple(closed), tuple(critical)

    def _sealed_address(self) -> bytes:
        """As it was stored, under the active key."""
        ring = self._sessions.ring
        if not ring.is_fresh(self._address_blob):
            self._address_blob = ring.reseal(self._address_blob, self.claim.key, ADDRESS)
        return self._address_blob

    def _expires_at(self, now: float) -> float:
        if self.session.anchor:
            return NEVER
        age = now - self.session.created_at
        until = now + self.policy.lifetime(self.session.conversation, age)
        # The record tells how long ago the last inbound came, as long as a copy of that may still arrive.
        return max(until, self.session.dedupe_until)

    def _changed(self, intent: Intent) -> bool:
        """Whether the index must hear of an open intent.

        Whoever performs an effect holds its lease: leave that alone. One that nobody asked about stays due when it
        was, or a member who is often here would put recovery off for ever.
        """
        id_ = self._sessions.intent_id(intent.token)
        if id_ in self._live:
            return False
        row = self._rows.get(id_)
        return row is None or row.tries != intent.tries or id_ in self.begun or id_ in self._disregarded


class Sessions:
    """The sessions of an app: a store, the keys that seal them, the policies that end them."""

    def __init__(
        self,
        store: SessionStore,
        ring: KeyRing,
        policies: Policies | SessionPolicy | None = None,
        *,
        clock: Clock = time.time,
    ) -> None:
        self.store = store
        self.ring = ring
        self.policies = policies if isinstance(policies, Policies) else Policies(policies)
        self.clock = clock
        self.audited = False
        """Whether what becomes of effects is told to the audit trail."""
        self.posted: Callable[[bytes], None] = _unheard
        """Called with the key of a session when messages of it were stored that are to be sent."""
        self.pushed: Callable[[bytes], None] = _unheard
        """The same of screens, for which a member waits."""
        self.destinations: Collection[str] | None = None
        """Names that flows may post to; None for any, which then wait for somebody who sends there."""
        self.retired: tuple[str, ...] = ()
        """Ids of keys that do not seal any more, and may have sealed something that is stored."""
        self._former: tuple[tuple[KeyRing, float], ...] = ()
        """Rings that hash with a former look-up key, and until when its names of inbounds may be asked for."""

    async def open(self) -> None:
        """Open the store and look up with the key that it was made with, or moved to since.

        Raises `StoreRefused` when a key is missing that something in the store needs.
        """
        await self.store.open()
        try:
            keys = await settle(self.store, self.ring, self.clock())
        except BaseException:
            await self.store.close()
            raise
        self.ring = self.ring.with_lookup(keys.lookup.kid)
        self.retired = tuple(kid for kid in keys.sealing or () if kid != self.ring.active)
        self._former = tuple((self.ring.with_lookup(key.kid), key.until) for key in keys.former)

    async def close(self) -> None:
        """Close the store."""
        await self.store.close()

    def names(self, purpose: str, *parts: str) -> tuple[bytes, ...]:
        """What an inbound is remembered by: the key of its dedupe record, then those under former look-up keys."""
        name = self.ring.lookup(purpose, *parts)
        if not self._former:
            return (name,)
        former = [ring.lookup(purpose, *parts) for ring, until in self._former if until > self.clock()]
        return (name, *former)

    def remember(self, key: bytes, name: bytes, reply: bytes | None, kept: float) -> Dedupe:
        """The dedupe record of an inbound, kept for so many seconds. Without a reply it is only consumed."""
        sealed = None if reply is None else self.ring.seal(reply, key, reply_to(name))
        return Dedupe(name, sealed, self.clock() + kept)

    async def claim(
        self, key: bytes, names: tuple[bytes, ...] = (), address: Address | None = None, *, wait: float
    ) -> Held | Answered | Busy | None:
        """Take a session for the inbound of these names, or answer it.

        A session that does not exist is made for `address`; without one, None is returned.
        """
        consumed = False
        for name in names[1:]:  # nothing is written under these any more: no lease is needed to read them
            for dedupe in await self.store.seen(key, name):
                if dedupe.expires_at > self.clock():
                    if dedupe.reply is not None:
                        return self._answered(key, name, dedupe.reply)
                    consumed = True
        claim = await self.store.claim(
            key, names[0] if names else None, now=self.clock(), lease=LEASE, wait=wait
        )
        if isinstance(claim, Duplicate):
            return self._answered(key, names[0], claim.reply)
        if isinstance(claim, Busy):
            return claim
        held = None
        try:
            held = self._hold(claim, address)
        finally:
            if held is None:
                await self.store.release(claim)
        if held is not None:
            held.seen = held.seen or consumed
        return held

    def _answered(self, key: bytes, name: bytes, reply: bytes) -> Answered:
        return Answered(self.ring.unseal(reply, key, reply_to(name)))

    def _hold(self, claim: Claim, address: Address | None) -> Held | None:
        record = claim.record
        if record is None:
            if address is None:
                return None
            return Held(self, claim, self.fresh(), address, self.sealed_address(claim.key, address))
        if address is None:
            address = self.address_of(record)
        return Held(self, claim, self.session_of(record), address, record.address)

    def sealed_address(self, key: bytes, address: Address) -> bytes:
        """An address as it is stored beside a key."""
        return self.ring.seal(_ENCODER.encode(address), key, ADDRESS)

    def address_of(self, record: Record) -> Address:
        """The address of a stored session. Raises `SealError`, `msgspec.DecodeError`."""
        return _ADDRESS.decode(self.ring.unseal(record.address, record.key, ADDRESS))

    def session_of(self, record: Record) -> Session:
        """A stored session. Raises `SealError`, `msgspec.DecodeError`."""
        return decode(self.ring.unseal(record.state, record.key, STATE, record.version))

    def fresh(self) -> Session:
        """A session that has not been stored yet."""
        now = self.clock()
        return Session(os.urandom(16).hex(), now, now, os.urandom(16))

    def expire(self, held: Held, event: Event) -> Literal["", "expired", "ended"]:
        """A session past its time becomes a new one. Effects are never lost, nor outcomes that wait to be told in time.

        Where only a dial opens a session, a reply is told that there is none any more. Returns why there is a new one,
        empty where the session goes on, or began with this claim.
        """
        session, now = held.session, self.clock()
        conversation = session.conversation
        reads_on = conversation.farewell is not None and not isinstance(event, Dial)
        ended = conversation.over and not reads_on
        over = ended or held.policy.expired(session.created_at, session.seen_at, now)
        if over and not held.fresh:
            session.id, session.created_at = os.urandom(16).hex(), now
            conversation.overlay, conversation.farewell, conversation.over = "", None, False
            conversation.data = {}
            run, record = conversation.run, held.claim.record
            if record is not None and record.expires_at <= now and not held.claim.intents:
                conversation.run, conversation.parked, conversation.notices = None, [], []  # as if swept
            elif run is not None and not run.intents and run.pending is not None:
                conversation.run = None
            if not conversation.runs():
                session.member = ""  # whoever the address belongs to by now
        gone = (over or held.fresh) and conversation.run is None
        if gone and isinstance(event, Reply) and held.policy.opens == "dial":
            conversation.notices.append(TEXTS[ErrorCode.SESSION_EXPIRED])
        if held.fresh or not over:
            return ""
        return "ended" if ended else "expired"

    def intent_id(self, token: str) -> bytes:
        """How the store's index names an intent."""
        return self.ring.lookup("intent", token)

    def row(self, intent: Intent, claim: Claim, now: float, working: bool) -> IntentRow:
        """The index entry of an open intent, as it is to be left."""
        if working:
            lease, due = now + LEASE, now
        elif intent.retry == "never" and intent.kind == "step":
            lease, due = 0.0, now + FOR_A_HUMAN
        else:
            lease, due = 0.0, now + backoff(intent.tries)
        return IntentRow(self.intent_id(intent.token), claim.key, claim.fence, lease, due, intent.tries)

    async def release_quietly(self, held: Held) -> None:
        """Give a lease back even while the task is being cancelled or the store is away: it lapses anyway.

        Where the store takes its time nobody waits for it.
        """
        if held.given_back:
            return  # as after every commit: no task to shield
        giving = asyncio.ensure_future(held.release())
        giving.add_done_callback(_disregard)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(GIVING_BACK):
                await asyncio.shield(giving)


def _disregard(done: asyncio.Future[None]) -> None:
    """An error that nobody asks for any more."""
    if not done.cancelled():
        done.exception()


def _unheard(key: bytes) -> None:
    """Nobody sends here: who does will find it."""


def backoff(tries: int) -> float:
    """Seconds to wait before asking for the `tries`-th time again."""
    return 0.0 if tries == 0 else float(min(BACKOFF * 2 ** min(tries - 1, 12), LONGEST))


def find_run(session: Session, token: str) -> Run | None:
    """The run that holds an open intent."""
    for run in session.conversation.runs():
        if any(intent.token == token for intent in run.intents):
            return run
    return None
