"""Keys of members: each has one of its own, sealed under the key ring. Without it nothing of the member opens.

To erase a member is to destroy that key: what was sealed with it can stay where it is, for it is noise from then on.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kikao.members.addresses import MemberAddress
from kikao.sessions.sealing import KeyRing, SealError

FORMAT: Final = b"\x01"
NONCE: Final = 12
KEY_BITS: Final = 256

_PURPOSE: Final = b"member key"


class MemberKey:
    """Seals what belongs to one member: AES-256-GCM with a random 96-bit nonce, bound to the member and a purpose.

    A member's key seals a few values a day, far below the 2^32 messages a key may seal (NIST SP 800-38D, 8.3).
    """

    __slots__ = ("_cipher", "_member")

    def __init__(self, member_id: str, key: bytes) -> None:
        self._member = member_id.encode()
        self._cipher = AESGCM(key)

    def seal(self, data: bytes, purpose: str) -> bytes:
        """Encrypt for one purpose."""
        nonce = os.urandom(NONCE)
        return FORMAT + nonce + self._cipher.encrypt(nonce, data, self._bind(purpose))

    def unseal(self, blob: bytes, purpose: str) -> bytes:
        """Decrypt what was sealed for this purpose. Raises `SealError`."""
        nonce, sealed = blob[1 : 1 + NONCE], blob[1 + NONCE :]
        try:
            if blob[:1] != FORMAT:
                raise ValueError
            return self._cipher.decrypt(nonce, sealed, self._bind(purpose))
        except (InvalidTag, ValueError):
            raise SealError("a member's record does not open with its key: wrong place or changed") from None

    def _bind(self, purpose: str) -> bytes:
        return b"%b%b\0%b" % (FORMAT, self._member, purpose.encode())


class Vault:
    """What the key ring does for members: makes their keys, opens them, and hashes addresses."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring: Final = ring

    @property
    def kid(self) -> str:
        """The id of the key that new and resealed member keys are sealed under."""
        return self.ring.kids[0]

    def hash(self, address: MemberAddress) -> bytes:
        """What an address is looked up by: a keyed hash, 32 bytes."""
        return self.ring.lookup("member address", address.kind, address.identity)

    def new_key(self, member_id: str) -> tuple[MemberKey, bytes]:
        """A new key for a member, and its sealed form."""
        key = AESGCM.generate_key(KEY_BITS)
        return MemberKey(member_id, key), self._seal(member_id, key)

    def open(self, member_id: str, sealed: bytes) -> MemberKey:
        """The member's key. Raises `SealError`."""
        return MemberKey(member_id, self._unseal(member_id, sealed))

    def reseal(self, member_id: str, sealed: bytes) -> bytes:
        """The same key, sealed under the active key of the ring. Raises `SealError`."""
        return self._seal(member_id, self._unseal(member_id, sealed))

    def _seal(self, member_id: str, key: bytes) -> bytes:
        return self.ring.seal(key, bytes.fromhex(member_id), _PURPOSE)

    def _unseal(self, member_id: str, sealed: bytes) -> bytes:
        return self.ring.unseal(sealed, bytes.fromhex(member_id), _PURPOSE)
