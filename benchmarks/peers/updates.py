"""What Telegram and WhatsApp send: webhooks with one message each."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterator
from typing import Any, Final

from benchmarks.conversation import MEMBERS, TYPED

SECRET: Final = "benchmark-app-secret-of-nobodys-app"
"""What WhatsApp's webhooks are signed with."""

_written = itertools.count(1)


def signed(body: bytes) -> str:
    """The header that Meta sends with a webhook."""
    return f"sha256={hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}"


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


def whatsapp(count: int, *, abreast: bool = False) -> Iterator[bytes]:
    """The same of WhatsApp; each message has an id of its own, as copies are told by that.

    `abreast`: members take turns, each message of another one.
    """
    for at in range(count):
        conversation, place = divmod(at, len(TYPED))
        if abreast:
            conversation, place = at % MEMBERS, at // MEMBERS % len(TYPED)
        number = next(_written)
        who = f"2567720{conversation % MEMBERS:05}"
        message = {
            "from": who,
            "from_user_id": f"UG.{who}",
            "id": f"wamid.{number:09}",
            "timestamp": str(int(time.time())),
            "text": {"body": TYPED[place] or "hi"},
            "type": "text",
        }
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "256700000901", "phone_number_id": "104520000000001"},
            "contacts": [{"profile": {"name": "Amina"}, "wa_id": who, "user_id": f"UG.{who}"}],
            "messages": [message],
        }
        entry = {"id": "100000000000001", "changes": [{"value": value, "field": "messages"}]}
        yield json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
