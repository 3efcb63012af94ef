"""What processes tell each other over a bus that others may read: sealed, once for all who hear it.

Each process has a key of its own for as long as it runs, made from the look-up key and its random name: whoever has the
same look-up key opens what it says, and nobody else, and nobody can say anything in its name. The look-up key is the
same in all processes of a deployment at any time, also while sealing keys are replaced one process after the other
(`kikao.sessions.sealing`); it is replaced where no server runs.

AES-256-GCM; a message's nonce is its number, which under a key of its own never comes again (NIST SP 800-38D, 8.2.1).
The number is when it was said, and more than the one before: what was recorded is not heard again, neither by who heard
it nor by a process that began later.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kikao.sessions.sealing import KeyRing

NONCE: Final = 12

KNOWN: Final = 256
"""Processes whose keys are at hand; those that came first are made anew when they say something."""

FRESH: Final = 300.0
"""Seconds from when something was said, by the clocks of both, within which a process is heard for the first time."""

_PURPOSE: Final = "live bus"


class Envelopes:
    """Of one process, called `node`."""

    def __init__(self, ring: KeyRing, node: str, wall: Callable[[], float] = time.time) -> None:
        """`wall` gives seconds since the epoch: the machine's, whatever time an app is made to believe in."""
        self._ring = ring
        self._wall = wall
        self._own = self._of(node)
        self._number = 0
        self._others: dict[str, tuple[AESGCM, bytes]] = {}
        """The key of each, and the last number that it said."""

    def seal(self, octets: bytes) -> bytes:
        """As it travels."""
        self._number = max(self._number + 1, self._now())
        nonce = self._number.to_bytes(NONCE, "big")
        return nonce + self._own.encrypt(nonce, octets, None)

    def opened(self, node: str, sealed: bytes) -> bytes | None:
        """What another process said; None for what it did not say, or said before, and for one that has another look-up
        key, or a clock that is wrong by more than `FRESH`."""
        nonce = sealed[:NONCE]
        known = self._others.get(node)
        if known is None:
            if abs(int.from_bytes(nonce, "big") - self._now()) > FRESH * 1e6:
                return None
            known = self._of(node), b""
        cipher, last = known
        if nonce <= last:  # a bus keeps the order of who speaks
            return None
        try:
            said = cipher.decrypt(nonce, sealed[NONCE:], None)
        except (InvalidTag, ValueError):
            return None
        if not last and len(self._others) >= KNOWN:
            del self._others[next(iter(self._others))]
        self._others[node] = cipher, nonce
        return said

    def _now(self) -> int:
        return int(self._wall() * 1e6)

    def _of(self, node: str) -> AESGCM:
        return AESGCM(self._ring.lookup(_PURPOSE, node))
