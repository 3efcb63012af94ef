"""What a webhook brings: every message of it is dealt with, in order per member, and one takes no other along."""

from __future__ import annotations

from kikao import Chat, Flows, Text
from kikao.arrivals import Arrivals
from kikao.channels.channel import Response
from kikao.channels.chat.gateway import ChatGateway, Received
from kikao.channels.chat.message import Parcel
from kikao.channels.chat.told import Other
from kikao.channels.inbound import Chatted, Inbound
from kikao.channels.refusals import AGAIN
from kikao.conversation.secrets import Secret
from kikao.events import GatewayTold
from kikao.i18n import t
from kikao.records import RecordsAway
from kikao.sessions.posting import opened
from tests.channels.chat.talk import Talk, start

flows = Flows()


@flows.flow("echo", title=t("Echo"))
async def echo(chat: Chat) -> None:
    first = await chat.ask("first", Text(), t("First?"))
    second = await chat.ask("second", Text(), t("Second?"))
    await chat.end(t("{first}, then {second}.", first=first, second=second))


def said(who: str, text: str, id_: str) -> Inbound:
    return Inbound(
        channel="telegram", gateway="bot-api", identity=who, happening="reply", text=Secret(text),
        message_id=Secret(id_), chat=Chatted(),
    )  # fmt: skip


async def arrivals_of(talk: Talk) -> Arrivals:
    return Arrivals(talk.process.turns, {talk.gateway.line: talk.gateway}, talk.process.publish)


async def texts(talk: Talk) -> list[str]:
    ring, store = talk.process.turns.sessions.ring, talk.process.turns.sessions.store
    return [Parcel.read(opened(ring, message)).message.text async for message in store.messages()]


async def test_all_messages_of_a_batch_are_turns_in_order() -> None:
    talk = await start(flows, "echo")
    arrivals = await arrivals_of(talk)
    batch = (said("1", "hi", "a"), said("2", "hi", "b"), said("1", "one", "c"), said("1", "two", "d"))
    assert (await arrivals.take(Received(batch))).status == 200
    assert sorted(await texts(talk)) == ["First?", "First?", "Second?", "one, then two."]
    assert (await arrivals.take(Received(batch))).status == 200
    assert len(await texts(talk)) == 4  # redelivered, it is no turn


async def test_what_cannot_be_dealt_with_now_is_wanted_again_and_the_rest_is_not_done_twice() -> None:
    talk = await start(flows, "echo")
    arrivals = await arrivals_of(talk)
    talk.process.store.unavailable = True
    assert (await arrivals.take(Received((said("1", "hi", "a"),)))).status == 503
    talk.process.store.unavailable = False
    assert (await arrivals.take(Received((said("1", "hi", "a"),)))).status == 200
    assert await texts(talk) == ["First?"]


async def test_a_message_that_names_nobody_takes_no_other_along() -> None:
    talk = await start(flows, "echo")
    arrivals = await arrivals_of(talk)
    assert (await arrivals.take(Received((said("", "hi", "a"), said("2", "hi", "b"))))).status == 200
    assert await texts(talk) == ["First?"]


async def test_what_is_no_message_is_published_or_heard_and_wanted_again_where_that_fails() -> None:
    talk = await start(flows, "echo")
    arrivals = await arrivals_of(talk)
    told = Other(line="telegram/bot-api", note="poll")
    assert (await arrivals.take(Received((), (told,)))).status == 200
    assert [event.note for event in talk.process.events if isinstance(event, GatewayTold)] == ["poll"]

    problem: Exception = RecordsAway("away")

    async def fails(told: Other) -> bool:
        raise problem

    arrivals = Arrivals(talk.process.turns, {}, talk.process.publish, {Other: fails})
    assert (await arrivals.take(Received((), (told,)))).status == 503
    problem = ValueError("it is no such thing")
    assert (await arrivals.take(Received((), (told,)))).status == 200, "it would be brought for ever"
    notes = [event.note for event in talk.process.events if isinstance(event, GatewayTold)]
    assert [note.split(" at ")[0] for note in notes[1:]] == [
        "other not taken: RecordsAway",
        "other not taken: ValueError",
    ]


async def test_after_a_message_that_is_brought_again_no_other_of_that_member_is_dealt_with() -> None:
    talk = await start(flows, "echo")
    arrivals = await arrivals_of(talk)
    await arrivals.take(Received((said("1", "hi", "a"),)))
    handle, refused = talk.process.turns.handle, [True]

    async def refusing_once(inbound: Inbound, gateway: ChatGateway) -> Response:
        return AGAIN if refused and refused.pop() else await handle(inbound, gateway)

    talk.process.turns.handle = refusing_once  # type: ignore[assignment,method-assign]
    batch = (said("1", "one", "b"), said("1", "two", "c"), said("2", "hi", "d"))
    assert (await arrivals.take(Received(batch))).status == 503
    assert await texts(talk) == ["First?", "First?"]
    assert (await arrivals.take(Received(batch))).status == 200
    assert (await texts(talk))[2:] == ["Second?", "one, then two."]
