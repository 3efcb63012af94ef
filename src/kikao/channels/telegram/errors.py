"""What the Bot API says of a call, and what that means: https://core.telegram.org/bots/api#making-requests.

Its descriptions are for people and may change; what is read from them decides only whether a chat is gone, or a message
that was to be changed. All of them are compared here, and none is logged or stored.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from kikao.channels.calling import Answer
from kikao.channels.outbox.sender import Outcome, Rejected, TryLater

Why = Literal[
    "blocked",
    "gone",
    "moved",
    "unchanged",
    "not_there",
    "limited",
    "conflict",
    "token",
    "away",
    "wrong",
]
"""Whoever it is for blocked the bot; the chat is no more, or the bot is not in it; it goes on under another id; the
message says that already; the message that was to be changed is not there; too many calls; somebody else asks for
updates; the bot's token is not taken; Telegram has a problem of its own; the call is not as it should be."""

BROKEN: Final = 60.0
"""Seconds until it is tried again with a token that was refused: nothing leaves meanwhile, and nothing is lost."""

LONGEST: Final = 86400.0
"""Seconds to wait that are believed."""


class Refused(msgspec.Struct, frozen=True):
    """A call that was not taken."""

    why: Why
    status: int
    after: float = 0.0
    """Seconds to wait, where that was said."""
    to: int = 0
    """The chat that it moved to."""

    @property
    def reason(self) -> str:
        """For the log: never what Telegram wrote."""
        return f"HTTP {self.status}: {_REASONS[self.why]}"

    @property
    def outcome(self) -> Outcome:
        """What becomes of a message that was sent with it."""
        if self.why == "limited":
            return TryLater(self.reason, max(self.after, 1.0))
        if self.why == "token":
            return TryLater(self.reason, BROKEN)
        if self.why in ("away", "conflict"):
            return TryLater(self.reason, self.after or None)
        return Rejected(self.reason)


class Parameters(msgspec.Struct, frozen=True):
    """https://core.telegram.org/bots/api#responseparameters"""

    migrate_to_chat_id: int = 0
    retry_after: float = 0.0


class Said(msgspec.Struct, frozen=True):
    """Any answer of the Bot API."""

    ok: bool = False
    result: msgspec.Raw = msgspec.Raw(b"null")
    description: str = ""
    parameters: Parameters = Parameters()

    def __repr__(self) -> str:
        return f"<the Bot API said {'yes' if self.ok else 'no'}>"


def judged(answer: Answer) -> msgspec.Raw | Refused:
    """The result of a call, or why there is none. An answer that is not of the Bot API (of a proxy) is its status."""
    try:
        said = _DECODER.decode(answer.body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        said = Said()
    if said.ok and 200 <= answer.status < 300:
        return said.result
    status, description, parameters = answer.status, said.description.casefold(), said.parameters
    after = min(max(parameters.retry_after or _seconds(answer.header("retry-after")), 0.0), LONGEST)
    if status == 429:
        return Refused("limited", status, after)
    if status >= 500 or 200 <= status < 400 or status == 408:
        return Refused("away", status, after)
    if status == 409:
        return Refused("conflict", status)
    if status == 403:
        return Refused("blocked" if any(each in description for each in _BLOCKED) else "gone", status)
    if parameters.migrate_to_chat_id:
        return Refused("moved", status, to=parameters.migrate_to_chat_id)
    if status == 401 or (status == 404 and not description.startswith("not found: method")):
        return Refused("token", status)
    return Refused(next((why for words, why in _SAID if words in description), "wrong"), status)


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0.0


_BLOCKED: Final = ("blocked by the user", "can't initiate conversation", "can't write to")
"""Of 403: all others (deactivated, kicked, not a member) say that there is no chat with anybody in it."""

_SAID: Final[tuple[tuple[str, Why], ...]] = (
    ("message is not modified", "unchanged"),
    ("message to edit not found", "not_there"),
    ("message can't be edited", "not_there"),
    ("there is no text in the message to edit", "not_there"),
    ("message_id_invalid", "not_there"),
    ("message to delete not found", "not_there"),
    ("message can't be deleted", "not_there"),
    ("chat not found", "gone"),
    ("user not found", "gone"),
    ("peer_id_invalid", "gone"),
    ("group chat was deactivated", "gone"),
    ("have no rights to send", "gone"),
    ("not enough rights to send", "gone"),
    ("chat_write_forbidden", "gone"),
)
"""Of 400."""

_REASONS: Final[dict[Why, str]] = {
    "blocked": "blocked by the member",
    "gone": "no such chat, or the bot may not write there",
    "moved": "the group has another id",
    "unchanged": "the message says that already",
    "not_there": "the message to change is not there",
    "limited": "too many calls",
    "conflict": "somebody else asks for this bot's updates",
    "token": "the bot's token is not taken",
    "away": "Telegram has a problem",
    "wrong": "not taken as it is",
}

_DECODER: Final = msgspec.json.Decoder(Said)
