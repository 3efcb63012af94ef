"""What fetches a file, and what is looked at while its octets come."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from kikao.channels.media.errors import NotAsAnnounced, TooLarge
from kikao.channels.media.remote import Located

Take = Callable[[bytes], Awaitable[None]]
"""Takes the next octets."""


class Fetch(Protocol):
    """Fetches files: over the network, or in a test from somebody in the same process."""

    async def __call__(self, located: Located, take: Take, *, most: int, within: float) -> None:
        """Give the octets of a file to `take`, at most `most` of them, all of it in `within` seconds.

        Raises `NotFetched`, and what `take` raises.
        """
        ...


class Checked:
    """Counts and hashes octets on their way to `take`."""

    def __init__(self, located: Located, take: Take, most: int) -> None:
        self._announced = located.sha256
        self._take = take
        self._most = most
        self._size = 0
        self._digest = hashlib.sha256()

    async def __call__(self, part: bytes) -> None:
        """The next octets. Raises `TooLarge`."""
        self._size += len(part)
        if self._size > self._most:
            raise TooLarge(self._most)
        if self._announced is not None:
            self._digest.update(part)
        await self._take(part)

    def end(self) -> None:
        """There is no more. Raises `NotAsAnnounced`."""
        if self._announced is not None and self._digest.digest() != self._announced:
            raise NotAsAnnounced("its hash is not the one that was announced")
