"""Erasing a member takes what they wrote, and what was written to them, out of the outbox."""

from __future__ import annotations

from pathlib import Path

from kikao import App
from kikao.channels.chat.message import Message, Parcel
from kikao.channels.chat.messages import Messages
from kikao.emptying import empty_messages
from kikao.events import Event, MessageDead
from kikao.i18n import t
from kikao.inbox import Inbox
from kikao.members import MemberAddress
from kikao.members.operating import ERASE, Erasing
from kikao.sessions.posting import opened, screen
from kikao.sessions.sealing import KeyRing
from kikao.testing import Clock
from tests.channels.chat.talk import start
from tests.channels.sms.serving import ASHA, BINTA, serving
from tests.test_inbox import Desk, flows, said


async def test_nothing_that_was_said_is_left_of_a_member_who_was_erased(tmp_path: Path) -> None:
    events: list[Event] = []
    app = App(flows, entry="echo", channels=["sms"])
    async with serving(app, tmp_path, clock=Clock(), events=events) as (server, api):
        messages = server.services[Messages]
        for number in (ASHA, BINTA):
            await api.texts(number, "Hi")
            await server.push()
        for number in (ASHA, BINTA):
            await messages.send(number, number, t("Your rent is due."), over="sms")
        assert server.members is not None
        asha = await server.members.show(ASHA)
        async for _ in server.commands.ask(ERASE, Erasing(asha.id)):
            pass
        ring, store = server.sessions.ring, server.sessions.store
        bodies = [opened(ring, each) async for each in store.messages() if each.to == "sms/africastalking"]
        assert len(bodies) == 4
        assert bodies.count(b"") == 2
        assert {Parcel.read(body).to for body in bodies if body} == {BINTA}
        await server.push()
        assert "Your rent is due." not in api.inbox(ASHA)
        assert "Your rent is due." in api.inbox(BINTA)
        assert [event.reason for event in events if isinstance(event, MessageDead)] == ["unreadable"]


async def test_what_they_wrote_is_taken_out_of_the_inbox() -> None:
    desk = Desk(await start(flows, "echo"))
    inbox: Inbox = desk.inbox
    for who in ("1", "2"):
        await inbox.keep(said(who, f"the secret of {who}"))
    asha = [MemberAddress("telegram", "1")]
    assert await empty_messages(desk.sessions, asha) == 1
    assert await empty_messages(desk.sessions, asha) == 0, "it is done"
    bodies = [opened(desk.sessions.ring, each) async for each in desk.sessions.store.messages()]
    assert sorted(b"the secret of" in body for body in bodies) == [False, True]
    await desk.kept.once()
    assert await desk.shown() == ["0?"], "of the other one"


async def test_a_number_is_also_whom_whatsapp_writes_to() -> None:
    desk = Desk(await start(flows, "echo"))
    ring, now = desk.sessions.ring, desk.sessions.clock()
    parcel = Parcel(to="256772000001", message=Message("hi"), until=now + 60)
    for line in ("whatsapp/cloud-api", "telegram/bot-api"):
        await desk.sessions.store.post([screen(ring, b"key", line, parcel.written(), now, now + 60)])
    assert await empty_messages(desk.sessions, [MemberAddress("msisdn", ASHA)]) == 1
    left = {each.to: opened(ring, each) async for each in desk.sessions.store.messages()}
    assert left == {"whatsapp/cloud-api": b"", "telegram/bot-api": parcel.written()}


async def test_what_opens_for_nobody_is_left(tmp_path: Path) -> None:
    desk = Desk(await start(flows, "echo"))
    now = desk.sessions.clock()
    lost = screen(KeyRing({"lost": b"x" * 32}), b"key", "telegram/bot-api", b"", now, now + 60)
    await desk.sessions.store.post([lost])
    assert await empty_messages(desk.sessions, [MemberAddress("telegram", "1")]) == 0
