"""A chat without a provider: inbounds go in as they are, and what would leave is looked at in the outbox."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from kikao.channels.calling import Make
from kikao.channels.channel import Response
from kikao.channels.chat.gateway import ChatGateway
from kikao.channels.chat.ladder import Limits as Lengths
from kikao.channels.chat.message import Message, Parcel
from kikao.channels.inbound import Chatted, Inbound
from kikao.channels.outbox import Destination
from kikao.conversation.flows import Flows
from kikao.conversation.secrets import Secret
from kikao.sessions.limits import Limits
from kikao.sessions.policy import DAY, SessionPolicy
from kikao.sessions.posting import opened
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing.clock import Clock
from tests.talk import Process

LIMITS = Lengths(text=4096, body=1024, buttons=3, title=20, rows=10, row=24, described=72, opens=20)


class Letters(ChatGateway):
    """Telegram's place in the house, with WhatsApp's limits."""

    channel = "telegram"
    limits = LIMITS

    @property
    def api_url(self) -> str:
        return "https://letters.example"

    def destination(self, make: Make, clock: Callable[[], float]) -> Destination:
        raise AssertionError("tests look into the outbox")


class Talk:
    """What one member writes and taps, and what they get."""

    def __init__(self, process: Process, identity: str = "700") -> None:
        self.process = process
        self.identity = identity
        self.gateway = Letters("bot-api")
        self.got: list[Parcel] = []
        self.answer: Response | None = None
        self._ids = itertools.count(1)
        self._seen: set[bytes] = set()

    async def writes(self, text: str, *, id_: str = "", order: int = 0) -> list[Message]:
        return await self.says(text, Chatted(order=order), id_)

    async def commands(self, command: str, text: str = "") -> list[Message]:
        return await self.says(text, Chatted(command=command))

    async def starts(self, payload: str = "") -> list[Message]:
        return await self.says(payload, Chatted(command="start"), new=True)

    async def taps(self, label: str, on: Parcel | None = None, *, id_: str = "") -> list[Message]:
        on = on or self.got[-1]
        key = next(choice.key for choice in on.message.choices if choice.label == label)
        return await self.says(key, Chatted(pressed=on.mark, message="m1", callback="c1"), id_)

    async def says(self, text: str, chat: Chatted, id_: str = "", *, new: bool = False) -> list[Message]:
        inbound = Inbound(
            channel="telegram",
            gateway="bot-api",
            identity=self.identity,
            happening="new" if new else "reply",
            text=Secret(text),
            message_id=Secret(id_ or f"u{next(self._ids)}"),
            chat=chat,
        )
        self.answer = await self.process.turns.handle(inbound, self.gateway)
        return await self.arrived()

    async def arrived(self) -> list[Message]:
        """What came since it was last looked."""
        ring, new = self.process.turns.sessions.ring, []
        found = [message async for message in self.process.turns.sessions.store.messages()]
        for message in found:
            if message.id not in self._seen:
                self._seen.add(message.id)
                new.append(Parcel.read(opened(ring, message)))
        self.got += new
        return [parcel.message for parcel in new]


async def start(flows: Flows, entry: str, **options: Any) -> Talk:
    """A server on a memory store, and a member in a chat."""
    policy = SessionPolicy(
        idle=7 * DAY, resume=0.0, opens="message", limits=Limits(address=None, member=None)
    )
    process = Process(flows, entry, MemoryStore(), Clock(), policy=policy, **options)
    await process.open()
    return Talk(process)
