"""What operators do with the outbox: look at messages, replay or discard dead ones."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from typing import Final

from kikao.control import CommandRefused, Commands
from kikao.conversation.posting import WEBHOOK
from kikao.events import short
from kikao.sessions.keeper import Sessions
from kikao.sessions.outbox_views import (
    DISCARD,
    LIST,
    REPLAY,
    SHOW,
    Chosen,
    Done,
    MessageLine,
    Messages,
    Which,
)
from kikao.sessions.outgoing import Outgoing
from kikao.sessions.posting import GOOD_FOR, SCREENS, opened
from kikao.sessions.sealing import SealError, kid_of

BATCH: Final = 100
"""Messages in one go."""

_ID = re.compile("[0-9a-f]{6,32}").fullmatch


class OutboxOperator:
    """Carries out what operators ask of the outbox. `legible` makes a text of a destination and what a letter says."""

    def __init__(self, sessions: Sessions, legible: Callable[[str, bytes], str]) -> None:
        self._sessions = sessions
        self._legible = legible

    def offer(self, commands: Commands) -> None:
        """Register everything under its `Call`."""
        commands.add(LIST, self.lines)
        commands.add(SHOW, self.show)
        commands.add(REPLAY, self.replay)
        commands.add(DISCARD, self.discard)

    async def lines(self, asked: Messages) -> AsyncGenerator[MessageLine, None]:
        """A line for each message, in no order, while they leave beside."""
        count, to = 0, _names(asked.to)
        async for message in self._sessions.store.messages(state=asked.state or None):
            if not to or message.to in to:
                yield self._line(message)
                count += 1
                if count == asked.limit:
                    return

    async def show(self, asked: Which) -> AsyncGenerator[MessageLine, None]:
        """The one message that is meant."""
        (message,) = await self._found((asked.id,), lambda _: True)
        yield self._line(message, clear=asked.clear)

    async def replay(self, asked: Chosen) -> AsyncGenerator[Done, None]:
        """Let dead messages leave again, behind what waits in their lanes: the oldest first.

        Not screens: nobody waits for those any more, and each would stand for the newest of its lane.
        """
        now, count = self._sessions.clock(), 0
        dead = await self._chosen(asked)
        chosen = [message for message in dead if not message.to.startswith(SCREENS)]
        if asked.ids and len(chosen) < len(dead):
            raise CommandRefused("a screen is of no use later: it does not leave again")
        chosen.sort(key=lambda message: message.posted_at)
        for at in range(0, len(chosen), BATCH):
            part = chosen[at : at + BATCH]
            count += await self._sessions.store.replay(part, now=now, expires_at=now + GOOD_FOR)
            for message in part:
                self._sessions.posted(message.session)
        yield Done(count)

    async def discard(self, asked: Chosen) -> AsyncGenerator[Done, None]:
        """Remove dead messages."""
        count, chosen = 0, await self._chosen(asked)
        for at in range(0, len(chosen), BATCH):
            count += await self._sessions.store.discard(chosen[at : at + BATCH])
        yield Done(count)

    async def _chosen(self, asked: Chosen) -> list[Outgoing]:
        if asked.all == bool(asked.ids):
            raise CommandRefused("name messages by their ids, or all of them, and not both")
        to = _names(asked.to)
        if asked.all:
            store = self._sessions.store
            return [m async for m in store.messages(state="dead") if not to or m.to in to]
        found = await self._found(asked.ids, lambda message: not to or message.to in to)
        for message in found:
            if message.state != "dead":
                raise CommandRefused(f"{message.id.hex()[:12]} is not dead: it is {message.state}")
        return found

    async def _found(self, ids: tuple[str, ...], fits: Callable[[Outgoing], bool]) -> list[Outgoing]:
        """The one message that each of these begins. Raises `CommandRefused`."""
        wanted = {id_.lower(): list[Outgoing]() for id_ in ids}
        for id_ in wanted:
            if not _ID(id_):
                raise CommandRefused(f"{id_[:40]!r} is no id of a message: it has 6 to 32 hex digits")
        async for message in self._sessions.store.messages():
            name = message.id.hex()
            for id_, found in wanted.items():
                if name.startswith(id_) and fits(message):
                    found.append(message)
        for id_, found in wanted.items():
            if len(found) != 1:
                problem = "no message" if not found else f"{len(found)} messages"
                raise CommandRefused(f"{problem} of an id that begins with {id_}")
        return [message for (message,) in wanted.values()]

    def _line(self, message: Outgoing, *, clear: bool = False) -> MessageLine:
        body = problem = ""
        if clear:
            try:
                body = self._legible(message.to, opened(self._sessions.ring, message))
            except SealError as error:
                problem = str(error)
        return MessageLine(
            id=message.id.hex(),
            to=message.to,
            state=message.state,
            session=short(message.session),
            posted_at=message.posted_at,
            due_at=message.due_at,
            expires_at=message.expires_at,
            tries=message.tries,
            reason=message.reason,
            status=message.status.name.lower() if message.state == "sent" else "",
            urgency=message.urgency,
            size=len(message.payload),
            kid=kid_of(message.payload),
            held=message.state == "waiting" and message.lease_until > self._sessions.clock(),
            body=body,
            problem=problem,
        )


def _names(to: str) -> frozenset[str]:
    """What a destination may be called in full: `crm` is `webhook/crm`, and `records` may be the audit trail."""
    return frozenset([to, WEBHOOK + to]) if to else frozenset()
