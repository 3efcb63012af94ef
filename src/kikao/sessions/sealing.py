"""Sealing: what is stored is encrypted and bound to its place; what is looked up is a keyed hash.

State is AES-256-GCM with a random 96-bit nonce, bound (as additional data) to tenant, purpose, session and version, so
a stored blob put back in another place, or an older one of the same place, does not open. Each partition has its own
subkey, which keeps far below 2^32 messages a key (NIST SP 800-38D, 8.3).

Sealing keys rotate freely: the key id stands in the blob. The look-up key belongs to a store, since every key in it was
computed with it; `kikao.sessions.rekeying` moves a store to another one.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kikao.sessions.store import partition

if TYPE_CHECKING:
    from kikao.config import Settings

NONCE: Final = 12
FORMAT: Final = b"\x01"

STATE: Final = b"state"
ADDRESS: Final = b"address"
"""What the blobs of a session are sealed for; replies, see `reply_to`, messages `message_to`."""

_BLOCK: Final = 64
"""Octets that SHA-256 takes in at once."""

_ENCODER = msgspec.msgpack.Encoder()


class SealError(Exception):
    """A stored blob does not open: another key, another place, or somebody changed it. Carries no content."""


class KeyRing:
    """The keys of a deployment: `keys` by key id, the first one seals.

    `lookup` names the key that addresses and message ids are hashed with (the first, unless a store says otherwise).
    Rings of two `tenant`s neither open what the other sealed nor hash alike, though their keys be the same.
    """

    def __init__(self, keys: Mapping[str, bytes], *, tenant: str = "", lookup: str | None = None) -> None:
        if not keys:
            raise ValueError("at least one secret key is needed")
        for kid, key in keys.items():
            if len(key) != 32:
                raise ValueError(f"secret key {kid!r} must have 32 bytes")
        self._keys = dict(keys)
        self._active = next(iter(self._keys))
        self._head = FORMAT + bytes([len(self._active)]) + self._active.encode()
        self._tenant = tenant.encode()
        self._ciphers: dict[tuple[str, int], AESGCM] = {}
        self.lookup_kid = lookup or self._active
        if self.lookup_kid not in self._keys:
            raise ValueError(
                f"the look-up key {self.lookup_kid!r} is not among the secret keys {list(self._keys)}"
            )
        label = f"lookup/{tenant}" if tenant else "lookup"
        self._lookup = hmac_sha256(self._derive(self.lookup_kid, label))

    @classmethod
    def of(cls, settings: Settings) -> KeyRing:
        """The keys of the settings, of the tenant whose they are. Raises `ValueError` where there are none."""
        return cls(settings.secret_keys, tenant=settings.tenant)

    def with_lookup(self, kid: str) -> KeyRing:
        """The same keys, hashing with another one. Raises `ValueError` when the ring does not have it."""
        return KeyRing(self._keys, tenant=self._tenant.decode(), lookup=kid)

    @property
    def kids(self) -> tuple[str, ...]:
        """The ids of the keys; the first one seals."""
        return tuple(self._keys)

    @property
    def active(self) -> str:
        """The id of the key that seals."""
        return self._active

    @property
    def lookup_check(self) -> bytes:
        """Tells whether two rings hash alike, and nothing else."""
        return self.lookup("check")

    def check(self, kid: str) -> bytes | None:
        """Tells whether two rings have the same key under this id, and nothing else; None without such a key."""
        return self.with_lookup(kid).lookup_check if kid in self._keys else None

    def lookup(self, purpose: str, *parts: str | bytes) -> bytes:
        """Keyed hash (HMAC-SHA-256) of some parts for a purpose: 32 bytes."""
        # msgpack keeps the parts apart: no two lists of parts make the same message.
        return self._lookup(_ENCODER.encode((purpose, *parts)))

    def seal(self, data: bytes, key: bytes, purpose: bytes, version: int = 0) -> bytes:
        """Encrypt for one place: the session `key`, what it is for, and its version."""
        nonce = os.urandom(NONCE)
        head = self._head
        cipher = self._cipher(self._active, partition(key))
        return head + nonce + cipher.encrypt(nonce, data, self._bind(head, key, purpose, version))

    def unseal(self, blob: bytes, key: bytes, purpose: bytes, version: int = 0) -> bytes:
        """Decrypt what was sealed for this place. Raises `SealError`."""
        kid = kid_of(blob)
        if kid not in self._keys:
            raise SealError(f"sealed with key {kid!r}, which is not among the secret keys")
        size = 2 + blob[1]
        head = blob[:size]
        nonce, cipher = blob[size : size + NONCE], self._cipher(kid, partition(key))
        try:
            return cipher.decrypt(nonce, blob[size + NONCE :], self._bind(head, key, purpose, version))
        except (InvalidTag, ValueError):
            raise SealError("a stored record does not open with its key: wrong place or changed") from None

    def is_fresh(self, blob: bytes) -> bool:
        """Whether a blob is sealed under the active key."""
        return blob.startswith(self._head)

    def reseal(
        self, blob: bytes, key: bytes, purpose: bytes, version: int = 0, *, to: bytes | None = None
    ) -> bytes:
        """The same content under the active key, for the same place or for the session key `to`. Raises `SealError`."""
        data = self.unseal(blob, key, purpose, version)
        return self.seal(data, key if to is None else to, purpose, version)

    def _bind(self, head: bytes, key: bytes, purpose: bytes, version: int) -> bytes:
        return b"%b\0%b\0%b\0%b%d" % (head, self._tenant, purpose, key, version)

    def _cipher(self, kid: str, part: int) -> AESGCM:
        cipher = self._ciphers.get((kid, part))
        if cipher is None:
            cipher = self._ciphers[kid, part] = AESGCM(self._derive(kid, f"seal/{part}"))
        return cipher

    def _derive(self, kid: str, label: str) -> bytes:
        # One-step key derivation with HMAC as the function (NIST SP 800-56C): keys are uniformly random already.
        return hmac.digest(self._keys[kid], b"kikao/" + label.encode(), hashlib.sha256)


def reply_to(dedupe: bytes) -> bytes:
    """What the reply to an inbound is sealed for, by the key of its dedupe record."""
    return b"reply" + dedupe


def message_to(destination: str) -> bytes:
    """What the payload of a message is sealed for, beside its own id; it opens wherever its session is by then."""
    return b"message" + destination.encode()


def kid_of(blob: bytes) -> str:
    """The id of the key that a blob is sealed under; empty for what is no blob."""
    if len(blob) < 2 or blob[:1] != FORMAT:
        return ""
    return blob[2 : 2 + blob[1]].decode("ascii", "replace")


def hmac_sha256(key: bytes) -> Callable[[bytes], bytes]:
    """HMAC-SHA-256 (RFC 2104) under one key, at half the cost of `hmac.digest`: the key is taken in only once."""
    padded = key.ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in padded))
    outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in padded))

    def digest(message: bytes) -> bytes:
        inside, outside = inner.copy(), outer.copy()
        inside.update(message)
        outside.update(inside.digest())
        return outside.digest()

    return digest
