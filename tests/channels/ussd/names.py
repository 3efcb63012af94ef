"""An app that asks two questions, for the tests of single gateways."""

from __future__ import annotations

from kikao import App, Chat, Flows, Text
from kikao.config import Settings
from kikao.testing import Stage

flows = Flows()


@flows.flow("names")
async def names(chat: Chat) -> None:
    """Two questions and a last word."""
    first = await chat.ask("first", Text(), "First?")
    last = await chat.ask("last", Text(), "Last?")
    await chat.end(f"{first} {last}")


def asks_names(settings: Settings | None = None) -> Stage:
    """A stage on which it is at work."""
    return Stage(App(flows, entry="names", members=False), settings)
