"""Members see that they were read, and that somebody types: nothing waits for that, and nothing fails by it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from kikao import App, Chat, Flows, t
from kikao.channels.calling import Answer, Call, Unanswered
from kikao.channels.inbound import Inbound
from kikao.channels.whatsapp.attention import AT_ONCE, Attention
from kikao.channels.whatsapp.calls import Calls
from kikao.channels.whatsapp.emulator import CloudApi
from kikao.config import Hidden, load
from kikao.config.settings import WhatsAppSettings
from kikao.conversation.secrets import Secret
from kikao.testing import Stage

CALLS = Calls(WhatsAppSettings(phone_number_id="104520000000007", token=Hidden(b"token-of-ours")))


class Line:
    """Takes calls, when it is let."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, bool]] = []
        self.called = asyncio.Event()
        self.held: asyncio.Event | None = None

    async def __call__(self, call: Call) -> Answer:
        said = json.loads(call.body)
        self.shown.append((said["message_id"], "typing_indicator" in said))
        self.called.set()
        if self.held is not None:
            await self.held.wait()
        raise Unanswered("ConnectError")


def inbound(name: str | None = "wamid.1") -> Inbound:
    id_ = None if name is None else Secret(name)
    return Inbound("whatsapp", "cloud-api", "256772000101", "reply", Secret("hi"), message_id=id_)


async def test_a_message_that_was_dealt_with_was_read() -> None:
    line = Line()
    Attention(CALLS, line).attend(inbound())(True)
    await line.called.wait()
    assert line.shown == [("wamid.1", False)]


async def test_who_waits_for_long_sees_somebody_type_and_that_says_that_it_was_read() -> None:
    line = Line()
    dealt_with = Attention(CALLS, line, patience=0.0).attend(inbound())
    await line.called.wait()
    dealt_with(True)
    await asyncio.sleep(0)
    assert line.shown == [("wamid.1", True)]


async def test_what_was_not_dealt_with_was_not_read() -> None:
    line = Line()
    attention = Attention(CALLS, line)
    attention.attend(inbound())(False)
    attention.attend(inbound(None))(True)
    attention.attend(inbound("secret 1"))(True)  # entered on a page
    await asyncio.sleep(0)
    assert line.shown == []


async def test_a_line_that_is_slow_is_asked_for_no_more() -> None:
    line = Line()
    line.held = asyncio.Event()
    attention = Attention(CALLS, line)
    for number in range(AT_ONCE + 5):
        attention.attend(inbound(f"wamid.{number}"))(True)
        await asyncio.sleep(0)
    assert len(line.shown) == AT_ONCE
    line.held.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    attention.attend(inbound("wamid.last"))(True)
    await asyncio.sleep(0)
    assert line.shown[-1] == ("wamid.last", False)


@pytest.mark.parametrize("marks", ["on", "off"])
async def test_it_can_be_switched_off(marks: str, tmp_path: Path) -> None:
    flows = Flows()

    @flows.flow("home")
    async def home(chat: Chat) -> None:
        await chat.end(t("Hello"))

    settings = load({**CloudApi().environment(), "KIKAO_WHATSAPP_READ_MARKS": marks}, tmp_path)
    async with Stage(App(flows, entry="home", channels=["whatsapp"]), settings) as stage:
        asha, (api, _) = stage.whatsapp("Asha"), stage.chats.business()
        await asha.write("hello")
        assert api.by_method["read"] == (1 if marks == "on" else 0)
