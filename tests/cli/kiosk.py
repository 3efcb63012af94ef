"""A small app for tests of commands: two questions, and an effect whose outcome a test decides."""

from __future__ import annotations

from typing import Any

from kikao import App, Chat, Done, Flows, Text, Unknown, t
from kikao.sessions.policy import SessionPolicy

flows = Flows()


class Till:
    """Pays, or does not know."""

    def __init__(self) -> None:
        self.outcome: Done[int] | Unknown = Done(1)

    async def pay(self, key: str) -> Any:
        """The same for every key."""
        return self.outcome


till = Till()


@flows.flow("kiosk")
async def kiosk(chat: Chat) -> None:
    await chat.ask("what", Text(), t("What"))
    await chat.ask("size", Text(), t("Size"))
    await chat.step(
        "pay", chat.service(Till).pay, retry="check", check=chat.service(Till).pay, done=t("Paid")
    )
    await chat.end(t("Done"))


app = App(
    flows, entry="kiosk", services={Till: till}, members=False, policy=SessionPolicy(idle=300, absolute=86400)
)
