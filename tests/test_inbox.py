"""What could not be dealt with while its webhook waited: kept, dealt with once, in order, and then forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao import Chat, Flows, Text
from kikao.arrivals import Arrivals
from kikao.channels.channel import Response
from kikao.channels.chat.gateway import ChatGateway, Received
from kikao.channels.chat.message import Parcel
from kikao.channels.inbound import Chatted, Inbound
from kikao.channels.outbox import Delivered, Dispatcher, Letter, Rejected, TryLater
from kikao.conversation.inputs import Place
from kikao.conversation.secrets import Secret
from kikao.i18n import t
from kikao.inbox import POISON, Inbox
from kikao.members.reaches import RememberedReaches
from kikao.sessions.gate import Gate
from kikao.sessions.keeper import Held
from kikao.sessions.policy import session_key
from kikao.sessions.posting import opened
from kikao.turn import _Turn
from tests.channels.chat.talk import Talk, start

pytestmark = pytest.mark.virtual_time

flows = Flows()


@flows.flow("echo", title=t("Echo"))
async def echo(chat: Chat) -> None:
    said = [await chat.ask(f"n{number}", Text(), t("{number}?", number=str(number))) for number in range(9)]
    await chat.end(t("{said}", said=" ".join(said)))


def said(who: str, text: str, id_: str = "", **more: object) -> Inbound:
    return Inbound(
        channel="telegram", gateway="bot-api", identity=who, happening="reply", text=Secret(text),
        message_id=Secret(id_ or f"{who} {text}"), chat=Chatted(), **more,  # type: ignore[arg-type]
    )  # fmt: skip


class Desk:
    """Arrivals with an inbox; what is kept is dealt with when that is asked for."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        turns = talk.process.turns
        self.sessions = turns.sessions
        self.reach = RememberedReaches(self.sessions.ring, clock=self.sessions.clock)
        self.inbox = Inbox(turns)
        lines = {talk.gateway.line: talk.gateway}
        self.arrivals = Arrivals(turns, lines, talk.process.publish, inbox=self.inbox, reach=self.reach)
        self.kept = Dispatcher(
            self.sessions,
            self.inbox.destinations(lines, self.arrivals.one),
            lambda event: None,
            poll=0.01,
            chance=lambda: 1.0,
        )
        self.inbox.stored = self.kept.stored

    async def take(self, *inbounds: Inbound) -> int:
        return (await self.arrivals.take(Received(inbounds))).status

    async def rows(self) -> list[str]:
        """What is kept, and not dealt with."""
        return [
            each.to async for each in self.sessions.store.messages(state="waiting") if each.to[:5] == "inbox"
        ]

    async def shown(self) -> list[str]:
        ring, store = self.sessions.ring, self.sessions.store
        return [
            Parcel.read(opened(ring, each)).message.text
            async for each in store.messages()
            if each.to == self.talk.gateway.line
        ]


@pytest.fixture
async def desk() -> Desk:
    return Desk(await start(flows, "echo"))


@asynccontextmanager
async def at_work(desk: Desk, who: str) -> AsyncIterator[None]:
    """Another turn of a member is at work for so long that nothing of theirs can be dealt with."""
    turns = desk.talk.process.turns
    key = session_key(desk.sessions.ring, turns.address(said(who, "")).parts)
    claim = await desk.sessions.store.claim(key, None, now=desk.sessions.clock(), lease=30.0, wait=0.0)
    budget, turns.budget = turns.budget, 0.05
    try:
        yield
    finally:
        turns.budget = budget
        await desk.sessions.store.release(claim)  # type: ignore[arg-type]


async def test_what_is_dealt_with_at_once_is_not_kept(desk: Desk) -> None:
    assert await desk.take(said("1", "hi"), said("1", "a")) == 200
    assert await desk.shown() == ["0?", "1?"]
    assert await desk.kept.once() == 0


async def test_what_cannot_be_finished_in_time_is_kept_and_dealt_with_in_order(desk: Desk) -> None:
    await desk.take(said("1", "hi"))
    async with at_work(desk, "1"):
        assert await desk.take(said("1", "a"), said("2", "hi")) == 200
        assert await desk.shown() == ["0?", "0?"], "the other member has an answer"
    assert await desk.take(said("1", "b"), said("1", "c")) == 200
    assert await desk.rows() == ["inbox/telegram/bot-api"] * 3, "behind what waits"
    assert await desk.take(said("1", "b")) == 200
    assert len(await desk.rows()) == 3, "a copy changes nothing"
    assert await desk.kept.once() == 3
    assert await desk.rows() == []
    assert await desk.shown() == ["0?", "0?", "1?", "2?", "3?"]
    assert await desk.take(said("1", "a"), said("1", "d")) == 200
    assert (await desk.shown())[-1] == "4?"


async def test_it_is_tried_until_it_is_done(desk: Desk) -> None:
    await desk.take(said("1", "hi"))
    async with at_work(desk, "1"):
        await desk.take(said("1", "a"))
        assert await desk.kept.once() == 1
        assert len(await desk.rows()) == 1
    desk.talk.process.clock.advance(2)
    assert await desk.kept.once() == 1
    assert await desk.shown() == ["0?", "1?"]


async def test_it_is_gone_with_the_next_sweep(desk: Desk) -> None:
    async with at_work(desk, "1"):
        await desk.take(said("1", "hi"))
    await desk.kept.once()
    await desk.sessions.store.sweep(now=desk.sessions.clock() + 1, limit=9)
    assert [each.to async for each in desk.sessions.store.messages()] == ["telegram/bot-api"]


async def test_nothing_of_it_is_stored_in_clear(desk: Desk) -> None:
    async with at_work(desk, "1"):
        await desk.take(said("1", "a very telling text"))
    [row] = [each async for each in desk.sessions.store.messages()]
    assert b"telling" not in row.payload
    assert b"telling" in opened(desk.sessions.ring, row)
    assert row.session != row.id


async def test_while_the_store_is_away_or_too_much_is_at_work_the_provider_keeps_it(desk: Desk) -> None:
    desk.talk.process.store.unavailable = True
    assert await desk.take(said("1", "hi")) == 503
    desk.talk.process.store.unavailable = False
    desk.talk.process.turns.gate = Gate(0)
    assert await desk.take(said("1", "hi")) == 503
    assert await desk.rows() == []


async def test_what_names_nobody_is_not_kept(desk: Desk) -> None:
    assert await desk.take(said("", "hi", "x")) == 200
    assert await desk.rows() == []


async def test_whoever_writes_is_heard(desk: Desk) -> None:
    now = desk.sessions.clock()
    await desk.take(said("1", "hi", sent_at=now - 60))
    assert (await desk.reach.of("telegram", "1", "telegram/bot-api")).heard_at == now - 60
    await desk.take(said("2", "hi"))
    assert (await desk.reach.of("telegram", "2", "telegram/bot-api")).heard_at == now


async def test_a_whole_inbound_comes_back_as_it_was(desk: Desk) -> None:
    whole = Inbound(
        "telegram", "bot-api", "1", "reply", Secret("2"), message_id=Secret("9"), sent_at=5.5,
        attachment=Place(0.5, 32.5), chat=Chatted(to="-7", group="-7", pressed="mark", order=3),
    )  # fmt: skip
    found: list[Inbound] = []

    async def one(inbound: Inbound) -> object:
        found.append(inbound)
        return type("Response", (), {"status": 200})()

    await desk.inbox.keep(whole)
    [row] = [each async for each in desk.sessions.store.messages()]
    [reader] = {each.sender for each in desk.inbox.destinations({"telegram/bot-api": 1}, one).values()}  # type: ignore[arg-type]
    letter = Letter(row.id, row.to, opened(desk.sessions.ring, row), 1)
    assert await reader.send(letter) == Delivered()
    [back] = found
    assert (back.text.reveal(), back.attachment, back.chat, back.sent_at) == (
        "2", whole.attachment, whole.chat, 5.5,
    )  # fmt: skip
    assert back.message_id is not None
    assert back.message_id.reveal() == "9"


async def test_what_nobody_can_read_is_dead_and_what_is_refused_comes_again(desk: Desk) -> None:
    async def away(inbound: Inbound) -> object:
        return type("Response", (), {"status": 503})()

    [reader] = {each.sender for each in desk.inbox.destinations({"telegram/bot-api": 1}, away).values()}  # type: ignore[arg-type]
    assert await reader.send(Letter(bytes(16), "inbox/telegram/bot-api", b"\xc1", 1)) == Rejected(
        "unreadable"
    )
    await desk.inbox.keep(said("1", "hi"))
    [row] = [each async for each in desk.sessions.store.messages()]
    letter = Letter(row.id, row.to, opened(desk.sessions.ring, row), 1)
    assert await reader.send(letter) == TryLater("HTTP 503")


@given(st.lists(st.sampled_from(["next", "next", "busy", "free", "work", "again"]), max_size=24))
@settings(max_examples=25)
async def test_whatever_hangs_a_member_is_answered_in_order_and_once(story: list[str]) -> None:
    """Messages come, turns of others hold the session, what is kept is worked on, and webhooks come again."""
    desk = Desk(await start(flows, "echo"))
    turns, store, clock = desk.talk.process.turns, desk.sessions.store, desk.talk.process.clock
    key = session_key(desk.sessions.ring, turns.address(said("1", "")).parts)
    texts = iter(["hi", *(f"a{number}" for number in range(9))])
    sent: list[Inbound] = []
    claim: object = None
    for what in [*story, "free", *["next"] * 10, *["work"] * 3]:
        turns.budget = 0.01 if claim is not None else 4.0
        if what == "next" and (text := next(texts, None)) is not None:
            sent.append(said("1", text))
            assert await desk.take(sent[-1]) == 200
        elif what == "again" and sent:
            assert await desk.take(sent[len(sent) // 2]) == 200
        elif what == "busy" and claim is None:
            claim = await store.claim(key, None, now=clock(), lease=99.0, wait=0.0)
        elif what == "free" and claim is not None:
            await store.release(claim)  # type: ignore[arg-type]
            claim, turns.budget = None, 4.0
        elif what == "work":
            clock.advance(2)
            await desk.kept.once()
    assert (await desk.shown())[-1] == " ".join(f"a{number}" for number in range(9))
    assert len(await desk.shown()) == 10


@pytest.mark.parametrize("how", ["its turn fails", "KeyError"])
async def test_what_fails_each_time_takes_nothing_along_and_gives_way_in_the_end(
    desk: Desk, how: str
) -> None:
    turns = desk.talk.process.turns
    process, handle = _Turn._process, turns.handle

    async def failing(turn: _Turn, held: Held) -> Response:
        if turn.inbound.text.reveal() == "poison":
            raise KeyError("a mistake of ours")
        return await process(turn, held)

    async def raising(inbound: Inbound, gateway: ChatGateway) -> Response:
        if inbound.text.reveal() == "poison":
            raise KeyError("a mistake of ours")
        return await handle(inbound, gateway)

    await desk.take(said("1", "hi"))
    with pytest.MonkeyPatch.context() as patched:
        if how == "KeyError":
            patched.setattr(turns, "handle", raising)
        else:
            patched.setattr(_Turn, "_process", failing)
        assert await desk.take(said("1", "poison"), said("1", "a"), said("2", "hi")) == 200
        assert await desk.shown() == ["0?", "0?"], "the other member has an answer"
        assert len(await desk.rows()) == 2
        for _ in range(POISON):
            desk.talk.process.clock.advance(61)
            await desk.kept.once()
    assert await desk.rows() == []
    assert (await desk.shown())[2:] == ["1?"], "what came after it goes on"
    dead = [each async for each in desk.sessions.store.messages(state="dead")]
    assert [each.reason for each in dead] == [how]


async def test_what_cannot_be_kept_either_is_not_brought_for_ever(desk: Desk) -> None:
    broken = said("1", "half a character \ud800")
    assert await desk.take(broken, said("2", "hi")) == 200
    assert await desk.shown() == ["0?"]
