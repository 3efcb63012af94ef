"""Recovery: what became of effects whose process died, or whose outcome nobody could say.

Runs at start and while the server runs, over every intent whose lease has lapsed and whose time has come. It asks the
service (`check`, or again under the same key where the step allows that), writes the answer into the journal, and
leaves it to the next dial, or to whoever tells outcomes, to tell the member. It never answers a question and never
goes on with a flow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Final, Literal

from kikao.conversation.engine import Engine
from kikao.conversation.inputs import Settle
from kikao.conversation.member import Member
from kikao.events import Bus, RecoveryDone, described
from kikao.events.place import Place
from kikao.sessions.keeper import Held, Sessions
from kikao.sessions.outgoing import EVERY_SHARD
from kikao.sessions.store import CommitUnknown, Conflict, IntentRow, StoreUnavailable
from kikao.sessions.working import Late, Performer, Services

BATCH: Final = 100
EVERY: Final = 5.0
"""Seconds between looks at what is due."""

AT_ONCE: Final = 10
"""Sessions looked at in parallel, so that one slow service does not hold up what belongs to others."""

PATIENCE: Final = 10.0
"""Seconds a service may take to say what became of a key: less than the lease that recovery works under."""

LEFT_ALONE: Final = 60.0
"""Seconds before another look at a session that cannot be settled here (a missing key, newer code): nothing could be
written of it, so it stays due, and must not stand in the way of those behind it."""


class Recovery:
    """Settles open intents. One a process; several processes share the work by shards, and leases keep it apart."""

    def __init__(
        self,
        sessions: Sessions,
        engine: Engine,
        late: Late,
        services: Services,
        publish: Bus,
        *,
        every: float = EVERY,
        shards: Callable[[], Collection[int]] = lambda: EVERY_SHARD,
    ) -> None:
        self._sessions = sessions
        self._engine = engine
        self._late = late
        self._services = services
        self._publish = publish
        self._every = every
        self._shards = shards
        self._stuck: dict[bytes, float] = {}
        """Sessions that could not be settled here, and until when they are left alone."""

    async def run(self) -> None:
        """For ever; cancel it to stop."""
        while True:
            await self.look()
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Settle what is due now; what fails is told in an event."""
        try:
            await self.once()
        except Exception as error:  # noqa: BLE001 - recovery must not end silently
            self._publish(RecoveryDone(what="failed", error=described(error)))

    async def once(self) -> int:
        """Settle what is due now; the number of sessions looked at."""
        now = self._sessions.clock()
        self._stuck = {key: until for key, until in self._stuck.items() if until > now}
        try:
            rows = await self._sessions.store.due(
                now=now, limit=BATCH + len(self._stuck), shards=self._shards()
            )
        except StoreUnavailable:
            return 0
        by_session = {row.session: row for row in rows if row.session not in self._stuck}
        places = asyncio.Semaphore(AT_ONCE)

        async def settle(row: IntentRow) -> None:
            async with places:
                await self._settle(row)

        await asyncio.gather(*map(settle, by_session.values()))
        return len(by_session)

    async def _settle(self, row: IntentRow) -> None:
        sessions, flow = self._sessions, ""
        what: Literal["settled", "unknown", "conflict", "failed"] = "conflict"
        error: BaseException | None = None
        reasons: tuple[str, ...] = ()
        place = Place(self._publish, "", "", self._engine.flows.release, row.session)
        held = None
        try:
            held = await sessions.claim(row.session, wait=0.0)
            if not isinstance(held, Held) or held.at_work():
                return
            deadline = asyncio.get_running_loop().time() + PATIENCE
            place.channel, place.gateway = held.address.channel, held.address.gateway
            performer = Performer(
                held,
                self._late,
                self._services,
                deadline=deadline,
                clock=sessions.clock,
                tell=place.tell,
            )
            member = Member(held.session.member, held.address.channel, held.address.msisdn)
            try:
                open_before = [intent.token for intent in held.session.conversation.intents()]
                turned = await self._engine.advance(held.session.conversation, Settle(), member, performer)
                held.leave_trail(turned.facts, self._engine.flows.release)
                still_open = {intent.token for intent in held.session.conversation.intents()}
                settled = next((token for token in open_before if token not in still_open), "")
                if settled:
                    self._late.leave_word(held, settled)
                await self._commit(held, performer)
            except BaseException:
                performer.rescue()
                raise
            what = "settled" if turned.what == "settled" else "unknown"
            error, flow, reasons = turned.error, turned.flow, tuple(turned.reasons)
            for happened in turned.facts:
                place.tell(*happened)
        except (Conflict, StoreUnavailable, CommitUnknown) as problem:
            error = problem
        except Exception as problem:  # noqa: BLE001 - one session must not stop the others; nothing was written
            what, error = "failed", problem
            self._stuck[row.session] = sessions.clock() + LEFT_ALONE
        finally:
            if isinstance(held, Held):
                await sessions.release_quietly(held)
        place.tell(
            RecoveryDone,
            {
                "what": what,
                "flow": flow,
                "tries": row.tries,
                "error": described(error),
                "reasons": reasons,
            },
        )

    async def _commit(self, held: Held, performer: Performer) -> None:
        """A commit that nobody confirms is looked for: what it says must be told, once. Raises as a commit does."""
        try:
            await held.commit(working=performer.working)
        except CommitUnknown:
            await self._sessions.release_quietly(held)
            again = await self._sessions.claim(held.claim.key, wait=0.0)
            if not isinstance(again, Held):
                raise
            await self._sessions.release_quietly(again)
            record = again.claim.record
            if record is None or record.fence != held.claim.fence:  # of whoever wrote it last
                raise
