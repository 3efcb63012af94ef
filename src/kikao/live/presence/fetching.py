"""What an app adds to presence: a hook for each pattern of topics, which looks up many keys at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from kikao.channels.socket.protocol import EMPTY, Json, json
from kikao.events import ErrorUncaught, Publish, described
from kikao.live.presence.state import Diff, listed, told

PATIENCE: Final = 5.0
"""Seconds for one call; a payload whose call takes longer goes without what it would have added."""


Fetch = Callable[[str, dict[str, dict[str, Any]]], Awaitable[Mapping[str, Mapping[str, Any]]]]
"""`async def fetch(topic, {key: {"metas": […]}})` returns the same keys, with more members beside `metas`."""


class Released:
    """Diffs in the order in which they came, each when what its topic's hook adds is there.

    A hook is called once for a list, and once each for the joins and the leaves of a diff; what it adds is JSON. Every
    process calls it for its own clients. Without a hook a diff passes at once. A task runs for a topic only while its
    hook is waited for.
    """

    def __init__(
        self,
        release: Callable[[str, Json], None],
        hook: Callable[[str], Fetch | None],
        publish: Publish,
        patience: float = PATIENCE,
    ) -> None:
        self._release = release
        self._hook = hook
        self._publish = publish
        self._patience = patience
        self._waiting: dict[str, deque[Diff]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def diff(self, topic: str, diff: Diff) -> None:
        """One that is next."""
        if (waiting := self._waiting.get(topic)) is not None:
            waiting.append(diff)
        elif self._hook(topic) is None:
            self._release(topic, told(listed(diff.joins), listed(diff.leaves)))
        else:
            self._waiting[topic] = deque([diff])
            task = asyncio.get_running_loop().create_task(self._empty(topic))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def list(self, topic: str, payload: Json) -> Json:
        """A list, with what the hook adds; as it is where the hook fails, or takes too long."""
        hook = self._hook(topic)
        if hook is None or payload == EMPTY:
            return payload
        known = _PRESENT.decode(payload.encode())
        try:
            async with asyncio.timeout(self._patience):
                found = await hook(topic, _PRESENT.decode(payload.encode()))
            if set(found) != set(known):
                raise ValueError("fetch returns the keys that it was given: all of them, and no other")
            return json({key: {**found[key], **of} for key, of in known.items()})
        except Exception as error:  # noqa: BLE001 - it is the app's, and presence goes on without
            self._publish(ErrorUncaught(where="loop", error=described(error)))
            return payload

    def close(self) -> None:
        """Nothing more is released."""
        for task in self._tasks:
            task.cancel()

    async def _empty(self, topic: str) -> None:
        waiting = self._waiting[topic]
        try:
            while waiting:
                diff = waiting.popleft()
                joins = await self.list(topic, listed(diff.joins))
                leaves = await self.list(topic, listed(diff.leaves))
                self._release(topic, told(joins, leaves))
        finally:
            del self._waiting[topic]


_PRESENT: Final = msgspec.json.Decoder(dict[str, dict[str, Any]])
