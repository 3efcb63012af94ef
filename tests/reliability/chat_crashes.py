"""A process that dies at each point of a message's way through a chat: parsed, committed, sent, recorded.

What a member sees twice is what the provider took and the app did not write down, no more and no less; and nothing is
ever missing. The provider brings again what it heard no 200 of.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kikao import App, Chat, Flows, Text, t
from kikao.testing import Stage
from tests.reliability.report import Report, exactly, report

WAIT: Final = 120.0
"""Seconds until a provider has tried again, and every lease is over."""

POINTS: Final = {
    "parsed, before the claim": ("claim", True),
    "claimed": ("claim", False),
    "before the commit": ("commit", True),
    "committed, before the answer": ("commit", False),
    "before the message is taken to be sent": ("take", True),
    "taken, before the send": ("take", False),
    "sent, before that is recorded": ("settle", True),
    "recorded": ("settle", False),
}
"""Calls of the store, each with whether the process dies before or after it."""

flows = Flows()


@flows.flow("count")
async def count(chat: Chat, n: int = 0, heard: str = "") -> None:
    """Says how many messages were taken, and the last of them."""
    said = await chat.ask("said", Text(), t("{n}: {heard}", n=n, heard=heard))
    await chat.restart_with(n=n + 1, heard=said)


async def at(point: str, channel: str) -> tuple[list[str], int]:
    """What a member was told who wrote three messages, the second at a death; and how much of it was not recorded."""
    call, before = POINTS[point]
    async with Stage(App(flows, entry="count", channels=[channel])) as stage:
        phone = stage.telegram("Asha") if channel == "telegram" else stage.whatsapp("Asha")
        await phone.write("hi")
        stage.crash_at(call, before=before)
        await phone.write("one")
        await stage.restart()
        for _ in range(3):
            stage.clock.advance(WAIT)
            await phone.listen()
        await phone.write("two")
        said = [message.text.splitlines()[0] for message in phone.chat.heard if message.text]
        recorded = [message async for message in stage.store.messages(state="sent")]
        return said, len(phone.api.ledger) - len(recorded)


async def part(folder: Path, *, quick: bool, seed: int) -> Report:
    """Every point on both channels."""
    figures: dict[str, int | float | str] = {}
    violations: list[str] = []
    unrecorded = copies = 0
    for channel in ("telegram", "whatsapp"):
        for point in POINTS:
            said, left = await at(point, channel)
            twice = len(said) - len(set(said))
            copies, unrecorded = copies + twice, unrecorded + left
            figures[f"copies, {channel}: {point}"] = twice
            if twice != left:
                violations.append(f"{channel}, {point}: {twice} copies, {left} sent and not recorded")
            if list(dict.fromkeys(said)) != ["0: ", "1: one", "2: two"]:
                violations.append(f"{channel}, {point}: the member was told {said}")
    figures |= {"copies": copies, "sent and not recorded": unrecorded}
    return report(figures, violations, copies=exactly(unrecorded))
