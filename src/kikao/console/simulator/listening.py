"""What became of the one request that is being simulated: its turn and its screen, told apart from everybody else's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

from kikao.events import (
    DialogueClosed,
    GatewayTold,
    ScreenShown,
    TurnCommitted,
    TurnDuplicated,
    TurnRejected,
)

Done = TurnCommitted | TurnDuplicated | TurnRejected | DialogueClosed | GatewayTold

HEARD: Final = (TurnCommitted, TurnDuplicated, TurnRejected, DialogueClosed, GatewayTold, ScreenShown)

_HEARD: Final[ContextVar[list[Done | ScreenShown] | None]] = ContextVar("heard", default=None)


def hear(event: Done | ScreenShown) -> None:
    """Subscribe it to `HEARD`. What does not belong to a simulated request passes by."""
    heard = _HEARD.get()
    if heard is not None:
        heard.append(event)


@contextlib.contextmanager
def listening() -> Iterator[list[Done | ScreenShown]]:
    """The turns that are done, and what they showed, within this block, of this task alone."""
    heard: list[Done | ScreenShown] = []
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)
