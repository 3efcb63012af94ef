"""Keys of inboxes: each has one of its own, sealed under the key ring. Without it nothing in the inbox opens.

As with members, to erase is to destroy that key, and to seal anew is to seal these keys anew. Users are found by a
keyed hash; since the id stands in the inbox too, sealed, the hash can be made anew with another key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kikao.sessions.sealing import KeyRing, SealError

FORMAT: Final = b"\x01"
NONCE: Final = 12
SECRET: Final = 32
"""Octets: one such key seals, another one hashes."""

_PURPOSE: Final = b"inbox key"


class InboxKey:
    """Seals what is in one inbox: AES-256-GCM with a random 96-bit nonce, bound to the inbox and a place in it.

    It seals some notifications a day, far below the 2^32 messages a key may seal (NIST SP 800-38D, 8.3).
    """

    __slots__ = ("_cipher", "_inbox", "_secret")

    def __init__(self, inbox: bytes, secret: bytes) -> None:
        self._inbox = inbox
        self._cipher = AESGCM(secret[:SECRET])
        self._secret = secret[SECRET:]

    def seal(self, data: bytes, place: str) -> bytes:
        """Encrypt for a place."""
        nonce = os.urandom(NONCE)
        return FORMAT + nonce + self._cipher.encrypt(nonce, data, self._bind(place))

    def unseal(self, blob: bytes, place: str) -> bytes:
        """Decrypt what was sealed for this place. Raises `SealError`."""
        nonce, sealed = blob[1 : 1 + NONCE], blob[1 + NONCE :]
        try:
            if blob[:1] != FORMAT:
                raise ValueError
            return self._cipher.decrypt(nonce, sealed, self._bind(place))
        except (InvalidTag, ValueError):
            raise SealError("a notification does not open with its key: wrong place or changed") from None

    def hash(self, cause: str) -> bytes:
        """What a cause is known again by, 32 bytes; no other inbox, and no other key ring, hashes alike."""
        return hmac.digest(self._secret, cause.encode(), hashlib.sha256)

    def _bind(self, place: str) -> bytes:
        return b"%b%b\0%b" % (FORMAT, self._inbox, place.encode())


class InboxKeys:
    """What the key ring does for inboxes."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring: Final = ring
        others = [kid for kid in ring.kids if kid != ring.lookup_kid]
        self._rings = [ring, *(ring.with_lookup(kid) for kid in others)]

    @property
    def kid(self) -> str:
        """The id of the key that keys of inboxes are sealed under."""
        return self.ring.active

    @property
    def lookup_kid(self) -> str:
        """The id of the key that users are hashed with."""
        return self.ring.lookup_kid

    def hash(self, user_id: str) -> bytes:
        """What a user is looked up by: a keyed hash, 32 bytes."""
        return _hash(self.ring, user_id)

    def hashes(self, user_id: str) -> list[bytes]:
        """The hash, and those that keys before would have made: an inbox may still stand under one."""
        return [_hash(ring, user_id) for ring in self._rings]

    def new(self, inbox: bytes) -> tuple[InboxKey, bytes]:
        """A new key for an inbox, and its sealed form."""
        secret = os.urandom(2 * SECRET)
        return InboxKey(inbox, secret), self.ring.seal(secret, inbox, _PURPOSE)

    def open(self, inbox: bytes, sealed: bytes) -> InboxKey:
        """The key of an inbox. Raises `SealError`."""
        return InboxKey(inbox, self.ring.unseal(sealed, inbox, _PURPOSE))

    def reseal(self, inbox: bytes, sealed: bytes) -> bytes:
        """The same key, sealed under the active key of the ring. Raises `SealError`."""
        return self.ring.reseal(sealed, inbox, _PURPOSE)


def _hash(ring: KeyRing, user_id: str) -> bytes:
    return ring.lookup("inbox user", user_id)
