"""Conversations between two turns, what may happen to them, and where they stand."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from kikao.checking.exploring.gallery import Spot
from kikao.checking.exploring.oracle import Decision
from kikao.conversation.answers import Answer
from kikao.conversation.inputs import Event
from kikao.conversation.journal import Conversation
from kikao.conversation.member import Member

THINKING: Final = dt.timedelta(seconds=20)
DAY: Final = dt.timedelta(days=1)

ROUNDS: Final = 3
"""How often a question is asked again before that counts as apart from what is usual."""


@dataclass(frozen=True, slots=True)
class State:
    """A conversation between two turns."""

    conversation: bytes
    member: Member
    now: dt.datetime
    spot: Spot
    trail: tuple[str, ...] = ()
    answer: Answer[Any] | None = None
    fresh: bool = True
    """The turn that led here showed something new."""
    taken: tuple[tuple[str, int], ...] = ()
    """What services answered last (see `Oracle`)."""
    apart: int = 0
    """How far from what is usual the conversation went.

    Answers but the longest count one, further rounds of a loop, too; failures two.
    """


@dataclass(frozen=True, slots=True)
class Move:
    """Something that happens to a conversation."""

    event: Event
    kind: str
    """Moves of one kind lead on alike."""
    label: str
    wait: dt.timedelta = THINKING
    apart: int = 0


def spot_of(conversation: Conversation) -> Spot:
    run = conversation.run
    flow = run.flow if run is not None else ""
    if conversation.overlay:
        return flow, "", conversation.overlay
    if run is None:
        return (
            "",
            "",
            f"over {sorted(conversation.data)} {bool(conversation.notices)} {bool(conversation.parked)}",
        )
    if run.pending is None:
        return flow, "", "failed" if run.failed else "open"
    return flow, once_round(plain(run.pending.key)), "wrong" if run.pending.tries else "asked"


def plain(key: str) -> str:
    """A journal key without ordinals."""
    return re.sub(r"#\d+", "", key)


def once_round(key: str) -> str:
    """A key without the rounds of flows that call themselves, or each other: `a/b/a/x` is asked where `a/x` is."""
    *flows, name = key.split("/")
    way: list[str] = []
    for flow in flows:
        if flow in way:
            del way[way.index(flow) :]
        way.append(flow)
    return "/".join([*way, name])


def currency_of(conversation: Conversation) -> str:
    """The currency of the last money the member named."""
    run = conversation.run
    tags = [entry.tag for entry in run.journal] if run is not None else []
    if run is not None and run.pending is not None:
        tags.append(run.pending.tag)
    return next((tag.partition(":")[2] for tag in reversed(tags) if tag.startswith("money:")), "UGX")


def apart_after(state: State, move: Move, decisions: Sequence[Decision]) -> int:
    """How far from what is usual a conversation is after a turn."""
    return (
        state.apart
        + move.apart
        + sum(
            (1 if each.usual and each.usual[each.way] else 2)
            for each in decisions
            if each.way != each.default
        )
    )


def again(conversation: Conversation) -> int:
    """One for a question that was asked so often that another round of its loop hardly shows anything new."""
    run = conversation.run
    if run is None or run.pending is None:
        return 0
    return int(any(int(nth) > ROUNDS for nth in re.findall(r"#(\d+)", run.pending.key)))
