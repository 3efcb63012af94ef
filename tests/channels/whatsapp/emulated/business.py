"""A business as the emulated Cloud API knows it: a server that is told of messages, and the calls that it makes."""

import json
from typing import Any
from urllib.parse import parse_qs

from kikao.channels.calling import Answer, Call
from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.config import Hidden
from kikao.testing import CloudApi

TOKEN = "token-1"
HOST = "https://graph.example/v23.0"


class Business:
    """A server that keeps what it was told."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.queries: list[str] = []
        self.statuses: list[int] = []

    async def __call__(self, exchange: Exchange) -> Response:
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            raise ConnectionResetError
        self.queries.append(exchange.query)
        if exchange.method == "GET":
            return Response(200, (), parse_qs(exchange.query)["hub.challenge"][0].encode())
        self.bodies.append(exchange.body)
        self.headers.append(dict(exchange.headers))
        return Response(status, (), b"")

    def values(self, field: str = "messages") -> list[dict[str, Any]]:
        return [
            change["value"]
            for body in self.bodies
            for entry in json.loads(body)["entry"]
            for change in entry["changes"]
            if change["field"] == field
        ]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [message for value in self.values() for message in value.get("messages", [])]

    @property
    def statuses_told(self) -> list[tuple[str, str]]:
        return [(each["id"], each["status"]) for value in self.values() for each in value.get("statuses", [])]


async def http(
    api: CloudApi,
    method: str,
    url: str,
    body: bytes = b"",
    kind: str = "application/json",
    token: str = TOKEN,
) -> Answer:
    headers = (("Authorization", f"Bearer {token}"), ("Content-Type", kind))
    return await api(Call(Hidden(url.encode()), headers, body, method))


async def post(api: CloudApi, given: dict[str, Any], number: str = "") -> Answer:
    number = number or api.numbers[0].id
    body = json.dumps({"messaging_product": "whatsapp"} | given).encode()
    return await http(api, "POST", f"{HOST}/{number}/messages", body)


async def say(api: CloudApi, given: dict[str, Any], number: str = "") -> Any:
    answer = await post(api, given, number)
    said = json.loads(answer.body)
    return said["error"] if answer.status != 200 else said


def text(to: str, body: str = "hi") -> dict[str, Any]:
    return {"to": to, "type": "text", "text": {"body": body}}


def interactive(to: str, kind: str, action: dict[str, Any], **more: Any) -> dict[str, Any]:
    said = {"type": kind, "body": {"text": "Choose"}, "action": action, **more}
    return {"to": to, "type": "interactive", "interactive": said}


def buttons(*titles: str) -> dict[str, Any]:
    return {"buttons": [{"type": "reply", "reply": {"id": f"k:{each}", "title": each}} for each in titles]}


def rows(*titles: str) -> dict[str, Any]:
    each = [{"id": f"r{n}", "title": title, "description": "more"} for n, title in enumerate(titles)]
    return {"button": "Open", "sections": [{"title": "All", "rows": each}]}
