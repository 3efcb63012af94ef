"""What all processes of an app know of its live sessions, whatever keeps it: presence, streams, who was logged out.

One for each `KIKAO_BUS`: `memory`, `redis`, `postgresql`; and `sqlite` beside a memory bus where the store is SQLite,
so that streams and log-outs survive a restart. All pass `tests/live/stores/test_store.py`.

Every wait is a duration in seconds, counted by the store's own clock: those of processes differ. A *node* is one
incarnation of a process: a random name for each start.

A store may be wiped, or lose a part of what it knew last: a primary failed over, a server without persistence started
anew. Epochs tell. Whoever finds another epoch of a topic lists it, and puts what it has there again; `put` is
idempotent, so doing it once too often changes nothing that anybody sees.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

import msgspec

LEASE: Final = 15.0
"""Seconds a node is taken to live after it last said so."""

BEAT: Final = 4.0
"""Seconds between two times that it does."""

EMPTY: Final = 3600.0
"""Seconds that the epoch of a topic without entries is remembered; then it begins anew."""

REMEMBERED: Final = 86_400.0
"""Seconds that the epoch of a stream is remembered at least after somebody last used it."""


class LiveAway(Exception):
    """The store does not answer: the call changed something, or nothing. Doing it again is safe for all but `append`,
    which may then have added the message twice."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One thing that is present in a topic: a device of a user, or a socket of a session."""

    topic: str
    key: str
    """Whose: the key under which the client sees it."""
    ref: str
    """Unique over all times and topics: `phx_ref`."""
    node: str
    """Whose it is: only that node changes it, unless it is held or the node is dead. Of an entry that is held, whose
    it was."""
    meta: bytes
    """A JSON object, without `phx_ref` and `phx_ref_prev`."""
    before: str = ""
    """The ref that this one replaced: `phx_ref_prev`."""


class Change(msgspec.Struct, frozen=True, gc=False):
    """What happened to a topic at one version. Where `joins` and `leaves` are empty nothing did, and `version` is that
    of the change before: there is nothing to tell."""

    topic: str
    epoch: str
    """Versions of another epoch say nothing of these: the store began anew in between."""
    version: int
    """1, 2, 3 … without a gap."""
    joins: tuple[Entry, ...] = ()
    leaves: tuple[Entry, ...] = ()


class Listing(msgspec.Struct, frozen=True):
    """All that is present in a topic, as of a version. To list a topic that is unknown begins it: its next change is
    version 1 of the same epoch."""

    epoch: str
    version: int
    """0 where nothing ever was."""
    entries: tuple[Entry, ...] = ()


class Position(msgspec.Struct, frozen=True, gc=False):
    """A place in a stream: behind the message with this number; 0 is before the first."""

    epoch: str
    seq: int


class Recovery(msgspec.Struct, frozen=True):
    """What a stream has behind a position."""

    top: Position
    """Where the stream is now."""
    messages: tuple[tuple[int, bytes], ...] | None
    """Number and message, in order, without a gap up to `top`; None where any of it is not there any more, or the
    position is of another epoch: never a part."""


class LiveStore(Protocol):
    """See the module. Every method raises `LiveAway`, and nothing else, when the store does not answer in time."""

    async def open(self) -> None:
        """Try to connect. Does not raise: the store may come later."""
        ...

    async def close(self) -> None: ...

    async def answers(self) -> None: ...

    # --- nodes ---

    async def beat(self, node: str) -> bool:
        """The node lives for another `LEASE`. False when entries of it are gone or about to go, since its lease had
        lapsed or the store was wiped: it lives now, and has to put all of them again (and hold again what was held).
        True the first time, too. Begin with it: entries of a node that never beat go after one `LEASE`."""
        ...

    async def retire(self, node: str, seconds: float) -> None:
        """The node ends in good order: all that it has is held for so long, as by `hold`. It does nothing more."""
        ...

    # --- presence ---

    async def put(self, entry: Entry, *, replaces: str = "") -> Change:
        """Add an entry; again is the same (idempotent by `ref`), and one that was held is not any more. With `replaces`
        the entry of that ref goes in the same change; one that is not there is no matter."""
        ...

    async def hold(self, topic: str, ref: str, seconds: float) -> bool:
        """Its socket is gone: keep it for so long, for `adopt`, whatever becomes of its node. No change that anybody
        sees. Again counts from now. False if it is not there."""
        ...

    async def adopt(self, topic: str, key: str, meta: bytes, node: str) -> Entry | None:
        """Take over an entry that is held, of this key and exactly this meta: it is the node's, no longer held, with
        its ref as it was. No change that anybody sees. Of several callers one gets it."""
        ...

    async def remove(self, topic: str, refs: Collection[str]) -> Change | None:
        """Take entries away, those of the refs that are there; None where none was."""
        ...

    async def listing(self, topic: str) -> Listing:
        """All entries, those that are held included, those of nodes that are dead and not reaped yet included."""
        ...

    async def versions(self, topics: Sequence[str]) -> Mapping[str, tuple[str, int]]:
        """Epoch and version of each: who is behind lists anew. `("", 0)` for one that is unknown."""
        ...

    async def reap(self, *, most: int = 1000) -> list[Change]:
        """Take away entries whose time to be held is over, and those of nodes whose lease lapsed and that are not held:
        about `most` at once, so ask again while there are any. Of several callers one gets each; a node that beats at
        the same time keeps what it has, or is told by `beat`. To be called by every process about every `BEAT`: it is
        what sweeps the store, too."""
        ...

    # --- streams ---

    async def append(self, stream: str, message: bytes, *, keep: int, seconds: float) -> Position:
        """Add a message and say where it is; the newest `keep` of the last `seconds` are kept. Numbers go 1, 2, 3 …"""
        ...

    async def since(self, stream: str, after: Position | None, *, most: int = 300) -> Recovery:
        """What came behind a position; with None only where it is now (`messages` are empty), also of a stream without
        any message yet. Nothing is stored of that: the position holds for the one that begins within 22 hours, though
        its epoch is another (`epochs.is_of`). More than `most` are not told at all."""
        ...

    # --- who was logged out ---

    async def log_out(self, user: str, *, seconds: float) -> float:
        """Tokens of the user that were issued by now are worth nothing for so long: at least what the longest of them
        has left. Returns now, in seconds since the epoch; a later one never shortens an earlier."""
        ...

    async def logged_out(self, user: str) -> float:
        """When that last was, in seconds since the epoch; 0.0 for never, or so long ago that it is forgotten."""
        ...
