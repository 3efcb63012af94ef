"""A registry of flows: `async` functions with a name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from kikao.i18n.messages import Text

FlowFunction = Callable[..., Coroutine[Any, Any, Any]]
"""`async def f(chat: Chat, **state)`."""


class Flow:
    """A named conversation. Call it inside another flow with `await chat.call(flow)`."""

    __slots__ = ("function", "name", "title")

    def __init__(self, name: str, function: FlowFunction, title: Text) -> None:
        self.name = name
        self.function = function
        self.title = title

    def __call__(self, chat: Any, **args: Any) -> Coroutine[Any, Any, Any]:
        return self.function(chat, **args)

    @property
    def place(self) -> str:
        """`file:line` of the function."""
        code = getattr(self.function, "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(self.function)


class Flows:
    """The flows of an app.

    `release` counts deploys that change flows. A worker that finds a journal written by a higher release leaves that
    conversation to a worker of that release, so during a rolling deploy no old worker undoes what a new one did.
    """

    def __init__(self, *, release: int = 0) -> None:
        self.release = release
        self._flows: dict[str, Flow] = {}

    def flow(self, name: str, *, title: Text = "") -> Callable[[FlowFunction], Flow]:
        """Register an `async def f(chat, **state)` under a name that never changes (journals carry it).

        Raises `ValueError` for a name that is taken or holds one of `/ # *`.
        """

        def register(function: FlowFunction) -> Flow:
            flow = Flow(name, function, title or name)
            self.add(flow)
            return flow

        return register

    def add(self, flow: Flow) -> None:
        """Register a flow. Raises `ValueError` as `flow()` does."""
        if not flow.name or any(mark in flow.name for mark in "/#*"):
            raise ValueError(f"{flow.place}: a flow's name must not be empty or hold / # *: {flow.name!r}")
        if not inspect.iscoroutinefunction(flow.function):
            raise ValueError(f"{flow.place}: flow {flow.name!r} must be an `async def` function")
        if flow.name in self._flows:
            raise ValueError(
                f"{flow.place}: flow {flow.name!r} is already defined at {self._flows[flow.name].place}"
            )
        self._flows[flow.name] = flow

    def include(self, other: Flows) -> None:
        """Take over all flows of another registry. Raises `ValueError` for a name that is taken."""
        for flow in other:
            self.add(flow)

    def get(self, name: str) -> Flow | None:
        """The flow of that name."""
        return self._flows.get(name)

    def __getitem__(self, name: str) -> Flow:
        return self._flows[name]

    def __iter__(self) -> Iterator[Flow]:
        return iter(self._flows.values())

    def __len__(self) -> int:
        return len(self._flows)
