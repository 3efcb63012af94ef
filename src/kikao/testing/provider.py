"""A provider that is called with each screen: it checks the calls, keeps them, and can be in a bad mood.

stage.provider.fails(2)              # the next two calls get a 503
stage.provider.limits(5.0)           # until a call has been told to wait five seconds
stage.provider.loses()               # takes the next call, and shows nothing
stage.provider.does_not_answer()     # shows the next one, and nobody hears of it
stage.provider.held = asyncio.Event()   # takes its time, until that is set
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from kikao.channels.calling import Answer, Call, Make, Unanswered
from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Client, Shown
from kikao.channels.ussd.gateway import UssdGateway
from kikao.channels.ussd.registry import client
from kikao.config import Settings, UssdSettings


class Heard(NamedTuple):
    """A call that a provider took."""

    gateway: str
    shown: Shown
    call: Call


class Provider:
    """The other side of all gateways that answer by a call, in this process."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        """What was taken, in the order in which it came; of what was lost, nothing."""
        self.calls = 0
        """How often it was called, whatever came of it."""
        self.refused: list[str] = []
        """What was wrong with calls that are not what the contract says: they got a 400."""
        self.held: asyncio.Event | None = None
        """Calls wait for it, where it is set."""
        self._answers: list[Answer] = []
        """What the next calls get, whatever they are."""
        self._lost = 0
        self._unheard = 0

    # --- moods ---

    def fails(self, times: int = 1, status: int = 503) -> None:
        """The next calls get this status."""
        self._answers += [Answer(status)] * times

    def limits(self, seconds: float, times: int = 1) -> None:
        """The next calls are too many: 429, to be tried again after so many seconds."""
        self._answers += [Answer(429, (("retry-after", f"{seconds:.0f}"),))] * times

    def recovers(self) -> None:
        """Whatever mood was left: none is."""
        self._answers.clear()
        self._lost = self._unheard = 0

    def loses(self, times: int = 1) -> None:
        """The next calls are taken, and nothing of them is ever shown."""
        self._lost += times

    def does_not_answer(self, times: int = 1) -> None:
        """The next calls are shown, and their answer is lost."""
        self._unheard += times

    # --- calls ---

    def network(self, settings: Settings) -> Callable[[UssdGateway], Make]:
        """For `App.serving`."""

        def of(gateway: UssdGateway) -> Make:
            slug = gateway.slug
            reader = client(slug, "", "", settings.ussd.get(slug, UssdSettings()))

            async def make(call: Call) -> Answer:
                return await self._take(slug, reader, call)

            return make

        return of

    def shown(self, gateway: str, dialogue: str, since: int = 0) -> Response | None:
        """The last screen of a dialogue, as a phone reads it, of what was heard from a place on; None without one."""
        for heard in reversed(self.heard[since:]):
            if (heard.gateway, heard.shown.dialogue) == (gateway, dialogue):
                return Response(200, heard.call.headers, heard.call.body)
        return None

    async def _take(self, slug: str, reader: Client, call: Call) -> Answer:
        self.calls += 1
        if self.held is not None:
            await self.held.wait()
        if self._answers:
            return self._answers.pop(0)
        try:
            shown = reader.read_pushed(call)
        except (ValueError, LookupError, TypeError) as problem:
            self.refused.append(f"{slug}: {problem}")
            return Answer(400)
        if self._lost:
            self._lost -= 1
            return reader.taken()
        self.heard.append(Heard(slug, shown, call))
        if self._unheard:
            self._unheard -= 1
            raise Unanswered("no answer in time")
        return reader.taken()
