"""A session that a store forgot, put together again from what the ledger kept and what happened since."""

from __future__ import annotations

from kikao.conversation.journal import Conversation, Run
from kikao.sessions.session import Session


def put_together(now: Session, kept: Session) -> Session:
    """What the store has now, with what it forgot: effects that are open, and outcomes that were not told.

    Where nothing came in since, that is the session as it was kept. Otherwise the run that was forgotten takes the
    place of its own earlier state; beside another run it is parked, and recovery settles it there.
    """
    if now.seen_at <= kept.seen_at:
        return kept
    conversation = now.conversation
    for run in kept.conversation.runs():
        _bring_back(conversation, run, current=run is kept.conversation.run)
    known = set(map(repr, conversation.notices))
    conversation.notices.extend(text for text in kept.conversation.notices if repr(text) not in known)
    now.dedupe_until = max(now.dedupe_until, kept.dedupe_until)
    return now


def _bring_back(conversation: Conversation, run: Run, *, current: bool) -> None:
    if conversation.run is not None and conversation.run.id == run.id:
        conversation.run = run
        conversation.overlay, conversation.error, conversation.farewell = "", None, None
        conversation.page, conversation.pages, conversation.over = 0, 1, False
        return
    parked = [each.id for each in conversation.parked]
    if run.id in parked:
        conversation.parked[parked.index(run.id)] = run
    elif run.intents:
        run.pending = None
        conversation.parked.append(run)
    elif current and run.pending is None:
        conversation.notices.extend([*run.notices, *run.recorded()])  # settled while nobody was there
