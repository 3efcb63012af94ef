"""A language that a member chose, kept beyond their session."""

from __future__ import annotations

import asyncio
import contextlib

from kikao.conversation.journal import Conversation
from kikao.members.errors import UnknownMember
from kikao.members.unlisted import Members
from kikao.records import CommitUnknown, RecordsAway


async def keep_language(
    members: Members, member_id: str, conversation: Conversation, deadline: float
) -> None:
    """Remember what was chosen in this turn; if records are away until the deadline, a later turn will."""
    with contextlib.suppress(RecordsAway, CommitUnknown, UnknownMember, TimeoutError):
        async with asyncio.timeout_at(deadline):
            await members.remember(member_id, locale=conversation.chosen)
        conversation.chosen = ""
