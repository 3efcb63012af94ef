"""Screens that come by a call of their own: those for a simulated phone are heard here, all others go on their way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from kikao.channels.calling import Answer, Call, Make
from kikao.channels.ussd.clients.client import Client
from kikao.channels.ussd.gateway import UssdGateway
from kikao.channels.ussd.registry import client
from kikao.config import Settings, UssdSettings

PATIENCE: Final = 5.0
"""Seconds that a phone waits for its screen."""

MOST: Final = 200
"""Dialogues whose screens are heard: the latest."""


class Pushes:
    """The provider's end of the calls of asynchronous gateways, for the dialogues of simulated phones."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._came: dict[tuple[str, str], asyncio.Queue[Call]] = {}

    def beside(self, gateway: UssdGateway, make: Make) -> Make:
        """What makes the calls of a gateway: `make`, but for those that are for a simulated phone."""
        slug = gateway.slug
        reader = client(slug, "", "", self._settings.ussd.get(slug, UssdSettings()))

        async def made(call: Call) -> Answer:
            queue = self._queue_of(slug, reader, call)
            if queue is None:
                return await make(call)
            queue.put_nowait(call)
            return reader.taken()

        return made

    def expect(self, gateway: str, dialogue: str) -> None:
        """The screens of this dialogue are for a simulated phone."""
        self._came[gateway, dialogue] = asyncio.Queue()
        while len(self._came) > MOST:
            del self._came[next(iter(self._came))]

    async def last(self, gateway: str, dialogue: str, *, until: Callable[[], bool]) -> Call | None:
        """The last call of a dialogue since it was asked for; None where none came and `until` says that none will.

        Waits for `PATIENCE` at most.
        """
        queue = self._came.get((gateway, dialogue))
        if queue is None:
            return None
        found: Call | None = None
        if queue.empty() and not until():
            try:
                found = await asyncio.wait_for(queue.get(), PATIENCE)
            except TimeoutError:
                return None
        while not queue.empty():
            found = queue.get_nowait()
        return found

    def _queue_of(self, slug: str, reader: Client, call: Call) -> asyncio.Queue[Call] | None:
        try:
            dialogue = reader.read_pushed(call).dialogue
        except (ValueError, LookupError, TypeError):  # what the provider itself would refuse
            return None
        return self._came.get((slug, dialogue))
