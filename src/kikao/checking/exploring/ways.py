"""Which ways conversations went, and what broke on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from kikao.checking.exploring.asking import Place
from kikao.checking.exploring.gallery import Spot
from kikao.checking.exploring.states import once_round, plain
from kikao.conversation.journal import ORDINALS, QUESTIONS, Conversation
from kikao.conversation.shortcuts import Shortcut


@dataclass(frozen=True, slots=True)
class Problem:
    """A turn that broke."""

    spot: Spot
    what: str
    place: Place
    trail: tuple[str, ...]
    endless: bool = False


@dataclass(slots=True)
class Ways:
    """Which way conversations went: what leads from a spot to another, and where they ended."""

    edges: dict[Spot, dict[Spot, None]] = field(default_factory=dict)
    ends: set[Spot] = field(default_factory=set)
    """Spots with a right answer that ended the conversation, or of which too little is known."""
    places: dict[Spot, Place] = field(default_factory=dict)
    """Where in the code a question is asked."""
    prompts: dict[Spot, Any] = field(default_factory=dict)
    starts: dict[Spot, None] = field(default_factory=dict)
    secrets: dict[Spot, None] = field(default_factory=dict)
    early: dict[tuple[str, str], tuple[Spot, Spot]] = field(default_factory=dict)
    """Flow and secret → the spots of the secret and of the question after it."""
    unanswered: dict[Spot, str] = field(default_factory=dict)
    """Questions to which no right answer was found, with their answer types."""
    next: dict[tuple[str, tuple[str, ...]], dict[str, bool]] = field(default_factory=dict)
    """Flow and the keys of the questions that it asked → those that it asks then, and whether a dial may answer them.
    Only of flows that a path behind the code leads to, and as far as its shortcut has keys."""


def note_early(ways: Ways, spot: Spot, conversation: Conversation) -> None:
    """Note a secret that was asked before the question that is open, in the same flow.

    A question that came before the secret, too, begins another round: the secret was the last of the one before.
    """
    run = conversation.run
    assert run is not None and run.pending is not None
    if run.pending.screen.secret:
        return
    name = plain(run.pending.key)
    earlier: set[str] = set()
    secret = ""
    for entry in run.journal:
        key = plain(entry.key)
        if entry.kind == "secret":
            secret = key
        elif entry.kind in ("ask", "confirm"):
            earlier.add(key)
            if secret and _within(key, secret):
                secret = ""  # told when that question was open
    if secret and name not in earlier and _within(name, secret):
        asked = once_round(secret)
        ways.early.setdefault((run.flow, asked), ((run.flow, asked, "asked"), spot))


def note_next(ways: Ways, conversation: Conversation, shortcuts: Iterable[Shortcut]) -> None:
    """Note which question is open after those that a shortcut has keys for."""
    run = conversation.run
    assert run is not None and run.pending is not None
    asked = tuple(_own(entry.key) for entry in run.journal if entry.kind in _ASKED)
    if any(each.flow == run.flow and each.asks[: len(asked)] == asked for each in shortcuts):
        screen = run.pending.screen
        ways.next.setdefault((run.flow, asked), {})[_own(run.pending.key)] = not (
            screen.secret or screen.whole
        )


def _own(key: str) -> str:
    """A key as a shortcut has it: without the ordinal of the first question of that name."""
    return key.removesuffix(ORDINALS[1])


def _within(question: str, secret: str) -> bool:
    """Whether a question belongs to the flow that asked a secret, or to one that it calls."""
    scope = secret.rpartition("/")[0]
    return not scope or question.startswith(f"{scope}/")


_ASKED: Final = QUESTIONS | {"secret"}
