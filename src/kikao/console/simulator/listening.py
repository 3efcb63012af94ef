"""What became of the one request that is being simulated: the event of its turn, told apart from everybody else's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

from kikao.events import DialogueClosed, TurnCommitted, TurnDuplicated, TurnRejected

Done = TurnCommitted | TurnDuplicated | TurnRejected | DialogueClosed

HEARD: Final = (TurnCommitted, TurnDuplicated, TurnRejected, DialogueClosed)

_HEARD: Final[ContextVar[list[Done] | None]] = ContextVar("heard", default=None)


def hear(event: Done) -> None:
    """Subscribe it to `HEARD`. What does not belong to a simulated request passes by."""
    heard = _HEARD.get()
    if heard is not None:
        heard.append(event)


@contextlib.contextmanager
def listening() -> Iterator[list[Done]]:
    """The turns that are done within this block, of this task alone."""
    heard: list[Done] = []
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)
