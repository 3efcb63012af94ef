"""An app that repeats in a chat what it heard, and counts. `LEASE` in the environment is how long what a killed process
held is left alone, in seconds, and `SCALE` how many times as fast as usual messages may leave: a run would take hours.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from msgspec import structs

from kikao import App, Chat, Flows, Limits, SessionPolicy, Text, t, turn
from kikao.channels.calling import Make
from kikao.channels.chat import lines
from kikao.channels.outbox import Destination, Pace, dispatcher
from kikao.channels.telegram import gateway as telegram
from kikao.channels.ussd import destinations
from kikao.channels.whatsapp import gateway, sender
from kikao.sessions import keeper, working

PATIENCE: Final = 2.0
"""Seconds that a call may take."""

SCALE: Final = float(os.environ.get("SCALE", "1"))

if lease := os.environ.get("LEASE"):
    names = (
        (keeper, "LEASE"),
        (working, "LEASE"),
        (turn, "LEASE"),
        (dispatcher, "HELD_UP"),
        (dispatcher, "SLACK"),
        (destinations, "HELD_UP"),
        (destinations, "SLACK"),
        (lines, "TIMEOUT"),
    )
    for module, name in names:  # this process only
        assert name in vars(module), f"{module.__name__} has no {name} any more"
        vars(module)[name] = float(lease) / (1 if name == "LEASE" else 2)

    for cls in (telegram.TelegramGateway, gateway.WhatsAppGateway):

        def hasty(
            self: Any,
            make: Make,
            clock: Callable[[], float],
            usual: Callable[..., Destination] = cls.destination,
        ) -> Destination:
            return structs.replace(usual(self, make, clock), timeout=PATIENCE, first=0.5)

        cls.destination = hasty  # type: ignore[method-assign]

for module in (telegram, gateway, sender):
    for name, value in list(vars(module).items()):
        if isinstance(value, Pace):
            vars(module)[name] = Pace(value.interval / SCALE, max(1, round(value.burst * SCALE)))

flows = Flows()


@flows.flow("count")
async def count(chat: Chat, n: int = 0, heard: str = "") -> None:
    """Says how many messages were taken, and the last of them."""
    said = await chat.ask("said", Text(), t("{n}: {heard}", n=n, heard=heard))
    await chat.restart_with(n=n + 1, heard=said)


policy = SessionPolicy(limits=Limits(address=None, member=None))

app = App(flows, entry="count", members=False, policy=policy, budget=1.0, channels=("telegram", "whatsapp"))
