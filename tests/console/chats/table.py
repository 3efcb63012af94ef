"""A table with phones that have chats on them, in the process of the test."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from kikao.server import Server
from kikao.testing.clock import Clock
from tests.console.table import Table
from tests.http.asgi import Answer

PACE = 2.0
"""Seconds that a member takes for anything: a chat gets no more than one message a second."""


class ChatTable(Table):
    """Asks the simulator of a server for phones with chats. Time passes by `clock`."""

    def __init__(self, server: Server, clock: Clock) -> None:
        super().__init__(server)
        self.clock = clock

    async def chat(self, endpoint: str = "telegram", number: str = "+256772000001") -> Chat:
        """A phone with a chat on it."""
        added = await self.post("/phones", endpoint=endpoint, number=number)
        return Chat(self, added["id"])


class Chat:
    """One such phone."""

    def __init__(self, table: ChatTable, id_: str) -> None:
        self._table = table
        self.id = id_
        self.step: Any = None
        """What the last thing that was done came to."""
        self._seen = 0

    async def write(self, *texts: str) -> str:
        """The last thing that the app said."""
        for text in texts:
            await self.do("write", text=text)
        return self.said

    async def tap(self, label: str, back: int = 0) -> str:
        """A button of the last message that has it, or of one so many before that; what the app said last."""
        having = [m for m in self.messages if label in buttons(m)]
        message = having[-1 - back]
        return await self.do("tap", message=message["id"], button=buttons(message).index(label))

    async def do(self, action: str, **given: object) -> str:
        """What the app said last."""
        self._table.clock.advance(PACE)
        self.step = await self._table.post(f"/phones/{self.id}/{action}?since={self._seen}", **given)
        return self._heard()

    async def look(self) -> str:
        """What the app said last, perhaps by itself."""
        self.step = await self._table.get(f"/phones/{self.id}/chat?since={self._seen}")
        return self._heard()

    async def error(self, action: str, status: int = 409, **given: object) -> str:
        return await self._table.error(f"/phones/{self.id}/{action}", given, status=status)

    async def follow(self, label: str) -> Answer:
        """Where a button leads."""
        message = next(m for m in reversed(self.messages) if label in buttons(m))
        query = urlencode({"message": message["id"], "button": buttons(message).index(label)})
        return await self._table.ask(f"/api/phones/{self.id}/link?{query}")

    @property
    def messages(self) -> list[Any]:
        return list(self.step["chat"]["messages"])

    @property
    def last(self) -> Any:
        """The last message of the app."""
        return next(m for m in reversed(self.messages) if not m["mine"])

    @property
    def said(self) -> str:
        return str(self.last["text"]) if any(not m["mine"] for m in self.messages) else ""

    @property
    def wire(self) -> list[str]:
        """What went over the wire for the last thing that was done."""
        return [f"{e['way']} {e['name']} {e['what']}".strip() for e in self.step["exchanges"]]

    def _heard(self) -> str:
        self._seen = max([self._seen, *(e["n"] for e in self.step["exchanges"])])
        return self.said


def buttons(message: Any) -> list[str]:
    """The labels below a message."""
    return [button["label"] for row in message["rows"] for button in row]


def token_of(answer: Answer) -> str:
    """The path of a one-time link."""
    assert answer.status == 302
    found = re.search("/secret/.+", answer.headers["location"])
    assert found is not None
    return found[0]
