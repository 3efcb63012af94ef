"""What the last turns found out about members: bounded, short-lived, without addresses in clear."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from typing import NamedTuple

from kikao.members.known import Known


class _Entry(NamedTuple):
    known: Known
    since: float


class Cache:
    """The members of the addresses that were used last (LRU), each for some seconds. For one event loop.

    Keys are hashes under a key of this process, so a dump of the cache names nobody.
    """

    def __init__(self, size: int, seconds: float) -> None:
        self._size = size
        self._seconds = seconds
        self._hash = hashlib.blake2s(key=os.urandom(32))
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._of_member: dict[str, set[bytes]] = {}
        self.changes = 0
        """Counts what was forgotten: what was read from the database before the last change is not kept."""

    def __len__(self) -> int:
        return len(self._entries)

    def key(self, kind: str, identity: str) -> bytes:
        """What an address is kept under. No kind has a colon, so no two addresses are written alike."""
        digest = self._hash.copy()
        digest.update(f"{kind}:{identity}".encode("utf-8", "surrogatepass"))
        return digest.digest()

    def get(self, key: bytes, now: float) -> Known | None:
        """Who that was, if it was found out recently."""
        entry = self._entries.get(key)
        if entry is None or not 0 <= now - entry.since < self._seconds:  # also when the clock was set back
            return None
        self._entries.move_to_end(key)
        return entry.known

    def put(self, key: bytes, known: Known, now: float, *, changes: int) -> None:
        """Keep what was read when `changes` was so many, unless something changed since."""
        if changes != self.changes or self._size <= 0:
            return
        self._drop(key)
        self._entries[key] = _Entry(known, now)
        self._of_member.setdefault(known.id, set()).add(key)
        if len(self._entries) > self._size:
            self._drop(next(iter(self._entries)))

    def forget(self, *member_ids: str) -> None:
        """Members changed: their next turn reads the database, and so does any that is reading it now."""
        self.changes += 1
        for member_id in member_ids:
            for key in self._of_member.pop(member_id, ()):
                del self._entries[key]

    def clear(self) -> None:
        """Forget everybody."""
        self.forget(*list(self._of_member))

    def _drop(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            keys = self._of_member[entry.known.id]
            keys.discard(key)
            if not keys:
                del self._of_member[entry.known.id]
