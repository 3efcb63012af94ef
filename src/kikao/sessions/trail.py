"""What a turn leaves for the audit trail: which effects it came to, for whom, and what became of them.

Facts are what the events of a turn are made of: words of the code, never what somebody said, a number or a name. They
are stored with the turn as a message to the records, so that there is no effect without its trail, and no trail of what
was rolled back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from kikao.conversation.facts import Fact
from kikao.events import (
    FlowAbandoned,
    FlowFinished,
    FlowStarted,
    StepDone,
    StepRefused,
    StepUnknown,
    StepVoided,
    name_of,
)

TO: Final = "records"
"""The destination of what goes to the trail."""

GOOD_FOR: Final = 30 * 86400.0
"""Seconds in which it has to get there; the records may be away for long."""

WORTHY: Final = frozenset({StepDone, StepRefused, StepUnknown, StepVoided})
"""What leaves a trail: the outcome of a step or a secret. A turn without one leaves none."""

ALONG: Final = WORTHY | {FlowStarted, FlowFinished, FlowAbandoned}
"""What is told along with that."""


class Trail(msgspec.Struct, frozen=True, array_like=True):
    """What one turn leaves, as it is stored and sent."""

    at: float
    session: str
    """The short form of its key."""
    member: str
    """The id; empty where nobody knows members."""
    channel: str
    gateway: str
    release: int
    facts: tuple[tuple[str, dict[str, Any]], ...]
    """Names of events, each with its fields."""


def worthy(facts: Sequence[Fact]) -> bool:
    """Whether a turn leaves a trail."""
    return any(kind in WORTHY for kind, _ in facts)


def told(facts: Sequence[Fact]) -> tuple[tuple[str, dict[str, Any]], ...]:
    """The facts that go to the trail."""
    return tuple((name_of(kind), _plain(fields)) for kind, fields in facts if kind in ALONG)


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Without what a service said in its own words."""
    return {name: value for name, value in fields.items() if name not in ("reason", "reasons", "error")}


def encode(trail: Trail) -> bytes:
    """The stored form, before sealing."""
    return _ENCODER.encode(trail)


def decode(body: bytes) -> Trail:
    """Raises `msgspec.ValidationError` for what is no trail."""
    return _DECODER.decode(body)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Trail)
