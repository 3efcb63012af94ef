"""A bot as the emulated Bot API knows it: a server that is told of updates, and the calls that it makes."""

import json
from collections.abc import Callable
from typing import Any

from kikao.channels.calling import Answer, Call
from kikao.channels.channel import Response
from kikao.channels.telegram.emulator import BotApi
from kikao.channels.ussd.clients.client import Exchange
from kikao.config import Hidden
from tests.channels.telegram.rig import TOKEN


class Bot:
    """A server that keeps what it was told; `status` is what it answers, and `on` what it does then."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.status = 200
        self.statuses: list[int] = []
        self.on: Callable[[dict[str, Any]], Any] | None = None

    async def __call__(self, exchange: Exchange) -> Response:
        status = self.statuses.pop(0) if self.statuses else self.status
        if status == 0:
            raise ConnectionResetError
        self.told.append(json.loads(exchange.body))
        self.bodies.append(exchange.body)
        self.headers.append(dict(exchange.headers))
        self.paths.append(exchange.full_path)
        if self.on is not None:
            await self.on(self.told[-1])
        return Response(status, (), b"")


async def asked(api: BotApi, method: str, token: str = TOKEN, **given: Any) -> Answer:
    body = json.dumps(given).encode()
    url = Hidden(f"https://api.telegram.example/bot{token}/{method}".encode())
    return await api(Call(url, (("Content-Type", "application/json"),), body))


async def call(api: BotApi, method: str, **given: Any) -> Any:
    answer = await asked(api, method, **given)
    said = json.loads(answer.body)
    assert answer.status == (200 if said["ok"] else said["error_code"])
    return said["result"] if said["ok"] else said


def keys(*rows: tuple[str, ...]) -> dict[str, Any]:
    return {
        "inline_keyboard": [[{"text": label, "callback_data": f"k:{label}"} for label in row] for row in rows]
    }
