"""What sends a message: a small protocol, and what it says became of one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec


class Letter(msgspec.Struct, frozen=True):
    """A message on its way, opened."""

    id: bytes
    """16 octets. The same message may come twice, with the same id: the receiver tells copies by it."""
    to: str
    """Its destination, in full: `webhook/crm`."""
    body: bytes
    tries: int
    """How often it was given to a sender, this time included."""


class Delivered(msgspec.Struct, frozen=True):
    """The other side took it."""

    reference: str = ""
    """What the other side calls it in its reports; empty where it sends none."""


class TryLater(msgspec.Struct, frozen=True):
    """It was not taken, or nobody knows: once more later."""

    reason: str
    """A status or the type of an error: nothing of the message, and nothing that the other side wrote."""
    after: float | None = None
    """Seconds that the other side said to wait: nothing leaves to it meanwhile, and this does not count as a try. Less
    than one is no wait."""
    alone: bool = False
    """It is about whom the message is for, and not about the account: only that one waits `after`."""
    held: bool = False
    """Nobody said to wait: it is this message that may not leave yet. Only what is behind it in its lane waits, too."""


class Rejected(msgspec.Struct, frozen=True):
    """It will never be taken as it is."""

    reason: str
    """As of `TryLater`."""


Outcome = Delivered | TryLater | Rejected


class Sender(Protocol):
    """Sends messages to one destination. Used by one event loop, for several messages at a time."""

    async def send(self, letter: Letter) -> Outcome:
        """Send one. What it raises counts as `TryLater` with the type of the error; so does a time-out.

        It may be cancelled at any await: then the message is sent again.
        """
        ...


class Pace(msgspec.Struct, frozen=True):
    """How fast messages may leave, over all processes: one each `interval` seconds, `burst` at once after a rest."""

    interval: float
    burst: int = 1


Paces = Callable[[bytes], Sequence[tuple[str, Pace]]]
"""Of a message, by its body: the names of whom it is for (`chat:123`, `group:9`), each with how fast that one may get
messages; the strictest first. What it raises means that nobody can read the message."""

MAX_TIMEOUT: Final = 60.0
"""Seconds: a message is leased for longer than a try may take."""

FIRST: Final = 5.0
LONGEST: Final = 3600.0
"""A message waits up to 5 s, 10 s, 20 s ... at most an hour, by chance: those that failed together come back apart."""

SENT_KEPT: Final = 7 * 86400.0
"""Seconds in which reports about a message that was sent are heard."""

DEAD_KEPT: Final = 30 * 86400.0
"""Seconds in which a dead message may be replayed."""


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A sender, and how to use it."""

    sender: Sender
    pace: Pace | None = None
    paces: Paces | None = None
    """Asked before `pace`. Who has to wait holds up nobody else. Names are kept hashed."""
    timeout: float = 10.0
    """Seconds that one try may take; at most `MAX_TIMEOUT`."""
    at_once: int = 8
    """Messages on their way at a time, from one process."""
    tries: int = 16
    """After so many a message is dead. With the usual back-off that takes some five hours, half of that if lucky."""
    first: float = FIRST
    """Seconds that it waits after the first try, at most; twice as long after each other one."""
    longest: float = LONGEST
    """Seconds between two tries, at most."""
    sent_kept: float = SENT_KEPT
    dead_kept: float = DEAD_KEPT
    """Seconds that a message is kept once it was sent, or is dead."""
    newest: bool = False
    """Of a lane only the newest message is of use, as of screens: one that could not be sent at once, and has another
    behind it by now, is dead, and holds that up no longer."""
    here: Callable[[], bool] | None = None
    """Whether this process can send there now, where not all can, as over a connection that only one has. Who can takes
    the messages of every shard, who cannot takes none."""

    async def tried(self, letter: Letter) -> Outcome:
        """What the sender says of one, or what its error says: the type, for its text may hold anything."""
        try:
            async with asyncio.timeout(self.timeout):
                return await self.sender.send(letter)
        except TimeoutError:
            return TryLater("no answer in time")
        except Exception as error:  # noqa: BLE001 - whatever a sender raises, the message is not lost
            return TryLater(type(error).__name__)

    def backoff(self, tries: int, chance: float) -> float:
        """Seconds until the next try, after so many; `chance` is of 0 to 1.

        Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
        """
        longest: float = min(self.first * 2 ** min(tries - 1, 20), self.longest)
        return max(longest * chance, self.first / 10)
