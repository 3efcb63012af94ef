"""A server keeps what comes and cannot be dealt with at once: reports, inbounds, and what is said of addresses."""

from __future__ import annotations

import time
from pathlib import Path

from kikao import App, Chat, Flows, Text
from kikao.channels.chat.messages import Messages
from kikao.events import AddressStopped, Event, MessageDead, MessageReported
from kikao.i18n import t
from kikao.members import No
from kikao.testing import Clock
from tests.channels.sms.serving import ASHA, BINTA, serving
from tests.waiting import until

LINE = "sms/africastalking"

flows = Flows()


@flows.flow("greet", title=t("Greet"))
async def greet(chat: Chat) -> None:
    name = await chat.ask("name", Text(), t("Your name?"))
    await chat.end(t("Hello, {name}.", name=name))


def app() -> App:
    return App(flows, entry="greet", channels=["sms"])


async def test_a_report_that_overtakes_what_was_sent_is_taken_in_later(tmp_path: Path) -> None:
    clock, events = Clock(), list[Event]()
    async with serving(app(), tmp_path, clock=clock, events=events) as (server, api):
        await api.texts(ASHA, "Hi")
        assert (await api.reports("ATXid_2", "Success", number=ASHA)).status == 200
        [row] = [each async for each in server.sessions.store.messages() if each.to == f"status/{LINE}"]
        assert row.state == "waiting"
        await server.push()
        clock.advance(2)
        await server.sending.kept.once()
    assert [event for event in events if isinstance(event, MessageReported)] == [
        MessageReported(to=LINE, status="delivered")
    ]


async def test_who_stopped_gets_no_notice_and_who_started_again_does(tmp_path: Path) -> None:
    clock, events = Clock(), list[Event]()
    async with serving(app(), tmp_path, clock=clock, events=events) as (server, api):
        messages = server.services[Messages]
        await api.texts(ASHA, "STOP")
        assert await server.reach.may("msisdn", ASHA, LINE, "notice") == No("stopped")
        for key, number in (("1", ASHA), ("2", BINTA)):
            await messages.send(key, number, t("News."), over="sms")
        await server.push()
        assert "News." not in api.inbox(ASHA)
        assert api.inbox(BINTA) == ["News."]
        assert [event.reason for event in events if isinstance(event, MessageDead)] == ["stopped"]
        assert [event.what for event in events if isinstance(event, AddressStopped)] == ["stopped"]
        clock.advance(60)
        await api.texts(ASHA, "START")
        await messages.send("3", ASHA, t("More news."), over="sms")
        await server.push()
        assert api.inbox(ASHA)[-1] == "More news."


async def test_what_cannot_be_dealt_with_now_is_dealt_with_by_the_server_at_work(tmp_path: Path) -> None:
    clock = Clock(time.time())
    async with serving(app(), tmp_path, clock=clock) as (server, api):
        await api.texts(ASHA, "Hi")
        await server.push()
        [record] = [each async for each in server.sessions.store.scan()]
        claim = await server.sessions.store.claim(record.key, None, now=clock(), lease=30.0, wait=0.0)
        budget, server.turns.budget = server.turns.budget, 0.05
        assert (await api.texts(ASHA, "Asha")).status == 200
        server.turns.budget = budget
        await server.sessions.store.release(claim)  # type: ignore[arg-type]
        await server.start()
        await until(lambda: len(api.inbox(ASHA)) == 2, "the answer is there")
    assert api.inbox(ASHA)[-1] == "Hello, Asha."
