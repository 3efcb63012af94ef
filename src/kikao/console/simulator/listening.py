"""What became of the one request that is being simulated: the event of its turn, told apart from everybody else's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

from kikao.events import Event, TurnDone

_HEARD: Final[ContextVar[list[TurnDone] | None]] = ContextVar("heard", default=None)


def hear(event: Event) -> None:
    """Subscribe it to an app's events. What does not belong to a simulated request passes by."""
    heard = _HEARD.get()
    if heard is not None and isinstance(event, TurnDone):
        heard.append(event)


@contextlib.contextmanager
def listening() -> Iterator[list[TurnDone]]:
    """The turns that are done within this block, of this task alone."""
    heard: list[TurnDone] = []
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)
