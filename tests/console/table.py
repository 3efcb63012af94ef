"""The simulator's table, as its page has it: phones by HTTP, in the process of the test."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from kikao.server import Server
from tests.http.asgi import Answer, Headers, call

OWN: Headers = (("content-type", "application/json"), ("origin", "http://localhost:8000"))
"""What a browser says of a request of the page itself."""

_RANDOM: Final = re.compile("[0-9a-f]{12,32}")


class Table:
    """Asks the simulator of a server. `answers` are all that it said."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.answers: list[Answer] = []

    async def ask(self, path: str, given: object = None, *, method: str = "") -> Answer:
        """Whatever it says."""
        body = b"" if given is None else msgspec.json.encode(given)
        method = method or ("GET" if given is None else "POST")
        answer = await call(self._server, f"/simulator{path}", body, OWN, method=method)
        self.answers.append(answer)
        return answer

    async def get(self, path: str) -> Any:
        """What it says to a GET that is in order."""
        return self._read(await self.ask(f"/api{path}"))

    async def post(self, path: str, **given: object) -> Any:
        """What it says to a POST that is in order."""
        return self._read(await self.ask(f"/api{path}", given))

    async def error(self, path: str, given: object = None, *, method: str = "", status: int = 400) -> str:
        """Why it does not do something."""
        answer = await self.ask(f"/api{path}", given, method=method)
        assert answer.status == status, answer
        return str(msgspec.json.decode(answer.body)["error"])

    async def transcript(self) -> str:
        """Everything done so far."""
        answer = await self.ask("/api/transcript")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        return answer.body.decode()

    def told(self, text: str) -> bool:
        """Whether anything that it said has `text` in it, but by chance in a random id."""
        return any(text in _RANDOM.sub("", answer.body.decode()) for answer in self.answers)

    async def phone(self, endpoint: str = "africa-s-talking", number: str = "+256772000001") -> Handset:
        """A phone on the table."""
        added = await self.post("/phones", endpoint=endpoint, number=number)
        return Handset(self, added["id"])

    @staticmethod
    def _read(answer: Answer) -> Any:
        assert answer.status == 200, answer
        return msgspec.json.decode(answer.body)


class Handset:
    """One phone of the table."""

    def __init__(self, table: Table, id_: str) -> None:
        self._table = table
        self.id = id_
        self.step: Any = None
        """What the last thing that was done came to."""

    async def dial(self, ahead: str = "") -> str:
        """The screen."""
        return await self._do("dial", ahead=ahead)

    async def answer(self, *texts: str) -> str:
        """The last screen."""
        for text in texts:
            await self._do("answer", text=text)
        return str(self.step["screen"])

    async def again(self) -> str:
        """The screen of a copy of the last request."""
        return await self._do("again")

    async def hang_up(self) -> str:
        return await self._do("hang_up")

    async def drop(self) -> str:
        return await self._do("drop")

    async def look(self) -> Any:
        """The conversation."""
        return await self._table.get(f"/phones/{self.id}/conversation")

    async def _do(self, action: str, **given: object) -> str:
        self.step = await self._table.post(f"/phones/{self.id}/{action}", **given)
        return str(self.step["screen"])
