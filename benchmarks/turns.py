"""A turn in process: `Turns.handle` on the memory store, with the real gateway and sealing; phase by phase.

The unit is one turn of the conversation in `benchmarks.conversation`, dial and receipt included.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Final, TextIO

from benchmarks.conversation import MEMBERS, SEEN, TYPED, number_of
from benchmarks.engines import store_at
from benchmarks.subjects import Prepare, Work
from benchmarks.wallet import flows
from kikao.channels.channel import Request
from kikao.channels.ussd.clients.africastalking import AfricasTalkingClient
from kikao.channels.ussd.gateways.africastalking import AfricasTalking
from kikao.conversation.engine import Engine
from kikao.events import Bus, LogLines
from kikao.i18n import Catalogs
from kikao.members import Unlisted
from kikao.metrics import Counters
from kikao.sessions.keeper import Sessions
from kikao.sessions.limits import Limits, Rate
from kikao.sessions.policy import SessionPolicy
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import SessionStore
from kikao.turn import Turns

OFTEN: Final = Rate(1_000_000, per=1.0)
TIRELESS: Final = SessionPolicy(limits=Limits(address=OFTEN, member=OFTEN))
"""Members who come as often as the machine can take, and are counted nevertheless."""


def wired(store: SessionStore, log: TextIO) -> Turns:
    """The turns of an app, without its HTTP."""
    sessions = Sessions(store, KeyRing({"bench": bytes(32)}), TIRELESS)
    engine = Engine(flows, entry="wallet")
    return Turns(
        engine,
        sessions,
        {},
        Unlisted(sessions.ring),
        translate=Catalogs().translate,
        publish=Bus([Counters(), LogLines(log)]),
    )


def requests(dialogue: str, turns: int) -> list[Request]:
    """What the gateway sends in so many turns: one conversation after the other, of ever another member."""
    found: list[Request] = []
    while len(found) < turns:
        at = len(found) // len(TYPED)
        member = AfricasTalkingClient(number_of(at), "*284#")
        exchanges = [member.dial(f"{dialogue}/{at}"), *map(member.answer, TYPED[1:])]
        found += [
            Request("POST", "/ussd/africastalking", b"", dict(each.headers), each.body) for each in exchanges
        ]
    return found[:turns]


@asynccontextmanager
async def handled(url: str = "memory:") -> AsyncIterator[Prepare]:
    """Inbounds that are parsed already: claim, unseal, replay, render, seal, commit, log."""
    store, gateway = store_at(url), AfricasTalking()
    turns, dialogues = wired(store, Nowhere()), count()
    await store.open()

    def prepare(units: int) -> Work:
        waiting = [gateway.parse(request) for request in requests(str(next(dialogues)), units)]

        async def work() -> None:
            for inbound in waiting:
                await turns.handle(inbound, gateway)

        return work

    yield prepare
    await store.close()


@asynccontextmanager
async def kikao(url: str = "memory:") -> AsyncIterator[Prepare]:
    """From the body of a request to the body of its response."""
    store, gateway = store_at(url), AfricasTalking()
    turns, dialogues = wired(store, Nowhere()), count()
    await store.open()

    def prepare(units: int) -> Work:
        waiting = requests(str(next(dialogues)), units)

        async def work() -> None:
            for request in waiting:
                await turns.handle(gateway.parse(request), gateway)

        return work

    for request, seen in zip(requests("first", MEMBERS * len(TYPED)), SEEN * MEMBERS, strict=False):
        response = await turns.handle(gateway.parse(request), gateway)
        assert seen in response.body.decode(), response
    yield prepare
    await store.close()


class Nowhere(io.StringIO):
    """A stream that keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)
