"""A stored session as the engine sees it, for whoever builds the flow: values are shown, and no secret. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from kikao.console.simulator.views import (
    Conversation,
    IntentLine,
    JournalLine,
    Line,
    PendingLine,
    SessionView,
)
from kikao.conversation.journal import BARRIERS, Run
from kikao.conversation.journal import Conversation as Kept
from kikao.conversation.screens import Option, Screen
from kikao.i18n.gsm7 import normalise
from kikao.i18n.messages import Translate
from kikao.sessions.finding import Seen
from kikao.sessions.keeper import Sessions
from kikao.sessions.policy import SessionPolicy
from kikao.sessions.session import Session
from kikao.sessions.viewing import rules_of, shown_key

LONGEST: Final = 2000
"""Characters of a value in JSON that are shown whole."""


def conversation_of(
    seen: Seen, sessions: Sessions, policy: SessionPolicy, translate: Translate, language: str
) -> Conversation:
    """What is stored, opened."""
    if seen.session is None or seen.address is None:
        return Conversation(language=language, problem=seen.problem)
    session, kept = seen.session, seen.session.conversation
    run, pending = kept.run, None
    if run is not None and run.pending is not None:
        asked = run.pending
        error = None if asked.error is None else translate(asked.error)
        pending = PendingLine(asked.key, asked.tries, asked.page + 1, asked.pages, error, asked.screen.secret)
    now = sessions.clock()
    working = {id_ for id_, row in (seen.intents or {}).items() if row.lease_until > now}
    intents = [
        IntentLine(
            intent.key,
            intent.kind,
            intent.retry,
            intent.since,
            intent.tries,
            each is not run,
            seen.intents is None or sessions.intent_id(intent.token) in working,
        )
        for each in kept.runs()
        for intent in each.intents
    ]
    return Conversation(
        session=_session(seen, session, policy, seen.address.channel, now),
        flow="" if run is None else run.flow,
        journal=() if run is None else _journal(run),
        pending=pending,
        intents=tuple(intents),
        parked=len(kept.parked),
        notices=len(kept.notices) + (0 if run is None else len(run.notices)),
        overlay=kept.overlay,
        data={name: showable(value) for name, (_, value) in kept.data.items()},
        language=language,
    )


def wants_secret(kept: Kept) -> bool:
    """Whether what is typed next is a secret: the flow asks for one, and nothing of the engine's stands before it."""
    return kept.run is not None and kept.run.secret and not kept.overlay and kept.farewell is None


def lines_on(page: str, asked: Screen, translate: Translate) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """The options and the navigation of a screen that this page of it shows."""
    shown = page.split("\n")
    return _shown(shown, asked.options, translate), _shown(shown, asked.navigation, translate)


def showable(value: Any) -> Any:
    """A value of a journal as JSON can show it; of a large one, how it begins."""
    try:
        encoded = msgspec.json.encode(value)
    except (TypeError, ValueError):  # keys that no JSON object has
        return repr(value)[:LONGEST]
    if len(encoded) <= LONGEST:
        return msgspec.json.decode(encoded)
    return encoded[:LONGEST].decode(errors="ignore") + "…"


def _session(seen: Seen, session: Session, policy: SessionPolicy, channel: str, now: float) -> SessionView:
    rules = rules_of(policy, channel, session)
    over = policy.expired(session.created_at, session.seen_at, now) or session.conversation.over
    return SessionView(
        key=shown_key(seen.record.key),
        version=seen.record.version,
        created=session.created_at,
        seen=session.seen_at,
        idle_expires=rules.idle_until,
        absolute_expires=rules.absolute_until,
        policy={
            name: value
            for name, value in msgspec.structs.asdict(rules).items()
            if name not in ("idle_until", "absolute_until")
        },
        member=session.member,
        locale=session.conversation.locale,
        expired=over,
    )


def _journal(run: Run) -> tuple[JournalLine, ...]:
    return tuple(
        JournalLine(entry.key, entry.kind, True, absent=True)
        if entry.kind == "secret"
        else JournalLine(entry.key, entry.kind, entry.kind in BARRIERS, showable(entry.value))
        for entry in run.journal
    )


def _shown(page: Sequence[str], options: Sequence[Option], translate: Translate) -> tuple[Line, ...]:
    """Those whose line stands on the page, or the beginning of it where a page was too short for the whole."""
    found = []
    for option in options:
        label = translate(option.label)
        line = normalise(f"{option.key} {label}").split("\n")[0].strip()
        if any(
            line == each or (each.startswith(f"{option.key} ") and line.startswith(each)) for each in page
        ):
            found.append(Line(option.key, label))
    return tuple(found)
