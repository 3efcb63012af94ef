"""A shop with middleware around its turns, and what was seen of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from kikao import App, Outcome, Proceed, TurnContext
from kikao.conversation.screens import Screen
from kikao.events import MiddlewareFailed
from kikao.i18n.messages import Text
from kikao.sessions.store import SessionStore
from kikao.testing import Stage
from tests.talk import whats
from tests.testing.shop import MemoryTill, Till, flows_of

NUMBER = "+256772000001"
SOLD = "3 cups sold. Ref S1"

Around = Callable[[TurnContext, Proceed], Awaitable[Outcome | Screen | Text | None]]


def a_stage(
    *middleware: Any, till: MemoryTill | None = None, store: SessionStore | None = None, **options: Any
) -> Stage:
    app = App(
        flows_of(),
        entry="buy",
        members=options.pop("members", False),
        services={Till: till or MemoryTill()},
        middleware=middleware,
        locales={"en": "English", "sw": "Kiswahili"},
    )
    return Stage(app, store=store, **options)


def failures(stage: Stage) -> list[tuple[str, str, str]]:
    return [(e.name, e.when, e.error) for e in stage.events if isinstance(e, MiddlewareFailed)]


def turns(stage: Stage) -> list[str]:
    return whats(stage.events)


class Seen:
    """Middleware that looks on."""

    def __init__(self) -> None:
        self.before: list[TurnContext] = []
        self.after: list[Outcome] = []

    async def __call__(self, turn: TurnContext, proceed: Proceed) -> Outcome:
        self.before.append(turn)
        outcome = await proceed()
        self.after.append(outcome)
        return outcome


async def nothing(turn: TurnContext, proceed: Proceed) -> None:
    await proceed()
