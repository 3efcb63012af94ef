"""What the Bot API refuses with, and what becomes of a message then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kikao.channels.calling import Answer
from kikao.channels.outbox.sender import Outcome, Rejected, TryLater
from kikao.channels.telegram.errors import BROKEN, Refused, judged


def refusal(status: int, description: str = "", **parameters: Any) -> Refused:
    said: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if parameters:
        said["parameters"] = parameters
    found = judged(Answer(status, (), json.dumps(said).encode()))
    assert isinstance(found, Refused)
    assert description == "" or description not in found.reason
    return found


def test_a_result_is_what_was_asked_for() -> None:
    found = judged(Answer(200, (), b'{"ok": true, "result": {"id": 1}}'))
    assert not isinstance(found, Refused)
    assert bytes(found) == b'{"id": 1}'


@pytest.mark.parametrize(
    ("status", "description", "why"),
    [
        (403, "Forbidden: bot was blocked by the user", "blocked"),
        (403, "Forbidden: bot can't initiate conversation with a user", "blocked"),
        (403, "Forbidden: user is deactivated", "gone"),
        (403, "Forbidden: bot was kicked from the supergroup chat", "gone"),
        (400, "Bad Request: chat not found", "gone"),
        (400, "Bad Request: have no rights to send a message", "gone"),
        (400, "Bad Request: message is not modified: specified new message content ...", "unchanged"),
        (400, "Bad Request: message to edit not found", "not_there"),
        (400, "Bad Request: message can't be edited", "not_there"),
        (400, "Bad Request: BUTTON_DATA_INVALID", "wrong"),
        (404, "Not Found: method not found", "wrong"),
        (404, "Not Found", "token"),
        (401, "Unauthorized", "token"),
        (409, "Conflict: terminated by other getUpdates request", "conflict"),
        (500, "Internal Server Error", "away"),
        (418, "", "wrong"),
    ],
)
def test_why(status: int, description: str, why: str) -> None:
    assert refusal(status, description).why == why


@pytest.mark.parametrize(
    ("refused", "outcome"),
    [
        (refusal(429, "Too Many Requests", retry_after=10072), TryLater("HTTP 429: too many calls", 10072.0)),
        (refusal(429), TryLater("HTTP 429: too many calls", 1.0)),
        (refusal(401), TryLater("HTTP 401: the bot's token is not taken", BROKEN)),
        (refusal(502), TryLater("HTTP 502: Telegram has a problem", None)),
        (refusal(400), Rejected("HTTP 400: not taken as it is")),
        (refusal(403, "blocked by the user"), Rejected("HTTP 403: blocked by the member")),
    ],
)
def test_what_becomes_of_the_message(refused: Refused, outcome: Outcome) -> None:
    assert refused.outcome == outcome


def test_a_group_that_moved_says_where_to() -> None:
    refused = refusal(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1001)
    assert (refused.why, refused.to) == ("moved", -1001)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"ok": 1}', b"[" * 5000, b"\xff"])
@pytest.mark.parametrize(("status", "why"), [(200, "away"), (302, "away"), (503, "away"), (403, "gone")])
def test_what_is_not_of_the_bot_api_counts_by_its_status(body: bytes, status: int, why: str) -> None:
    found = judged(Answer(status, (("retry-after", "7"),), body))
    assert isinstance(found, Refused)
    assert found.why == why
