"""A server keeps what comes and cannot be dealt with at once: reports, inbounds, and what is said of addresses."""

from __future__ import annotations

import time
from pathlib import Path

from kikao import App, Chat, Flows, Text
from kikao.events import Event, MessageReported
from kikao.i18n import t
from kikao.testing import Clock
from tests.channels.sms.serving import ASHA, serving
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
        await server.kept.once()
    assert [event for event in events if isinstance(event, MessageReported)] == [
        MessageReported(to=LINE, status="delivered")
    ]


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
