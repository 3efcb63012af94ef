"""Replay: a stored run, decoded and run again from the top to its open question.

Beside it the least a replay can be: the very same flow function, fed from a decoded list by a chat without keys, types
or checks. That one ends where the list does, so it is compared with a replay that ends at the open question
(`replayed`), and not with one that also puts the question (`shown`).
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn, TypeVar, cast

import msgspec

from benchmarks.subjects import Prepare, Work
from kikao.conversation import Chat, Choice, Flows, Money, Navigation, Number, Phone, Secret, Text
from kikao.conversation.effects import Settled
from kikao.conversation.effects import Work as Effect
from kikao.conversation.engine import Engine
from kikao.conversation.inputs import Dial, Reply
from kikao.conversation.journal import Conversation
from kikao.conversation.member import Member
from kikao.conversation.runner import Runner
from kikao.conversation.suspension import Returned, close, drive
from kikao.i18n import t

T = TypeVar("T")

flows = Flows()

ANSWERS = ("0772123456", "5000", "school fees", "3", "2")
"""What is typed at each of the five questions."""

_DECODER = msgspec.msgpack.Decoder(Conversation)

LOCALES = {"en": "English"}
MEMBER = Member("0" * 32, "ussd", "+256772000001")


@flows.flow("asks")
async def asks(chat: Chat) -> None:
    """Five questions of five types, over and over."""
    while True:
        await chat.ask("to", Phone(), t("Recipient's phone number"))
        await chat.ask("amount", Money("UGX", min=500), t("Amount"))
        await chat.ask("reason", Text(max=40), t("What is it for?"))
        await chat.ask("times", Number(1, 12), t("How many times?"))
        await chat.ask("plan", Choice([(t("Weekly"), "weekly"), (t("Monthly"), "monthly")]), t("How often?"))


class Host:
    """What the engine asks of a turn: here nothing but the time."""

    now = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
    destinations: Collection[str] | None = None

    def __init__(self) -> None:
        self.deadline = asyncio.get_running_loop().time() + 3600

    def new_run(self) -> tuple[str, bytes]:
        return "0" * 32, bytes(32)

    def service(self, kind: Callable[..., T]) -> T:
        raise LookupError(kind)

    async def intend(self, works: Sequence[Effect]) -> NoReturn:
        raise AssertionError("no effects here")

    async def perform(self, works: Sequence[Effect]) -> list[Settled | None]:
        raise AssertionError("no effects here")


async def stored(answers: int) -> bytes:
    """A conversation with so many answers, as a session keeps it."""
    conversation, engine, host = Conversation(), Engine(flows, entry="asks"), Host()
    await engine.advance(conversation, Dial(), MEMBER, host)
    for at in range(answers):
        event = Reply(Secret(ANSWERS[at % len(ANSWERS)]))
        turned = await engine.advance(conversation, event, MEMBER, host)
        assert turned.what == "asked"
    assert conversation.run is not None
    assert len(conversation.run.journal) == answers, "an answer was refused"
    return msgspec.msgpack.encode(conversation)


@asynccontextmanager
async def shown(answers: str) -> AsyncIterator[Prepare]:
    """What a turn does with a run, but for the answer: decode, keep for a failure, replay, put the question, close."""
    blob, host, navigation = await stored(int(answers)), Host(), Navigation()

    def prepare(units: int) -> Work:
        async def work() -> None:
            for _ in range(units):
                conversation = _DECODER.decode(blob)
                runner = Runner(
                    conversation,
                    MEMBER,
                    flows=flows,
                    entry="asks",
                    navigation=navigation,
                    locales=LOCALES,
                    host=host,
                )
                await runner.go()

        return work

    yield prepare


class Replayed(Chat):
    """A chat that stops where the journal ends, in place of putting the next question."""

    __slots__ = ()

    async def _ask(self, *_: Any) -> NoReturn:
        await self._suspend(Returned())


@asynccontextmanager
async def replayed(answers: str) -> AsyncIterator[Prepare]:
    """Decode, replay to the open question, close."""
    blob, host, navigation = await stored(int(answers)), Host(), Navigation()

    def prepare(units: int) -> Work:
        async def work() -> None:
            for _ in range(units):
                conversation = _DECODER.decode(blob)
                run = conversation.run
                assert run is not None
                chat = Replayed(
                    run,
                    MEMBER,
                    conversation,
                    None,
                    host=host,
                    flows=flows,
                    navigation=navigation,
                    locales=LOCALES,
                )
                coroutine = chat.begin(asks)
                _ = await drive(coroutine, None, host.deadline)
                close(coroutine)

        return work

    yield prepare


class BareChat:
    """Hands back one value after the other, and then waits for ever."""

    def __init__(self, values: list[Any]) -> None:
        self._values = iter(values)

    async def ask(self, name: str, answer: object, prompt: object) -> Any:
        for value in self._values:
            return value
        await _Wait()
        raise AssertionError("unreachable")


class _Wait:
    def __await__(self) -> Any:
        yield


@asynccontextmanager
async def bare(answers: str) -> AsyncIterator[Prepare]:
    """The same flow on a `BareChat`."""
    conversation = msgspec.msgpack.decode(await stored(int(answers)), type=Conversation)
    assert conversation.run is not None
    values: list[Any] = [entry.value for entry in conversation.run.journal]
    blob = msgspec.msgpack.encode(values)
    decode = msgspec.msgpack.Decoder(list[Any]).decode

    def prepare(units: int) -> Work:
        async def work() -> None:
            for _ in range(units):
                coroutine = asks.function(cast(Chat, BareChat(decode(blob))))
                coroutine.send(None)
                coroutine.close()

        return work

    yield prepare
