"""What a flow posts (`chat.post`): stored with the turn that came there, once, or not at all."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kikao.conversation import Chat, Flows, Misuse, Number, Pin, Refused, Secret, Text
from kikao.conversation.errors import ErrorCode
from kikao.conversation.posting import MAX_MESSAGE, MAX_POSTED
from kikao.events import MessageQueued, MessageStranded, TurnCommitted
from kikao.i18n.messages import t
from kikao.sessions.outgoing import Outgoing
from kikao.sessions.sealing import message_to
from kikao.testing import ProcessDied
from tests.talk import Process, Talk, start


class Lead(msgspec.Struct):
    name: str
    amount: int


async def outbox(process: Process) -> list[Outgoing]:
    """What is stored to be sent, in the order of its lanes."""
    return [message async for message in process.store.messages()]


async def bodies(process: Process) -> list[tuple[str, Any]]:
    """Where to, and what, as the receiver will see it."""
    ring = process.sessions.ring
    return [
        (m.to, msgspec.json.decode(ring.unseal(m.payload, m.id, message_to(m.to))))
        for m in await outbox(process)
    ]


def selling() -> Flows:
    flows = Flows()

    @flows.flow("sell")
    async def sell(chat: Chat) -> None:
        name = await chat.ask("name", Text(), "Name")
        await chat.post("lead", "crm", Lead(name, 0))
        amount = await chat.ask("amount", Number(), "Amount")
        await chat.post("order", "crm", {"name": name, "amount": amount})
        await chat.post("stock", "store", [amount])
        await chat.end("Thanks")

    return flows


async def test_a_message_leaves_with_the_turn_in_which_it_was_reached() -> None:
    talk = await start(selling(), "sell")
    heard: list[int] = []
    talk.process.sessions.posted = lambda _: heard.append(1)
    await talk.dial()
    assert await outbox(talk.process) == []
    await talk.say("Amina")
    assert await bodies(talk.process) == [("webhook/crm", {"name": "Amina", "amount": 0})]
    await talk.say("5")
    assert talk.text == "Thanks"
    assert await bodies(talk.process) == [
        ("webhook/crm", {"name": "Amina", "amount": 0}),
        ("webhook/crm", {"name": "Amina", "amount": 5}),
        ("webhook/store", [5]),
    ]
    assert len(heard) == 2
    queued = [event for event in talk.process.events if isinstance(event, MessageQueued)]
    assert [(event.at, event.to) for event in queued] == [
        ("lead#1", "webhook/crm"),
        ("order#1", "webhook/crm"),
        ("stock#1", "webhook/store"),
    ]
    assert [event.message for event in queued] == [m.id.hex() for m in await outbox(talk.process)]


async def test_what_was_posted_is_sealed_and_not_kept_in_the_session() -> None:
    talk = await start(selling(), "sell")
    await talk.dial()
    await talk.say("Amina")
    (message,) = await outbox(talk.process)
    assert b"Amina" not in message.payload
    (session,) = await talk.process.stored()
    assert session.conversation.posts == []
    assert session.conversation.run is not None
    assert [(e.key, e.kind, e.value) for e in session.conversation.run.journal] == [
        ("name#1", "ask", "Amina"),
        ("lead#1", "post", "crm"),
    ]


@pytest.mark.parametrize("stored", [True, False])
async def test_a_commit_that_nobody_confirmed_posts_once(stored: bool) -> None:
    talk = await start(selling(), "sell")
    await talk.dial()
    store = talk.process.store
    store.unanswered = ("commit", store.calls["commit"] + 1, stored)
    await talk.say("Amina")
    await talk.send()
    assert talk.text.startswith("Amount")
    assert len(await outbox(talk.process)) == 1


@pytest.mark.parametrize("before", [True, False])
async def test_a_crash_at_the_commit_posts_once(before: bool) -> None:
    talk = await start(selling(), "sell")
    await talk.dial()
    store = talk.process.store
    at = ("commit", store.calls["commit"] + 1)
    if before:
        store.die_before = at
    else:
        store.die_after = at
    with pytest.raises(ProcessDied):
        await talk.say("Amina")
    assert len(await outbox(talk.process)) == (0 if before else 1)
    await talk.restart()
    await talk.send()
    assert len(await outbox(talk.process)) == 1


async def test_back_does_not_pass_what_was_posted() -> None:
    flows = Flows()

    @flows.flow("sell")
    async def sell(chat: Chat) -> None:
        await chat.post("lead", "crm", await chat.ask("name", Text(), "Name"))
        await chat.choose("size", "Size", ["Small", "Large"])

    talk = await start(flows, "sell")
    await talk.dial()
    await talk.say("Amina")
    await talk.say("0")
    assert "already done" in talk.text
    assert len(await outbox(talk.process)) == 1


async def test_a_turn_that_breaks_posts_nothing() -> None:
    flows = Flows()
    broken = True

    @flows.flow("sell")
    async def sell(chat: Chat) -> None:
        name = await chat.ask("name", Text(), "Name")
        await chat.post("lead", "crm", name)
        if broken:
            raise ValueError
        await chat.end("Thanks")

    talk = await start(flows, "sell")
    await talk.dial()
    await talk.say("Amina")
    assert "Name" in talk.text
    assert await outbox(talk.process) == []
    assert not [event for event in talk.process.events if isinstance(event, MessageQueued)]
    broken = False
    await talk.say("Amina")
    assert await bodies(talk.process) == [("webhook/crm", "Amina")]


@pytest.mark.parametrize("refuses", [False, True])
async def test_what_was_posted_around_an_effect_stays_when_the_turn_breaks(refuses: bool) -> None:
    flows = Flows()
    broken = True

    @flows.flow("pay")
    async def pay(chat: Chat) -> None:
        await chat.ask("name", Text(), "Name")
        await chat.session.set("posted", 1)
        await chat.post("begins", "crm", "begins")

        async def charge(key: str) -> Any:
            return Refused(ErrorCode.REJECTED) if refuses else "done"

        try:
            await chat.step("charge", charge, retry="key")
        finally:
            await chat.post("over", "crm", "over")
            await chat.session.set("posted", 2)
        if broken:
            raise ValueError
        await chat.end("Thanks")

    talk = await start(flows, "pay")
    await talk.dial()
    await talk.say("Amina")
    expected = [("webhook/crm", "begins"), ("webhook/crm", "over")]
    assert await bodies(talk.process) == expected
    broken = False
    if not refuses:  # which ended the run
        await talk.dial()
        await talk.say("1")
        assert talk.text == "Thanks"
        assert await bodies(talk.process) == expected


async def test_the_runs_that_move_on_post_too_and_so_does_a_loop() -> None:
    flows = Flows()

    @flows.flow("first")
    async def first(chat: Chat) -> None:
        await chat.ask("name", Text(), "Name")
        for number in range(3):
            await chat.post("each", "crm", number)
        await chat.goto("second")

    @flows.flow("second")
    async def second(chat: Chat) -> None:
        await chat.post("each", "crm", 3)
        await chat.end("Thanks")

    talk = await start(flows, "first")
    await talk.dial("Amina")
    assert [body for _, body in await bodies(talk.process)] == [0, 1, 2, 3]
    assert len({m.id for m in await outbox(talk.process)}) == 4


async def test_a_post_that_comes_where_a_question_was_open_lets_the_member_look_first() -> None:
    flows, deployed = Flows(), Flows()

    @flows.flow("sell")
    async def sell(chat: Chat) -> None:
        await chat.ask("name", Text(), "Name")
        await chat.ask("amount", Number(), "Amount")
        await chat.end("Thanks")

    @deployed.flow("sell")
    async def sell_and_tell(chat: Chat) -> None:
        await chat.ask("name", Text(), "Name")
        await chat.post("lead", "crm", 1)
        await chat.ask("amount", Number(), "Amount")
        await chat.end("Thanks")

    talk = await start(flows, "sell")
    await talk.dial()
    await talk.say("Amina")
    await talk.restart(deployed)
    await talk.say("5")
    assert "updated" in talk.text
    assert await outbox(talk.process) == []


ENDLESS: list[object] = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    ("data", "to", "said"),
    [
        (Secret("2580"), "crm", "cannot be posted"),
        ({"pin": Secret("2580")}, "crm", "cannot be posted"),
        (object(), "crm", "cannot be posted"),
        (msgspec.Raw(b"{no JSON}"), "crm", "cannot be posted"),
        (ENDLESS, "crm", "cannot be posted"),
        ("x" * MAX_MESSAGE, "crm", "the cap is"),
        (1, "No such", "no name of a destination"),
    ],
)
async def test_what_cannot_be_posted_is_a_mistake(data: Any, to: str, said: str) -> None:
    flows = Flows()

    @flows.flow("sell")
    async def sell(chat: Chat) -> None:
        try:
            await chat.post("lead", to, data)
        except Misuse as error:
            told.append(str(error))
            raise

    told: list[str] = []
    talk = await start(flows, "sell")
    await talk.dial()
    assert await outbox(talk.process) == []
    assert said in told[0]
    assert "test_posting.py:" in told[0]
    assert "2580" not in told[0]


async def test_a_secret_of_this_turn_is_not_posted_whoever_gave_it_back() -> None:
    flows = Flows()

    @flows.flow("pay")
    async def pay(chat: Chat) -> None:
        leaked = []

        async def use(pin: Secret, key: str) -> str:
            leaked.append(pin.reveal())
            return "done"

        await chat.secret("pin", Pin(), "PIN", use=use)
        await chat.post("lead", "crm", {"note": [f"said {leaked}"]})
        await chat.end("Thanks")

    talk = await start(flows, "pay")
    await talk.dial()
    await talk.say("258014")
    assert await outbox(talk.process) == []
    assert not await talk.process.holds("258014")


async def test_what_goes_to_no_known_destination_waits_and_is_told_and_breaks_no_flow() -> None:
    """Nothing of what was paid may read as an error because a setting is missing."""
    flows = Flows()

    async def pay(key: str) -> str:
        return "ok"

    @flows.flow("sell")
    async def sell(chat: Chat) -> None:
        await chat.step("pay", pay, retry="key", done=t("Paid. Ref A1"))
        for to in ("shop", "crm"):
            await chat.post("lead", to, 1)
        await chat.end("Thanks")

    talk = await start(flows, "sell")
    talk.process.sessions.destinations = {"shop"}
    assert (await talk.dial()).endswith("Thanks")
    (turn,) = [event for event in talk.process.events if isinstance(event, TurnCommitted)]
    assert turn.error == ""
    stranded = [event for event in talk.process.events if isinstance(event, MessageStranded)]
    assert [(event.to, event.at) for event in stranded] == [("webhook/crm", "lead#2")]
    assert len(await outbox(talk.process)) == 2


async def test_a_turn_posts_only_so_many() -> None:
    flows = Flows()

    @flows.flow("sell")
    async def sell(chat: Chat) -> None:
        await chat.ask("name", Text(), "Name")
        for number in range(MAX_POSTED + (chat.locale == "en")):
            await chat.post("each", "crm", number)
        await chat.end("Thanks")

    talk = await start(flows, "sell")
    await talk.dial("Amina")
    assert await outbox(talk.process) == []


async def test_two_members_have_lanes_of_their_own() -> None:
    talk = await start(selling(), "sell")
    other = Talk(talk.process, "+256772000002")
    for each in (talk, other):
        await each.dial()
        await each.say("Amina")
    assert len({m.session for m in await outbox(talk.process)}) == 2
