"""What operators do with sessions: list, show, end, sweep, explain. In the running server, or on a store of their own.

Looking changes nothing. Ending waits for a turn at work and never takes an open effect away.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

import msgspec
from msgspec import structs

from kikao.control import CommandRefused, Commands, Nothing
from kikao.conversation.journal import Conversation
from kikao.events import Bus, FlowAbandoned, SessionEnded, SweepDone
from kikao.events.place import Place
from kikao.sessions.finding import Finder, Seen, is_key
from kikao.sessions.keeper import LEASE, Held, Sessions
from kikao.sessions.masking import masked_part
from kikao.sessions.policy import (
    Address,
    MissingIdentifier,
    SessionPolicy,
    explain,
    key_parts,
    session_key,
)
from kikao.sessions.sealing import SealError
from kikao.sessions.session import Session
from kikao.sessions.store import Claim, CommitUnknown, Conflict, StoreFull
from kikao.sessions.sweeping import Sweeper
from kikao.sessions.viewing import detail_of, line_of, rules_of, sealed_detail, sealed_line, shown_key
from kikao.sessions.views import (
    END,
    EXPLAIN,
    LIST,
    SHOW,
    SWEEP,
    Detail,
    Ended,
    Ending,
    Explaining,
    Explanation,
    Line,
    Listing,
    Named,
    SweptAway,
)

PATIENCE: Final = 5.0
"""Seconds to wait for a turn at work before a session that it holds is not ended."""


AT_WORK: Final = "a turn is at work in it; try again"
OPEN: Final = (
    "an effect of it is open, and only its service can say what became of it. Recovery asks; look later."
)


CODE: Final = "the session is of the code that was dialled, too: give it with --code, such as --code '*284#'"


class Operator:
    """Carries out what operators ask.

    `flow` is the app's entry flow; None where only the store is known, and not the app: then nothing is said about
    policies, and what has expired is what its record says.
    """

    def __init__(self, sessions: Sessions, publish: Bus, *, flow: str | None) -> None:
        self._sessions = sessions
        self._finder = Finder(sessions)
        self._publish = publish
        self._flow = flow

    def offer(self, commands: Commands) -> None:
        """Register everything under its `Call`."""
        commands.add(LIST, self.lines)
        commands.add(SHOW, self.show)
        commands.add(END, self.end)
        commands.add(SWEEP, self.sweep)
        commands.add(EXPLAIN, self.explain)

    async def lines(self, asked: Listing) -> AsyncGenerator[Line, None]:
        """A line for each session, in no order, while turns go on beside."""
        count = 0
        async for record in self._finder.scan():
            line = self._line(self._finder.opened(record))
            if (
                (asked.channel and line.channel != asked.channel)
                or (asked.flow and line.flow != asked.flow)
                or (asked.expired and not line.expired)
            ):
                continue
            yield line
            count += 1
            if count == asked.limit:
                return

    async def show(self, asked: Named) -> AsyncGenerator[Detail, None]:
        """The one session that is meant."""
        path = await self._finder.path(await self._finder.one(asked.who))
        seen = await self._finder.look(path[-1])
        if seen is None:
            raise CommandRefused("it is gone by now")
        through = tuple(map(shown_key, path[:-1]))
        yield structs.replace(self._detail(seen), through=through)

    async def end(self, asked: Ending) -> AsyncGenerator[Ended, None]:
        """End the one session that is meant: what it held is gone.

        An empty record stays as long as a copy of its last message may still arrive, which is then neither carried
        out again nor taken for the beginning of another dialogue.
        """
        path = await self._finder.path(await self._finder.one(asked.who))
        if len(path) > 1 and is_key(asked.who):
            raise CommandRefused(
                f"{shown_key(path[0])} only says that the dealings of a linked address are kept under "
                f"{shown_key(path[-1])}. End that one, if it is what you mean."
            )
        key = path[-1]
        try:
            ended = await self._end(key, force=asked.force)
        except StoreFull:
            ended = await self._make_room(key, force=asked.force)
        except (SealError, msgspec.DecodeError):
            ended = await self._remove(key, force=asked.force)
        yield ended

    async def sweep(self, asked: Nothing) -> AsyncGenerator[SweptAway, None]:
        """Remove what has expired, now."""
        told: list[SweepDone] = []

        def hear(event: object) -> None:
            if isinstance(event, SweepDone):
                told.append(event)
                self._publish(event)

        count = await Sweeper(self._sessions, hear).once()
        if told and told[-1].error:
            raise CommandRefused(f"the sweep ended early ({told[-1].error}); {count} sessions were removed")
        yield SweptAway(count)

    async def explain(self, asked: Explaining) -> AsyncGenerator[Explanation, None]:
        """How the key of a stored session came about, or the key that somebody would get."""
        if asked.who:
            yield await self._explain_stored(await self._finder.one(asked.who), asked)
        elif asked.parts:
            yield await self._explain_parts(Explanation(asked.parts, ""), asked.parts)
        elif asked.address is None:
            raise CommandRefused("name a stored session, or an address")
        elif self._flow is None:
            raise CommandRefused(
                "the app's policies are not known here: name it with --app, or ask while its server runs"
            )
        else:
            yield await self._explain_address(asked.address, self._flow)

    def _policy(self, address: Address) -> SessionPolicy | None:
        return None if self._flow is None else self._sessions.policies[address.channel]

    def _line(self, seen: Seen) -> Line:
        if seen.session is None or seen.address is None:
            return sealed_line(seen.record, seen.problem)
        sessions, policy = self._sessions, self._policy(seen.address)
        return line_of(seen.record, seen.address, seen.session, sessions.ring, policy, sessions.clock())

    def _detail(self, seen: Seen) -> Detail:
        if seen.session is None or seen.address is None:
            return sealed_detail(seen.record, seen.problem, at_work=seen.intents is None)
        policy, intent_id = self._policy(seen.address), self._sessions.intent_id
        line = self._line(seen)
        return detail_of(line, seen.record, seen.address, seen.session, policy, seen.intents, intent_id)

    async def _end(self, key: bytes, *, force: bool) -> Ended:
        """Raises `CommandRefused` for a session that must not be ended as it is."""
        name = shown_key(key)
        held = await self._sessions.claim(key, wait=PATIENCE)
        if held is None:
            raise CommandRefused(f"{name}: it is gone by now")
        if not isinstance(held, Held):
            raise CommandRefused(f"{name}: {AT_WORK}")
        try:
            if held.session.anchor:
                raise CommandRefused(f"{name}: its address was linked meanwhile; try again")
            if held.claim.intents:
                raise CommandRefused(f"{name}: {OPEN}")
            if held.session.conversation.waiting and not force:
                raise CommandRefused(
                    f"{name}: what became of a request waits to be told to the member. --force ends it untold."
                )
            ended = Ended(name, held.session.id)
            before, address = held.session.conversation.run, held.address
            held.session = _emptied(held.session, self._sessions.fresh())
            await held.commit()
            place = Place(self._publish, address.channel, address.gateway, 0, key)
            left = {} if before is None else {"flow": before.flow, "at": before.at}
            if before is not None:
                place.tell(FlowAbandoned, {**left, "what": "ended"})
            place.tell(SessionEnded, {**left, "by": "operator", "forced": force})
            return ended
        except Conflict:
            raise CommandRefused(f"{name}: somebody else wrote it meanwhile; try again") from None
        except CommitUnknown:
            raise CommandRefused(f"{name}: the store did not confirm it; look what is there") from None
        finally:
            await self._sessions.release_quietly(held)

    async def _remove(self, key: bytes, *, force: bool) -> Ended:
        """The same for one that cannot be opened: nothing of it can be kept."""
        name, store = shown_key(key), self._sessions.store
        claim = await store.claim(key, None, now=self._sessions.clock(), lease=LEASE, wait=PATIENCE)
        if not isinstance(claim, Claim):
            raise CommandRefused(f"{name}: {AT_WORK}")
        try:
            if not force:
                raise CommandRefused(
                    f"{name} cannot be opened: nobody can tell whether something waits to be told. --force removes it."
                )
            if not await store.end(key):
                raise CommandRefused(f"{name}: {OPEN if claim.intents else 'it is gone by now'}")
        finally:
            await store.release(claim)
        Place(self._publish, "", "", 0, key).tell(SessionEnded, {"by": "operator", "forced": force})
        return Ended(name)

    async def _make_room(self, key: bytes, *, force: bool) -> Ended:
        """The same where memory is full: no empty record can be kept.

        A turn that began meanwhile finds its session gone, and stores nothing.
        """
        name = shown_key(key)
        if not force:
            raise CommandRefused(
                f"{name}: the memory of the store is full, so nothing of it could be kept that knows a copy of its "
                "last message. Sweep first (kikao sessions sweep); or --force removes it, and all that waits in it."
            )
        if not await self._sessions.store.end(key):
            raise CommandRefused(f"{name}: {OPEN}")
        Place(self._publish, "", "", 0, key).tell(SessionEnded, {"by": "operator", "forced": force})
        return Ended(name)

    # --- how a key came about ---

    async def _explain_stored(self, key: bytes, asked: Explaining) -> Explanation:
        seen = await self._finder.look(key)
        if seen is None:
            raise CommandRefused("it is gone by now")
        if seen.address is None:
            return Explanation((), shown_key(key), problem=seen.problem)
        shown = str if asked.clear else masked_part
        address, policy = seen.address, self._policy(seen.address)
        explanation = Explanation(tuple(map(shown, address.parts)), "")
        if policy is not None and self._flow is not None and not _of_an_anchor(address):
            try:
                rules = explain(address, policy, flow=self._flow, shown=shown)
                changed = key_parts(address, policy, flow=self._flow) != address.parts
                explanation = structs.replace(explanation, rules=tuple(rules), changed=changed)
            except MissingIdentifier as error:
                explanation = structs.replace(explanation, changed=True, problem=str(error))
        return await self._explain_parts(explanation, address.parts, key)

    async def _explain_address(self, address: Address, flow: str) -> Explanation:
        policy = self._sessions.policies[address.channel]
        if policy.wants_code(address.channel) and not address.service_code:
            raise CommandRefused(CODE)
        try:
            rules = explain(address, policy, flow=flow)
            parts = key_parts(address, policy, flow=flow)
        except MissingIdentifier as error:
            return Explanation((), "", policy=rules_of(policy, address.channel), problem=str(error))
        explanation = Explanation(parts, "", rules=tuple(rules), policy=rules_of(policy, address.channel))
        return await self._explain_parts(explanation, parts)

    async def _explain_parts(
        self, explanation: Explanation, parts: tuple[str, ...], key: bytes | None = None
    ) -> Explanation:
        """With the key, the anchors behind it, and what lies at the end of them."""
        first = session_key(self._sessions.ring, parts) if key is None else key
        path = await self._finder.path(first)
        explanation = structs.replace(
            explanation, key=shown_key(first), through=tuple(map(shown_key, path[1:]))
        )
        seen = await self._finder.look(path[-1])
        if seen is None:
            return explanation
        if seen.session is None or seen.address is None:
            return structs.replace(explanation, problem=explanation.problem or seen.problem)
        policy, rules = self._policy(seen.address), explanation.policy
        if policy is not None:
            rules = rules_of(policy, seen.address.channel, seen.session)
        return structs.replace(explanation, id=seen.session.id, policy=rules)


def _emptied(session: Session, fresh: Session) -> Session:
    """What is left of a session that was ended: in which dialogue the member is, and in which language."""
    conversation = Conversation(session.conversation.locale, session.conversation.chosen, over=True)
    return structs.replace(
        fresh,
        seen_at=session.seen_at,
        secret=session.secret,
        dedupe_until=session.dedupe_until,
        dialogue=session.dialogue,
        conversation=conversation,
    )


def _of_an_anchor(address: Address) -> bool:
    """An anchor was set for an address as such: it was met nowhere."""
    return not address.gateway
