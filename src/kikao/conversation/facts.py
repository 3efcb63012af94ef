"""What happened in a turn, for whoever publishes it once the turn is stored: events that lack only their place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec

from kikao.conversation.effects import Settled
from kikao.conversation.journal import Intent, Run
from kikao.events import SessionEvent, StepDone, StepRefused, StepUnknown, StepVoided
from kikao.events.types import Source

P = ParamSpec("P")


Fact = tuple[type[SessionEvent], dict[str, Any]]
"""An event to be: its type, and what the engine knows of it. Its place is still to be given."""


def fact(of: Callable[P, SessionEvent], /, *_: P.args, **fields: P.kwargs) -> Fact:
    """A fact of a type of event, with fields as that type has them."""
    return of, fields  # type: ignore[return-value] # a type is what is called


def outcome_of(run: Run, intent: Intent, settled: Settled, source: Source) -> Fact:
    """What became of an effect; `intent` as it was before."""
    at = intent.key
    if settled.kind == "done":
        return fact(StepDone, flow=run.flow, at=at, kind=intent.kind, source=source)
    if settled.kind == "voided":
        return fact(StepVoided, flow=run.flow, at=at, kind=intent.kind, source=source)
    if settled.refusal is not None:
        code = settled.refusal.code.value
        return fact(
            StepRefused,
            flow=run.flow,
            at=at,
            kind=intent.kind,
            source=source,
            code=code,
            reason=settled.reason,
        )
    tries, reason = intent.tries + 1, settled.reason
    return fact(
        StepUnknown, flow=run.flow, at=at, kind=intent.kind, source=source, tries=tries, reason=reason
    )
