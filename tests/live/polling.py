"""A client that polls, request by request, and shows what it was answered. It shares no code with the server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlencode

from kikao.channels.channel import Response

Page = Callable[[MutableMapping[str, Any], Callable[[], Any]], Awaitable[Response]]


class Poller:
    """`page` is what answers; another one may in the middle, as another process would."""

    def __init__(self, page: Page, token: str | None = None, **headers: str) -> None:
        self.page = page
        self.shown = token
        self.headers = headers
        self.token: str | None = None
        """Of the socket."""
        self.gone = asyncio.Event()
        """Set where the client leaves while it waits."""

    async def open(self) -> Any:
        """The answer to the first request."""
        answer = await self.get()
        self.token = answer.get("token")
        return answer

    async def get(self) -> Any:
        """One poll: `{"status": …, …}`."""
        return json.loads((await self.ask("GET")).body)

    async def post(self, *frames: Any) -> int:
        """A batch: arrays, or lines as they are. Its status."""
        lines = [each if isinstance(each, str) else json.dumps(each) for each in frames]
        return int(json.loads((await self.ask("POST", "\n".join(lines).encode())).body)["status"])

    async def frames(self) -> list[Any]:
        """What one poll brings."""
        answer = await self.get()
        assert answer["status"] in (200, 204), answer
        return [json.loads(each) for each in answer["messages"]]

    async def until(self, event: str) -> Any:
        """The payload of the first frame of an event; what is behind it is left out."""
        while True:
            for frame in await self.frames():
                if frame[3] == event:
                    return frame[4]

    async def ask(self, method: str, body: bytes = b"") -> Response:
        """Any request."""
        said = [] if self.shown is None else [("token", self.shown)]
        said.append(("vsn", "2.0.0"))
        said += [] if self.token is None else [("token", self.token)]
        headers = {"host": "kikao.test", "content-length": str(len(body)), **self.headers}
        scope = {
            "type": "http",
            "scheme": "https",
            "method": method,
            "path": "/socket/longpoll",
            "query_string": urlencode(said).encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
            "client": ("192.0.2.7", 40000),
        }
        return await self.page(scope, self._receive(body))

    def _receive(self, body: bytes) -> Callable[[], Awaitable[Any]]:
        parts = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            for part in parts:
                return part
            await self.gone.wait()
            return {"type": "http.disconnect"}

        return receive
