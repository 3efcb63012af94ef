"""What a chat's webhook brings, dealt with before it is answered: each message a turn of its own, in order per member.

A provider sends several messages of several members at once, and all of it again unless it hears 200. So 200 is said
once each is dealt with, or kept in the inbox (`kikao.inbox`), behind what the same member has there; what was dealt
with before then answers as a duplicate. One that cannot be dealt with now takes nobody else's along.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from kikao.channels.channel import Response
from kikao.channels.chat.gateway import TAKEN, ChatGateway, Received
from kikao.channels.chat.told import Other, Told
from kikao.channels.inbound import Inbound
from kikao.channels.refusals import AGAIN, FAILED
from kikao.events import GatewayTold, Publish, described
from kikao.fetching import WITHIN, Fetching
from kikao.inbox import Inbox
from kikao.members import Reaches
from kikao.members.reach import KINDS
from kikao.records import CommitUnknown as RecordsUnknown
from kikao.records import RecordsAway
from kikao.sessions.policy import MissingIdentifier
from kikao.sessions.store import CommitUnknown, StoreUnavailable
from kikao.turn import Turns

QUICK: Final = 4.0
"""Seconds that a file gets to come while its webhook waits."""

AT_ONCE: Final = 32
"""Members whose messages of one webhook are dealt with at the same time."""

PASSING: Final = (StoreUnavailable, CommitUnknown, RecordsAway, RecordsUnknown, TimeoutError)
"""What keeps something from being taken for a while."""

Hears = Callable[[Any], Awaitable[bool]]
"""Takes what a provider told; whether that is done: else it is wanted again."""


class Arrivals:
    """Deals with what arrives. `lines` are the gateways, by name; `hears` takes what is no message, by its kind.

    `texts`: whether the app is meant for SMS. Where it only sends them, what members write back is told, and not dealt
    with.
    """

    def __init__(
        self,
        turns: Turns,
        lines: Mapping[str, ChatGateway],
        publish: Publish,
        hears: Mapping[type, Hears] | None = None,
        *,
        texts: bool = True,
        inbox: Inbox | None = None,
        reach: Reaches | None = None,
        fetching: Fetching | None = None,
    ) -> None:
        self._turns = turns
        self._lines = lines
        self._publish = publish
        self._hears = dict(hears or {})
        self._texts = texts
        self._inbox = inbox
        self._reach = reach
        self._fetching = fetching

    async def take(self, received: Received) -> Response:
        """The answer to a webhook, once all of it is dealt with or kept."""
        room = asyncio.Semaphore(AT_ONCE)

        async def of_one(inbounds: Sequence[Inbound]) -> list[Response]:
            answers: list[Response] = []
            async with room:
                for inbound in inbounds:
                    answers.append(await self._dealt_with(inbound))
                    if answers[-1].status != TAKEN.status:
                        break  # it is brought again, and so is what the member sent after it
            return answers

        lanes = _by_member(received.inbounds)
        if len(lanes) == 1:
            answers = await of_one(lanes[0])
        else:
            answers = [answer for lane in await asyncio.gather(*map(of_one, lanes)) for answer in lane]
        heard = [await self._told(told) for told in received.told]
        if not all(heard) or any(answer.status != 200 for answer in answers):
            return AGAIN
        if not answers:
            return received.answer or TAKEN
        return answers[0] if len(answers) == 1 else TAKEN

    async def _dealt_with(self, inbound: Inbound) -> Response:
        """The answer to one message of a webhook, now or, where that cannot be, once it is kept.

        Where too much is at work already nothing is kept: the provider has to go slower.
        """
        await self._heard(inbound)
        inbox = self._inbox
        if inbox is None:
            return await self.one(inbound, within=QUICK)
        try:
            waits = await inbox.waits(inbound) or await self._has_to_be_fetched(inbound)
            answer = AGAIN if waits else await self._tried(inbound)
            if answer.status == AGAIN.status and (waits or not self._turns.gate.crowded):
                async with asyncio.timeout(self._turns.budget):
                    await inbox.keep(inbound)
                return TAKEN
        except MissingIdentifier:
            return await self.one(inbound)
        except (StoreUnavailable, CommitUnknown, TimeoutError):
            return AGAIN
        except Exception as error:  # noqa: BLE001 - it would be brought again for ever, with all that came with it
            self._note(f"{inbound.channel}/{inbound.gateway}", f"a message not taken: {described(error)}")
            return TAKEN
        return answer

    async def _has_to_be_fetched(self, inbound: Inbound) -> bool:
        """Whether a file has to come before its turn. It waits in the inbox, so that what the member writes meanwhile
        stands behind it, whichever process hears of that."""
        has = self._fetching is not None and inbound.chat is not None and inbound.chat.remote is not None
        return has and self._fetching is not None and await self._fetching.wants(inbound)

    async def _tried(self, inbound: Inbound) -> Response:
        """The answer to one message; what raises is not dealt with."""
        try:
            return await self.one(inbound, within=QUICK)
        except (MissingIdentifier, StoreUnavailable, CommitUnknown, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 - it is kept, and must not take the others of its webhook along
            self._note(f"{inbound.channel}/{inbound.gateway}", f"a message failed: {described(error)}")
            return FAILED

    async def one(self, inbound: Inbound, *, within: float = WITHIN) -> Response:
        """The answer to one message; of 200 it is dealt with, anything else wants it again. It is kept nowhere.

        A file of it gets `within` seconds to come.
        """
        line = f"{inbound.channel}/{inbound.gateway}"
        if inbound.channel == "sms" and not self._texts:
            self._note(line, "a member wrote, and the app is not meant for SMS")
            return TAKEN
        gateway = self._lines[line]
        attended, done = gateway.attend(inbound), False
        try:
            if self._fetching is not None and inbound.chat is not None and inbound.chat.remote is not None:
                brought = await self._fetching.brought(inbound, within=within)
                if brought is None:
                    return AGAIN
                inbound = brought
            answer = await self._turns.handle(inbound, gateway)
            done = answer.status == TAKEN.status
            return answer
        except MissingIdentifier as error:
            self._note(line, str(error))
            return TAKEN  # no delivery of it will ever name anybody
        finally:
            if attended is not None:
                attended(done)

    async def _heard(self, inbound: Inbound) -> None:
        """Whoever writes may be written to; so may a group in which somebody does. It is noted later if not now."""
        reach, chat = self._reach, inbound.chat
        if reach is None or inbound.channel not in KINDS:
            return
        line, at = f"{inbound.channel}/{inbound.gateway}", inbound.sent_at or self._turns.sessions.clock()
        people = [inbound.msisdn or inbound.identity]
        people += [chat.group.partition("/")[0]] if chat is not None and chat.group else []  # whatever topic
        for who in people:
            with contextlib.suppress(RecordsAway, RecordsUnknown, ValueError):
                await reach.heard(KINDS[inbound.channel], who, line, at)

    async def _told(self, told: Told) -> bool:
        hears = self._hears.get(type(told))
        if hears is None:
            self._note(told.line, told.note if isinstance(told, Other) else type(told).__name__.lower())
            return True
        try:
            return await hears(told)
        except Exception as error:  # noqa: BLE001 - it must not take the others along
            self._note(told.line, f"{type(told).__name__.lower()} not taken: {described(error)}")
            return not isinstance(error, PASSING)  # brought again where that helps, and not for ever

    def _note(self, line: str, note: str) -> None:
        channel, _, gateway = line.partition("/")
        self._publish(GatewayTold(channel=channel, gateway=gateway, note=note))


def _by_member(inbounds: Iterable[Inbound]) -> list[list[Inbound]]:
    found: dict[tuple[str, str], list[Inbound]] = {}
    for inbound in inbounds:
        group = inbound.chat.group if inbound.chat is not None else ""
        found.setdefault((group, inbound.identity), []).append(inbound)
    return list(found.values()) or [[]]
