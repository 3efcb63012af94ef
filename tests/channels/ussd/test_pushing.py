"""Screens that are calls: each is stored with its turn, and shown in order, while somebody waits, whatever happens."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kikao import App, Chat, Done, Flows, Pin, Secret, Text, t
from kikao.channels.directly import Directly
from kikao.channels.ussd.registry import OPTIONS
from kikao.config import load
from kikao.events import Event, MessageDead, MessageRetried, MessageSent, NoticeLost, TurnDuplicated
from kikao.i18n.messages import Message
from kikao.middleware import Proceed, TurnContext
from kikao.sessions.limits import Limits, Rate
from kikao.sessions.policy import SessionPolicy
from kikao.testing import DROPPED, Phone, Stage, in_process
from tests.channels.ussd.told import environment
from tests.waiting import until

NUMBER = "+94771234567"
FIRST, LAST = "Your first name?", "Your last name?"
PIN = "4321"

flows = Flows()


class Vault:
    """Opens with any PIN."""

    async def open(self, pin: Secret, key: str) -> Done[str]:
        return Done("r1")


@flows.flow("names")
async def names(chat: Chat) -> None:
    """Two questions, a PIN and a last word."""
    first = await chat.ask("first", Text(), FIRST)
    last = await chat.ask("last", Text(), LAST)
    await chat.secret("pin", Pin(), "PIN?", use=chat.service(Vault).open)
    await chat.end(f"Thank you, {first} {last}.")


def staged(folder: Path, gateway: str = "ideamart", **options: Any) -> Stage:
    settings = load(environment(gateway), folder, gateways=OPTIONS)
    return Stage(App(flows, entry="names", members=False, **options), settings, services={Vault: Vault()})


def texts(stage: Stage) -> list[str]:
    return [heard.shown.text.split("\n")[0] for heard in stage.provider.heard]


def dead(stage: Stage) -> list[str]:
    return [event.reason for event in stage.events if isinstance(event, MessageDead)]


async def kept(stage: Stage) -> list[str]:
    return [message.state async for message in stage.store.messages()]


# --- what is promised ---


async def test_a_request_is_acknowledged_and_its_screen_is_one_call(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        phone = stage.phone(NUMBER, gateway="ideamart")
        assert await phone.dial() == FIRST
        assert phone.raw == (200, b'{"statusCode":"S1000","statusDetail":"Success"}')
        assert (await phone.reply("Ama")).startswith(LAST)
        assert texts(stage) == [FIRST, LAST]
        assert stage.provider.refused == []
        told = [event for event in stage.events if isinstance(event, MessageSent)]
        assert [(event.to, event.tries) for event in told] == [("ussd/ideamart", 1)] * 2


async def test_a_screen_that_was_sent_is_gone_with_the_next_sweep(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.phone(NUMBER, gateway="ideamart").dial()
        assert await kept(stage) == ["sent"]
        stage.clock.advance(1.0)
        await stage.server.sweeper.once()
        assert await kept(stage) == []


async def test_a_request_that_comes_again_is_acknowledged_again_and_nothing_else_is_sent(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        phone = stage.phone(NUMBER, gateway="ideamart")
        await phone.dial()
        await phone.reply("Ama")
        raw = phone.raw
        for _ in range(3):
            assert (await phone.again()).startswith(LAST)
            assert phone.raw == raw
        assert texts(stage) == [FIRST, LAST]
        assert sum(isinstance(event, TurnDuplicated) for event in stage.events) == 3


async def test_copies_that_come_at_the_same_time_are_one_turn_and_one_screen(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        phone = stage.phone(NUMBER, gateway="ideamart")
        await phone.dial()
        exchange = phone.client.answer("Ama")
        send = in_process(stage.server)
        path = f"/ussd/{phone.gateway}"
        sent = msgspec.structs.replace(exchange, path=path)
        replies = await asyncio.gather(*(send(sent) for _ in range(4)))
        await stage.push()
        assert {reply.status for reply in replies} == {200}
        assert texts(stage) == [FIRST, LAST]


async def test_nothing_of_a_screen_and_no_secret_is_told_or_kept_in_clear(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        phone = stage.phone(NUMBER, gateway="ideamart")
        await phone.dial()
        stage.provider.fails(3)
        await phone.reply("Ama")
        stage.clock.advance(2.0)
        await phone.listen()
        told = " ".join(map(repr, stage.events))
        assert LAST not in told
        assert "pa55word" not in told
        async for message in stage.store.messages():
            assert b"last name" not in message.payload
        for _ in range(2):
            stage.clock.advance(2.0)
            await phone.listen()
        await phone.reply("Mensah")
        await phone.reply(PIN)
        assert not await stage.holds(PIN)


# --- deaths ---


@pytest.mark.parametrize("gateway", ["ideamart", "oneapi"])
@pytest.mark.parametrize(
    ("call", "before", "shown"),
    [
        ("claim", True, 0),
        ("commit", True, 0),
        ("commit", False, 1),
        ("take", True, 1),
        ("take", False, 1),
        ("settle", True, 2),
        ("settle", False, 1),
    ],
)
async def test_whenever_a_process_dies_the_screen_is_sent_by_the_next_if_its_turn_is_stored(
    tmp_path: Path, gateway: str, call: str, before: bool, shown: int
) -> None:
    async with staged(tmp_path, gateway) as stage:
        phone = stage.phone(NUMBER, gateway=gateway)
        await phone.dial()
        stage.crash_at(call, before=before)
        await phone.reply("Ama")
        await stage.restart()
        stage.clock.advance(stage.server.sending.screens.lease)
        await phone.listen()
        assert texts(stage)[1:] == [LAST] * shown
        # What the provider sends again is taken for the same while it may be; else it answers the next question.
        stage.clock.now -= stage.server.sending.screens.lease
        assert (await phone.again()).startswith(LAST)
        assert texts(stage)[1:] == [LAST] * max(shown, 1)
        bodies = {heard.call.body for heard in stage.provider.heard[1:]}
        assert len(bodies) == 1, "the same call, by which a provider may know that it is one"


async def test_a_screen_whose_dialogue_died_with_the_process_is_not_sent(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        phone = stage.phone(NUMBER, gateway="ideamart")
        await phone.dial()
        stage.crash_at("take", before=False)
        assert await phone.reply("Ama") == DROPPED
        stage.clock.advance(21.0)
        await stage.restart()
        await phone.listen()
        assert texts(stage) == [FIRST]
        assert dead(stage) == ["expired"]


async def test_a_commit_that_nobody_confirmed_sends_its_screen_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        phone = stage.phone(NUMBER, gateway="ideamart")
        await phone.dial()
        stage.leave_unanswered("commit")
        assert (await phone.reply("Ama")).startswith(LAST)
        assert texts(stage) == [FIRST, LAST]


# --- a provider in a bad mood ---


async def test_a_provider_that_fails_is_called_again_while_the_member_waits(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        phone = stage.phone(NUMBER, gateway="ideamart")
        stage.provider.fails(2)
        assert await phone.dial() == DROPPED
        for _ in range(2):
            stage.clock.advance(1.0)
            await phone.listen()
        assert phone.screen == FIRST
        assert stage.provider.calls == 3
        retried = [event for event in stage.events if isinstance(event, MessageRetried)]
        assert [event.reason for event in retried] == ["HTTP 503"] * 2
        assert all(event.retry_after <= 0.5 for event in retried)


async def test_it_is_given_up_when_nobody_waits_any_more_and_never_sent_later(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        phone = stage.phone(NUMBER, gateway="ideamart")
        stage.provider.fails(100)
        await phone.dial()
        for _ in range(40):
            stage.clock.advance(1.0)
            await phone.listen()
        assert dead(stage) == ["expired; the last: HTTP 503"]
        assert stage.provider.calls <= 25
        stage.provider.recovers()
        found = [message async for message in stage.store.messages()]
        assert await stage.store.replay(found, now=stage.clock(), expires_at=stage.clock() + 3600) == 1
        await stage.push()
        assert texts(stage) == []
        assert dead(stage)[1:] == ["expired"]


async def test_what_failed_is_dead_once_something_newer_is_there_and_never_shown_after_it(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        phone = stage.phone(NUMBER, gateway="ideamart")
        stage.provider.fails(1)
        assert await phone.dial() == DROPPED
        assert await phone.redial() == FIRST, "at once"
        assert len(texts(stage)) == 1
        assert dead(stage) == ["superseded"]
        stage.clock.advance(5.0)
        await stage.push()
        assert len(texts(stage)) == 1


async def test_a_screen_waits_while_an_older_one_is_on_its_way(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        phone = stage.phone(NUMBER, gateway="ideamart")
        stage.provider.held = asyncio.Event()
        slow = asyncio.create_task(phone.dial())
        await until(lambda: stage.provider.calls == 1, "the call")
        send = in_process(stage.server)
        answer = msgspec.structs.replace(phone.client.answer("Ama"), path="/ussd/ideamart")
        assert (await send(answer)).status == 200
        pushing = asyncio.create_task(stage.push())
        for _ in range(50):
            await asyncio.sleep(0)
        assert stage.provider.calls == 1, "one at a time"
        stage.provider.held.set()
        await asyncio.gather(slow, pushing)
        await stage.push()
        assert texts(stage) == [FIRST, LAST]


async def test_a_provider_that_says_to_wait_is_left_alone_and_then_shown_the_newest(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        asha, ben = (stage.phone(number, gateway="ideamart") for number in (NUMBER, "+94771234568"))
        stage.provider.limits(5.0)
        await asha.dial()
        await ben.dial()
        assert stage.provider.calls == 1
        stage.clock.advance(4.0)
        await asha.redial()
        assert stage.provider.calls == 1
        stage.clock.advance(1.5)
        await stage.push()
        assert sorted(heard.call.body.count(b"94771234568") for heard in stage.provider.heard) == [0, 1]
        assert dead(stage) == ["superseded"]


async def test_a_screen_whose_answer_was_lost_is_sent_again_under_the_same_id(tmp_path: Path) -> None:
    async with staged(tmp_path, "oneapi") as stage:
        phone = stage.phone(NUMBER, gateway="oneapi")
        stage.provider.does_not_answer()
        assert await phone.dial() == FIRST
        stage.clock.advance(1.0)
        await stage.push()
        assert texts(stage) == [FIRST, FIRST]
        asked = [msgspec.json.decode(heard.call.body) for heard in stage.provider.heard]
        correlators = {call["outboundUSSDMessageRequest"]["clientCorrelator"] for call in asked}
        assert len(correlators) == 1


async def test_a_screen_that_the_provider_refuses_is_not_sent_again(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.provider.fails(1, status=400)
        assert await stage.phone(NUMBER, gateway="ideamart").dial() == DROPPED
        stage.clock.advance(2.0)
        await stage.push()
        assert stage.provider.calls == 1
        assert dead(stage) == ["HTTP 400"]


# --- what is no turn ---


async def test_a_store_that_is_away_is_told_at_once_and_nothing_is_stored(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        phone = stage.phone(NUMBER, gateway="ideamart")
        await phone.dial()
        stage.faults.unavailable = True
        assert await phone.reply("Ama") == "Service unavailable. Try again later."
        assert phone.ended
        stage.faults.unavailable = False
        assert [message.state async for message in stage.store.messages()] == ["sent"]
        assert await phone.dial() == FIRST


async def test_what_cannot_be_told_is_lost_and_that_is_told(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        phone = stage.phone(NUMBER, gateway="ideamart")
        stage.faults.unavailable = True
        stage.provider.fails(1)
        assert await phone.dial() == DROPPED
        stage.provider.does_not_answer()
        await phone.dial()
        lost = [event.reason for event in stage.events if isinstance(event, NoticeLost)]
        assert lost == ["HTTP 503", "no answer in time"]


async def test_some_are_told_at_a_time_more_wait_and_what_is_too_much_is_lost(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        server, gateway = stage.server, stage.server.web.gateways["ideamart"]
        events: list[Event] = []
        directly = Directly(
            server.sending.screens.destinations, events.append, stage.clock, at_once=2, most=5
        )
        phone = stage.phone(NUMBER, gateway="ideamart")
        inbound = gateway.parse(phone.client.dial("d1").request("/ussd/ideamart"))
        stage.provider.held = asyncio.Event()
        for _ in range(7):
            assert directly(gateway, inbound, "Busy.") == gateway.acknowledge(inbound)
        await until(lambda: stage.provider.calls == 2, "two calls")
        assert events == [NoticeLost(to="ussd/ideamart", reason="too many")] * 2
        stage.provider.held.set()
        await directly.settled()
        assert texts(stage) == ["Busy."] * 5


async def test_what_is_being_told_at_the_end_gets_a_little_time(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        gateway = stage.server.web.gateways["ideamart"]
        events: list[Event] = []
        directly = Directly(stage.server.sending.screens.destinations, events.append, stage.clock)
        nowhere = Directly({}, events.append, stage.clock)
        phone = stage.phone(NUMBER, gateway="ideamart")
        inbound = gateway.parse(phone.client.dial("d1").request("/ussd/ideamart"))
        stage.provider.held = asyncio.Event()
        directly(gateway, inbound, "Busy.")
        await directly.close(0.01)
        nowhere(gateway, inbound, "Busy.")
        await nowhere.close(0.01)
        assert events == [NoticeLost(to="ussd/ideamart", reason="nobody sends there")]
        assert texts(stage) == []


async def test_a_limit_and_what_middleware_answers_are_told_directly(tmp_path: Path) -> None:
    async def closed(turn: TurnContext, proceed: Proceed) -> Message:
        return t("Closed for today.")

    limits = Limits(address=Rate(1, burst=1))
    async with staged(tmp_path, policy=SessionPolicy(limits=limits)) as stage:
        phone: Phone = stage.phone(NUMBER, gateway="ideamart")
        assert await phone.dial() == FIRST
        assert await phone.reply("Ama") == "Too many attempts. Try again later."
        assert phone.ended
    async with staged(tmp_path / "other", middleware=[closed]) as stage:
        phone = stage.phone(NUMBER, gateway="ideamart")
        assert await phone.dial() == "Closed for today."
        assert await kept(stage) == []
