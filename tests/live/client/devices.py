"""What a member has in their hand: one official client each, and what it saw."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from tests.live.client.hosts import Host

PATIENCE: Final = 90.0
"""Seconds until something that a device does is given up; `device.mjs` gives up waiting before that."""


class Device:
    """One `Socket` of the official client. What it does is `device.mjs`."""

    def __init__(self, host: Host, name: str, url: str) -> None:
        self._host = host
        self.name = name
        self.url = url

    async def connect(self) -> Device:
        """Connect, and be let in."""
        await self._do("connect")
        await self.sees("open")
        return self

    async def try_to_connect(self) -> None:
        await self._do("connect")

    async def disconnect(self) -> None:
        """As the app does it: the client does not come back."""
        await self._do("disconnect")

    async def credentials(
        self, *, params: Mapping[str, str] | None = None, auth_token: str | None = None
    ) -> None:
        """What the next connect says; the client asks its app anew each time."""
        said = {"params": params, "authToken": auth_token}
        await self._do("credentials", {name: value for name, value in said.items() if value is not None})

    async def join(self, topic: str, params: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Join, and the response. `resumes`, `leaves`, `ends` and `timeout` are those of `device.mjs`."""
        await self.try_to_join(topic, params, **options)
        return (await self.sees("joined", topic=topic))["response"]

    async def try_to_join(self, topic: str, params: Mapping[str, Any] | None = None, **options: Any) -> None:
        await self._do("join", topic, params or {}, options)

    async def push(self, topic: str, event: str, payload: Any = None, *, timeout: int | None = None) -> Any:
        """The reply: `{status, response}`."""
        args = [topic, event, _packed({} if payload is None else payload)]
        return _unpacked(await self._do("push", *args, *([] if timeout is None else [timeout])))

    async def leave(self, topic: str) -> None:
        await self._do("leave", topic)

    async def state(self, topic: str) -> str:
        """Of the channel, as the client has it: joined, joining, errored, closed, leaving."""
        return str(await self._do("state", topic))

    async def connected(self) -> bool:
        return bool(await self._do("connected"))

    async def ping(self) -> None:
        """A heartbeat and back: what the server sent before it has been seen."""
        await self._do("ping")

    async def present(self, topic: str) -> dict[str, list[dict[str, Any]]]:
        """Who is there: the metas by key."""
        return dict(await self._do("present", topic))

    async def sees(self, what: str, **fields: Any) -> Any:
        """The first note of this shape that no test took; waits for it."""
        return _unpacked(await self._do("sees", {"what": what, **_packed(fields)}))

    async def saw(self, what: str | None = None, **fields: Any) -> list[Any]:
        """All notes so far that say this."""
        shape = fields if what is None else {"what": what, **fields}
        notes = [_unpacked(note) for note in await self._do("saw")]
        return [note for note in notes if all(note.get(name) == value for name, value in shape.items())]

    async def _do(self, method: str, *args: Any) -> Any:
        async with asyncio.timeout(PATIENCE):  # a ping of a socket that is closed has no end
            return await self._host.call(self.url, method, self.name, *args)


async def device(
    host: Host,
    name: str,
    port: int,
    *,
    token: str | None = None,
    auth_token: str | None = None,
    params: Mapping[str, str] | None = None,
    path: str = "/socket",
    **options: Any,
) -> Device:
    """A device that is not connected yet. `options` are those of the client's `Socket`."""
    url = f"ws://127.0.0.1:{port}{path}"
    said: dict[str, Any] = {
        "params": {**(params or {}), **({} if token is None else {"token": token})},
        **options,
    }
    if auth_token is not None:
        said["authToken"] = auth_token
    await host.call(url, "open", name, url, said)
    return Device(host, name, url)


def _packed(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$octets": list(value)}
    if isinstance(value, Mapping):
        return {name: _packed(each) for name, each in value.items()}
    return value


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "$octets" in value:
        return bytes(value["$octets"])
    return {name: _unpacked(each) for name, each in value.items()}
