"""A session that a store forgot, put together again from what the ledger kept and what happened since."""

from __future__ import annotations

from kikao.conversation.effects import SETTLED
from kikao.conversation.journal import Conversation, Run
from kikao.sessions.session import Session


def put_together(now: Session, kept: Session, *, again: bool = False) -> Session:
    """What the store has now, with what it forgot: effects that are open, and outcomes that were not told.

    What came in since went on from an earlier state of the same session: it gives way to what was kept. Where another
    session began in between, that goes on, and a run with an open effect is parked in it. `again` says that the member
    was about to repeat what is done: they are told so.
    """
    if now.id == kept.id:
        if now.seen_at > kept.seen_at:
            kept.seen_at, kept.dialogue = now.seen_at, now.dialogue
            kept.dedupe_until = max(now.dedupe_until, kept.dedupe_until)
        if again and not kept.conversation.runs():
            kept.conversation.notices.append(SETTLED)
        return kept
    conversation = now.conversation
    for run in kept.conversation.runs():
        _bring_back(conversation, run, current=run is kept.conversation.run)
    known = set(map(repr, conversation.notices))
    conversation.notices.extend(text for text in kept.conversation.notices if repr(text) not in known)
    now.dedupe_until = max(now.dedupe_until, kept.dedupe_until)
    return now


def _bring_back(conversation: Conversation, run: Run, *, current: bool) -> None:
    if run.intents:
        run.pending = None
        conversation.parked.append(run)
    elif current and run.pending is None:
        conversation.notices.extend([*run.notices, *run.recorded()])  # settled while nobody was there
