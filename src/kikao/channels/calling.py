"""Calls of other systems by HTTP: what is asked, what comes back, and what that says of a message.

What a call holds, and what the answer says, is for whoever makes it: neither is logged, and no error here repeats
anything of them. Over the network they are made by `kikao.channels.caller`.
"""

from __future__ import annotations

import datetime as dt
import email.utils
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from kikao.channels.outbox.sender import Delivered, Outcome, Rejected, TryLater
from kikao.config import Hidden

AGAIN: Final = frozenset({408, 425, 429})
"""Statuses of 4xx that say nothing against what was sent."""


class Call(msgspec.Struct, frozen=True):
    """A request to make."""

    url: Hidden
    """It may hold a token."""
    headers: tuple[tuple[str, str], ...]
    body: bytes
    method: str = "POST"
    timeout: float = 0.0
    """Seconds for each part of the exchange, where that may take longer than calls usually do."""
    most: int = 0
    """Octets of an answer that are read, where it may be longer than answers usually are."""

    @classmethod
    def bare(cls, headers: tuple[tuple[str, str], ...], body: bytes) -> Call:
        """What is left of a call at its other end."""
        return cls(Hidden(b""), headers, body)

    def __repr__(self) -> str:
        return f"<a call, {len(self.body)} octets>"


class Answer(msgspec.Struct, frozen=True):
    """What came back. Names of headers are in lower case; a body that is long, or takes long, is cut."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str:
        """Of a header; empty where there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def __repr__(self) -> str:
        return f"<HTTP {self.status}, {len(self.body)} octets>"


class Unanswered(Exception):
    """Nothing came back: whether the call arrived is not known. The text is the type of an error, or as short."""

    SAFE = True


Make = Callable[[Call], Awaitable[Answer]]
"""Makes a call. Raises `Unanswered`."""


def judged(answer: Answer, now: float) -> Outcome:
    """What the status of an answer says of what was sent: 2xx taken; 408, 425, 429 and 5xx again; all else dead."""
    status = answer.status
    if 200 <= status < 300:
        return Delivered()
    reason = f"HTTP {status}"
    if status >= 500 or status in AGAIN:
        return TryLater(reason, seconds_of(answer.header("retry-after"), now))
    return Rejected(f"{reason}, not followed" if 300 <= status < 400 else reason)


def seconds_of(retry_after: str, now: float) -> float | None:
    """What `Retry-After` says, in seconds from now (RFC 9110, 10.2.3); None for nothing, or what cannot be read."""
    value = retry_after.strip()
    if value.isascii() and value.isdigit() and len(value) <= 9:
        return float(value)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=dt.UTC)
    return max(0.0, at.timestamp() - now)
