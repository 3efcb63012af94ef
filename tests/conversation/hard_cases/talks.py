"""What the hard cases have in common: flows by their functions' names, and what members are told."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from kikao.conversation import Chat, Flows
from kikao.events import TurnCommitted, TurnRejected
from kikao.i18n import Amount
from tests.talk import Talk

NOBODY: Any = None

NOTHING = Amount("UGX", 0)
UPDATED = "We updated this service. Please enter this again."
UNAVAILABLE = "Service unavailable. Try again later."
BROKEN = "Something went wrong. Try again."

Conversation = Callable[[Chat], Coroutine[Any, Any, None]]


def flow(function: Conversation, *others: Conversation, release: int = 0) -> Flows:
    """One version of a service: its flows by their functions' names."""
    flows = Flows(release=release)
    for each in (function, *others):
        flows.flow(each.__name__)(each)
    return flows


def last(talk: Talk) -> TurnCommitted | TurnRejected:
    return [event for event in talk.process.events if isinstance(event, TurnCommitted | TurnRejected)][-1]
