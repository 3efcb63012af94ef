"""What Telegram sends: updates with one message each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from benchmarks.conversation import MEMBERS, TYPED


def bodies(count: int) -> Iterator[bytes]:
    """What Telegram sends in so many turns: one conversation after the other, of ever another member."""
    for at in range(count):
        conversation, place = divmod(at, len(TYPED))
        user = {
            "id": 1000 + conversation % MEMBERS,
            "is_bot": False,
            "first_name": "Amina",
            "language_code": "en",
        }
        message: dict[str, Any] = {
            "message_id": at + 1,
            "from": user,
            "chat": {"id": user["id"], "first_name": "Amina", "type": "private"},
            "date": 1_767_225_600,
            "text": TYPED[place] or "/start",
        }
        if place == 0:
            message["entities"] = [{"offset": 0, "length": 6, "type": "bot_command"}]
        yield json.dumps({"update_id": at + 1, "message": message}).encode()
