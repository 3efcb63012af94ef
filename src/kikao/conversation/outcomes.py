"""What an effect on the outside world may answer, as a tagged union. A service returns these; the engine acts on them.

| outcome | means | the engine |
|---|---|---|
| `Done` | it happened | keeps the result under the key, for ever |
| `Refused` | it certainly did not happen, and why | keeps nothing under the key; the next attempt has another key |
| `Unknown` | nobody can say (timeout, crash) | keeps the key open, asks `check` or repeats the key |
| `Voided` | from `check`: it did not happen; the service refuses this key for ever | lets the member try again |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec

from kikao.conversation.errors import ErrorCode
from kikao.i18n.messages import Message

T = TypeVar("T")


class Done(msgspec.Struct, Generic[T], frozen=True):
    """The effect happened; `result` is what the flow gets and the journal keeps."""

    result: T


class Refused(msgspec.Struct, frozen=True):
    """The service certainly did nothing: wrong PIN, too little money, account locked.

    `code` decides the way on (see `kikao.conversation.errors.WAYS_ON`); `text` is what the member reads, in place of
    the sentence that belongs to the code.
    """

    code: ErrorCode
    text: Message | None = None


class Unknown(msgspec.Struct, frozen=True):
    """Nobody can say whether the effect happened. `reason` is for the operator and carries no member data."""

    reason: str = ""


class Voided(msgspec.Struct, frozen=True):
    """Answered by `check` alone: the effect did not happen, and the service refuses this key from now on."""


Outcome = Done[Any] | Refused | Unknown
Checked = Done[Any] | Voided | Unknown

Effect = Callable[[str], Awaitable[Any]]
"""Does the work under an idempotency key; returns an `Outcome`, or a plain value for `Done(value)`."""

Check = Callable[[str], Awaitable[Checked]]
"""Says what became of an idempotency key."""
