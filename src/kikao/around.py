"""A turn with the app's middleware around it: what they are told of it, and what they answer in its place."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

from kikao.channels.channel import Gateway, Response
from kikao.channels.directly import Directly
from kikao.channels.inbound import Inbound
from kikao.conversation.errors import Misuse
from kikao.events import described, short
from kikao.i18n.messages import Translate
from kikao.members import Members
from kikao.metrics.phases import Stopwatch
from kikao.middleware import Chain, Outcome, TurnContext, outcome_of
from kikao.records import RecordsAway
from kikao.sessions.masking import masked
from kikao.telling import Done, Rejected, Telling


class Guarded(Protocol):
    """What there is to know of a turn."""

    inbound: Inbound
    gateway: Gateway
    named: tuple[str, str]
    key: bytes
    deadline: float
    tell: Telling
    watch: Stopwatch
    done: Done | None


class Around:
    """Stands around every turn of an app. `reserve` are the seconds after a turn's deadline that they may use."""

    def __init__(
        self,
        chain: Chain,
        members: Members,
        *,
        reserve: float,
        translate: Callable[[str], Translate],
        locale: str,
        directly: Directly,
    ) -> None:
        self._chain = chain
        self._members = members
        self._reserve = reserve
        self._translate = translate
        self._locale = locale
        self._directly = directly

    async def __call__(
        self, turn: Guarded, take: Callable[[], Awaitable[Response]], apology: Callable[[], Response]
    ) -> Response:
        """The reply: of the turn that `take` makes, or what middleware answered, or an apology."""
        inbound, now = turn.inbound, asyncio.get_running_loop().time
        until = turn.deadline + self._reserve

        async def locale() -> str:
            with contextlib.suppress(RecordsAway, TimeoutError):
                async with asyncio.timeout_at(turn.deadline):
                    return (await self._members.meet(*turn.named)).locale
            return ""

        context = TurnContext(
            channel=inbound.channel,
            gateway=inbound.gateway,
            happening=inbound.happening,
            session=short(turn.key),
            member=masked(*turn.named),
            locale=locale,
            remaining=lambda: until - now(),
        )

        async def core() -> tuple[Response, Outcome]:
            turn.watch.watchers = context.watchers
            response = await take()
            return response, outcome_of(turn.done)

        found = await self._chain.around(context, core, before=turn.deadline, until=until)
        if isinstance(found, Response):
            return found
        response, outcome = None, found.outcome
        if found.screen is not None:
            try:
                pages = turn.gateway.pages(found.screen, self._translate(await locale() or self._locale))
                if len(pages) > 1:
                    raise Misuse(
                        f"what middleware {outcome.by} answered takes {len(pages)} pages: it must fit into one"
                    )
                turn.tell.showed(str(pages[0]), "notice")
                response = self._directly(turn.gateway, inbound, pages[0])
            except Exception as problem:  # noqa: BLE001 - as if it had raised
                self._chain.failed(context, outcome.by, "before", problem)
                outcome = Outcome(what="unavailable", error=described(problem), by=outcome.by)
        turn.tell.rejected(cast(Rejected, outcome.what), outcome.error)
        return response or apology()
