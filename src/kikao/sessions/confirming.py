"""Commits that nobody confirmed before their turn was given up: looked for until it is known what became of them.

Their members were told to dial again for the result. So where such a commit stands, what its reply said is kept for the
next dial to tell. A copy of the inbound gets the reply itself, as always.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from kikao.conversation.screens import Screen
from kikao.i18n.messages import Text
from kikao.sessions.keeper import LEASE, Held, Sessions
from kikao.sessions.store import Dedupe, Record

MOST: Final = 1000
"""Commits that are looked for at the same time; those beyond are left: a copy of the inbound still finds them."""

PATIENCE: Final = 120.0
"""Seconds after which one that did not come is not waited for any more."""

PAUSE: Final = 0.25
LONGEST: Final = 8.0
"""Seconds between two looks: at first, and at most."""


@dataclass(slots=True)
class Unconfirmed:
    """A commit of the end of a turn that may be stored, or still on its way."""

    key: bytes
    """Of its session."""
    version: int
    """That the session has once it is stored."""
    fence: int
    dedupe: Dedupe | None
    """What was to be stored with it for its inbound."""
    reply: bytes
    notices: Sequence[Text]
    """What only its reply says."""
    tell: Callable[[], object]
    """Publishes what happened; called once, when it is known to be stored."""
    stands: bool = False


def unconfirmed(
    held: Held, dedupe: Dedupe | None, reply: bytes, screen: Screen, tell: Callable[[], object]
) -> Unconfirmed:
    """The commit that `held` is in doubt about, and what to do where it stands."""
    # A question is asked again, and what a run that goes on has to tell it keeps.
    only_here = screen.body if screen.ends and held.session.conversation.run is None else ()
    return Unconfirmed(held.claim.key, held.version + 1, held.claim.fence, dedupe, reply, only_here, tell)


class Confirming:
    """Follows commits that nobody confirmed."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def __len__(self) -> int:
        return len(self._tasks)

    def look_for(self, one: Unconfirmed) -> None:
        """Find out what became of it, and leave what is to be told."""
        if len(self._tasks) < MOST:
            task = asyncio.create_task(self._follow(one))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self, budget: float) -> None:
        """Look once more for each, for `budget` seconds at most."""
        self._closing.set()
        if self._tasks:
            _, running = await asyncio.wait(self._tasks, timeout=budget)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        self._closing.clear()

    async def _follow(self, one: Unconfirmed) -> None:
        until = asyncio.get_running_loop().time() + PATIENCE
        for attempt in itertools.count():
            last = self._closing.is_set()
            with contextlib.suppress(Exception):  # the store is still away, or somebody was faster
                if await self._settled(one):
                    return
            if last or asyncio.get_running_loop().time() > until:
                return
            pause = min(PAUSE * 2 ** min(attempt, 10), LONGEST)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._closing.wait()

    async def _settled(self, one: Unconfirmed) -> bool:
        """Whether there is nothing left to do."""
        held = await self._sessions.claim(one.key, wait=LEASE)
        if not isinstance(held, Held):
            return False
        try:
            record = held.claim.record
            assert record is not None
            if not one.stands and await self._is_stored(one, record):
                one.stands = True
                one.tell()
            if not one.stands:
                return record.version >= one.version  # somebody else was faster: it is stored no more
            waiting = held.session.conversation.notices
            more = [text for text in one.notices if text not in waiting]
            if more:
                waiting.extend(more)
                await held.commit()
            return True
        finally:
            await self._sessions.release_quietly(held)

    async def _is_stored(self, one: Unconfirmed, record: Record) -> bool:
        if (record.version, record.fence) == (one.version, one.fence):
            return True
        if one.dedupe is None:
            return False
        found = await self._sessions.store.seen(one.key, one.dedupe.key)
        return any(each.reply == one.dedupe.reply for each in found)  # sealed: no other is like it
