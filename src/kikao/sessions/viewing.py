"""A stored session as operators may see it. Pure: what was read from the store in, plain data out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import structs

from kikao.conversation.journal import Run
from kikao.sessions.masking import masked, masked_part
from kikao.sessions.policy import (
    BOUNDARIES,
    Address,
    MissingIdentifier,
    SessionPolicy,
    address_kind,
    identifier_name,
    session_key,
)
from kikao.sessions.sealing import KeyRing, kid_of
from kikao.sessions.session import Session
from kikao.sessions.store import IntentRow, Record
from kikao.sessions.views import Detail, Line, Observed, OpenIntent, Rules, RunView

SHOWN: Final = 12
"""Hex digits of a session key, as log lines have them."""

Intents = Mapping[bytes, IntentRow]
"""Index entries of a session's open intents, by their ids."""


def shown_key(key: bytes) -> str:
    """The beginning of a session key, as log lines have it."""
    return key.hex()[:SHOWN]


def shown_address(address: Address) -> str:
    """Who it is, masked."""
    try:
        return masked(*address_kind(address))
    except MissingIdentifier:
        return ""


def sealed_line(record: Record, problem: str) -> Line:
    """A session that cannot be opened here."""
    return Line(shown_key(record.key), record.version, kid_of(record.state), record.expires_at, problem)


def line_of(
    record: Record,
    address: Address,
    session: Session,
    ring: KeyRing,
    policy: SessionPolicy | None,
    now: float,
) -> Line:
    """A session in a list. `policy` is None where the app's policies are not known."""
    conversation, run = session.conversation, session.conversation.run
    rules = None if policy is None or session.anchor else rules_of(policy, address.channel, session)
    until = None if rules is None else _earliest(rules)
    over = now >= (record.expires_at if until is None else until)
    return structs.replace(
        sealed_line(record, ""),
        id=session.id,
        member=session.member,
        channel=address.channel,
        gateway=address.gateway,
        address=shown_address(address),
        anchor=shown_key(session_key(ring, session.anchor)) if session.anchor else "",
        flow="" if run is None else run.flow,
        at=conversation.overlay or ("" if run is None or run.pending is None else run.pending.key),
        created_at=session.created_at,
        seen_at=session.seen_at,
        expires_at=until,
        expired=over or conversation.over,
        waiting=conversation.waiting,
        open=sum(len(run.intents) for run in conversation.runs()),
    )


def detail_of(
    line: Line,
    record: Record,
    address: Address,
    session: Session,
    policy: SessionPolicy | None,
    intents: Intents | None,
    intent_id: Callable[[str], bytes],
) -> Detail:
    """A session whole. `intents` is None while a turn holds it; `intent_id` names an intent in the store's index."""
    conversation = session.conversation
    return Detail(
        line,
        record.fence,
        len(record.state),
        len(record.address),
        kid_of(record.address),
        at_work=intents is None,
        parts=tuple(map(masked_part, address.parts)),
        locale=conversation.locale,
        overlay=conversation.overlay,
        farewell=conversation.farewell is not None,
        over=conversation.over,
        notices=len(conversation.notices),
        typed=0 if session.dialogue is None else session.dialogue.length,
        data=_observed(conversation.data),
        runs=tuple(
            _run(run, intents, intent_id, parked=run is not conversation.run) for run in conversation.runs()
        ),
        rules=None if policy is None else rules_of(policy, address.channel, session),
    )


def sealed_detail(record: Record, problem: str, *, at_work: bool) -> Detail:
    """What is known of a session that cannot be opened here."""
    return Detail(
        sealed_line(record, problem),
        record.fence,
        len(record.state),
        len(record.address),
        kid_of(record.address),
        at_work=at_work,
    )


def rules_of(policy: SessionPolicy, channel: str, session: Session | None = None) -> Rules:
    """A policy, and what it means for a session."""
    rules = Rules(
        channel,
        tuple(boundary for boundary in BOUNDARIES if boundary in policy.boundaries),
        identifier_name(policy.identifier),
        policy.idle,
        policy.absolute,
        policy.reconnection,
        policy.resume,
        policy.opens,
        policy.outcome,
    )
    if session is None or session.anchor:
        return rules
    absolute = None if policy.absolute is None else session.created_at + policy.absolute
    return structs.replace(rules, idle_until=session.seen_at + policy.idle, absolute_until=absolute)


def _earliest(rules: Rules) -> float:
    return rules.idle_until if rules.absolute_until is None else min(rules.idle_until, rules.absolute_until)


def _run(run: Run, intents: Intents | None, intent_id: Callable[[str], bytes], *, parked: bool) -> RunView:
    pending = run.pending
    view = RunView(
        run.id,
        run.flow,
        run.release,
        tuple(Observed(e.key, e.tag, _size(e.value), e.kind) for e in run.journal),
        run.size,
        arguments=_observed(run.args),
        notices=len(run.notices),
        refused=sum(run.attempts.values()),
        epoch=run.epoch,
        failed=run.failed,
        parked=parked,
    )
    if pending is not None:
        view = structs.replace(
            view,
            question=pending.key,
            accepts=pending.tag,
            secret=pending.screen.secret,
            invalid=pending.tries,
        )
    found = []
    for intent in run.intents:
        row = None if intents is None else intents.get(intent_id(intent.token))
        found.append(
            OpenIntent(
                intent.key,
                intent.kind,
                intent.retry,
                intent.tries,
                intent.since,
                intent.entry is not None,
                None if row is None else row.lease_until,
                None if row is None else row.due_at,
            )
        )
    return structs.replace(view, intents=tuple(found))


def _observed(values: Mapping[str, tuple[str, Any]]) -> tuple[Observed, ...]:
    return tuple(Observed(name, tag, _size(value)) for name, (tag, value) in values.items())


def _size(value: Any) -> int:
    return len(_ENCODER.encode(value))


_ENCODER: Final = msgspec.msgpack.Encoder()
