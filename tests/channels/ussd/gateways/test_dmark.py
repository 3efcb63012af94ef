"""DMARK counts HTTP 200 only: whatever becomes of a request of its contract, the answer is one."""

from __future__ import annotations

import json
from pathlib import Path

from kikao import App, Chat, Flows, Text
from kikao.channels.ussd.registry import SLUGS
from kikao.config import load
from kikao.testing import Stage

flows = Flows()


@flows.flow("name")
async def name(chat: Chat) -> None:
    """One question, and a last word."""
    said = await chat.ask("name", Text(), "Your name?")
    if said == "break":
        raise RuntimeError("broken")
    await chat.end("Thank you.")


async def test_apologies_are_200_and_end_the_dialogue(tmp_path: Path) -> None:
    async with Stage(App(flows, entry="name", members=False), load({}, tmp_path, gateways=SLUGS)) as stage:
        phone = stage.phone("+256772000001", gateway="dmark")
        stage.faults.unavailable = True
        away = await phone.dial()
        assert phone.raw is not None
        assert phone.raw[0] == 200
        assert json.loads(phone.raw[1]) == {"responseString": away, "action": "end"}
        stage.faults.unavailable = False
        await phone.dial()
        await phone.reply("break")
        assert phone.raw[0] == 200


async def test_an_answer_of_a_dialogue_whose_start_was_lost_is_a_dial(tmp_path: Path) -> None:
    async with Stage(App(flows, entry="name", members=False), load({}, tmp_path, gateways=SLUGS)) as stage:
        phone = stage.phone("+256772000001", gateway="dmark")
        stage.faults.unavailable = True
        await phone.dial()
        phone.ended = False  # somebody else's apology, say
        stage.faults.unavailable = False
        assert await phone.reply("Asha") == "Your name?"
        assert await phone.reply("Asha") == "Thank you."
