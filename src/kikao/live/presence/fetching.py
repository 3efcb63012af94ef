"""What an app adds to presence: a hook for each pattern of topics, which looks up many keys at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from kikao.events import ErrorUncaught, Publish, described

PATIENCE: Final = 5.0
"""Seconds for one call; a payload whose call takes longer goes without what it would have added."""

Payload = dict[str, Any]

Fetch = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""`async def fetch(topic, {key: {"metas": […]}})` returns the same keys, with more members beside `metas`.

It is called once for a list, and once each for the joins and the leaves of a diff. What it adds is JSON. Every process
calls it for its own clients.
"""


class Released:
    """Diffs in the order in which they came, each when what its topic's hook adds is there.

    Without a hook they pass at once. One task at a time for a topic whose hook is being waited for.
    """

    def __init__(
        self,
        release: Callable[[str, Payload], None],
        hook: Callable[[str], Fetch | None],
        publish: Publish,
        patience: float = PATIENCE,
    ) -> None:
        self._release = release
        self._hook = hook
        self._publish = publish
        self._patience = patience
        self._waiting: dict[str, deque[Payload]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def diff(self, topic: str, payload: Payload) -> None:
        """One that is next."""
        if self._hook(topic) is None:
            self._release(topic, payload)
            return
        if (waiting := self._waiting.get(topic)) is not None:
            waiting.append(payload)
            return
        self._waiting[topic] = deque([payload])
        task = asyncio.get_running_loop().create_task(self._empty(topic))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def list(self, topic: str, payload: Payload) -> Payload:
        """A list, with what the hook adds."""
        hook = self._hook(topic)
        return payload if hook is None or not payload else await self._added(hook, topic, payload)

    def close(self) -> None:
        """Nothing more is released."""
        for task in self._tasks:
            task.cancel()

    async def _empty(self, topic: str) -> None:
        waiting = self._waiting[topic]
        try:
            while waiting:
                payload = waiting[0]
                for half in ("joins", "leaves"):
                    payload[half] = await self.list(topic, payload[half])
                waiting.popleft()
                self._release(topic, payload)
        finally:
            del self._waiting[topic]

    async def _added(self, hook: Fetch, topic: str, payload: Payload) -> Payload:
        """The payload with what the hook adds, or as it was where the hook failed."""
        metas = {key: of["metas"] for key, of in payload.items()}
        given = {key: {"metas": [dict(meta) for meta in each]} for key, each in metas.items()}
        try:
            async with asyncio.timeout(self._patience):
                found = await hook(topic, given)
            if set(found) != set(metas):
                raise ValueError("fetch returns the keys that it was given, all of them and no other")
            return {key: {**msgspec.to_builtins(found[key]), "metas": each} for key, each in metas.items()}
        except Exception as error:  # noqa: BLE001 - it is the app's, and presence goes on without
            self._publish(ErrorUncaught(where="loop", error=described(error)))
            return payload
