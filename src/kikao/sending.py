"""What leaves a process: its dispatchers, what wakes them, and what is said beside them."""

from __future__ import annotations

import asyncio
import contextlib

from kikao.bus import Bell, Fanout
from kikao.channels.directly import Directly
from kikao.channels.outbox import Dispatcher
from kikao.channels.ussd.destinations import HELD_UP, SLACK
from kikao.events import Publish
from kikao.sessions.keeper import Sessions
from kikao.sessions.outgoing import shard
from kikao.sessions.sharing import Shares
from kikao.sessions.store import CommitUnknown, StoreUnavailable


class Sending:
    """One process's part in sending what is stored: three dispatchers, none of which the others hold up. Where each
    sends to is added to it before `start`.

    From the beginning it hears of what `sessions` store in this process; `bell` is to run, so that others do, too.
    """

    def __init__(self, sessions: Sessions, publish: Publish, bus: Fanout, shares: Shares) -> None:
        self._shares = shares
        self.dispatcher = Dispatcher(sessions, {}, publish, shards=lambda: shares.shards)
        """Sends what flows post, and whatever else may take its time."""
        self.screens = Dispatcher(
            sessions, {}, publish, shards=lambda: shares.shards, held_up=HELD_UP, slack=SLACK
        )
        """Sends the screens of asynchronous gateways, for which members wait."""
        self.kept = Dispatcher(sessions, {}, publish, shards=lambda: shares.shards)
        """Deals with what came and could not be dealt with at once."""
        self.directly = Directly(self.screens.destinations, publish, sessions.clock)
        """What is said to members of asynchronous gateways, and is no turn."""
        self.directly.may_leave = self.screens.may_leave
        self.bell = Bell(bus, "outbox", self._rung)
        """Tells other processes of messages that this one stored and they look after, and hears of theirs."""
        self._dispatchers = self.dispatcher, self.screens, self.kept
        self._tasks: list[asyncio.Task[None]] = []
        sessions.posted, sessions.pushed = self.posted, self.screens.stored  # who stored a screen sends it
        for each in self._dispatchers:
            shares.when_changed(each.wake)

    def posted(self, key: bytes) -> None:
        """A session has messages to send: whoever looks after its shard is woken."""
        if (number := shard(key)) in self._shares.shards:
            self.dispatcher.wake()
        else:
            self.bell.ring(number)

    def _rung(self, shards: frozenset[int] | None) -> None:
        """Another process stored messages of these shards; None for any."""
        if shards is None or not shards.isdisjoint(self._shares.shards):
            self.dispatcher.wake()

    def bound(self) -> None:
        """A link to an operator is there: what waited for it can go."""
        self.screens.wake()
        self.dispatcher.wake()

    async def push(self) -> None:
        """Deal with what came and was kept, send what is due of screens that leave by a call, and wait until it is."""
        with contextlib.suppress(StoreUnavailable, CommitUnknown):  # it will look again
            await self.kept.once()
            await self.screens.once()
        await self.directly.settled()

    def start(self) -> None:
        """Send what there is, and what comes, until `stop`."""
        self._tasks = [asyncio.create_task(each.run()) for each in self._dispatchers]

    async def stop(self, budget: float) -> None:
        """Take no more; give what is on its way `budget` seconds, and the rest back."""
        await asyncio.gather(*(each.stop(budget) for each in self._dispatchers), self.directly.close(budget))
        await asyncio.gather(*self._tasks, return_exceptions=True)
