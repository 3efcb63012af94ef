"""Files as they lie on the disk: sealed piece by piece, so that none is ever whole in memory.

A file has a key of its own, which stands at its beginning, sealed under the key ring and bound to the file's place. The
pieces are AES-256-GCM under that key, their nonces count, and the last one is marked: pieces that are missing, doubled,
exchanged or of another file do not open. A key seals one file, once, so nonces may count.

To seal a file anew, when secret keys change, is to seal its key anew: the rest is copied as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kikao.channels.media.errors import FileDamaged
from kikao.sessions.sealing import KeyRing, SealError, kid_of

PIECE: Final = 256 * 1024
"""Octets that are sealed, and opened, at a time."""

TAG: Final = 16
MAGIC: Final = b"KKF1"

_PURPOSE: Final = b"file"
_KEY: Final = 32


class Sealing:
    """Writes a sealed file, front to back, but for its beginning, which is known at the end."""

    def __init__(self, file: BinaryIO, ring: KeyRing) -> None:
        self._key = os.urandom(_KEY)
        self._cipher = AESGCM(self._key)
        self._file = file
        self._ring = ring
        self._number = 0
        self._rest = bytearray()
        self.written = file.write(bytes(head_size(ring.active)))
        """Octets on the disk."""

    def write(self, data: bytes) -> None:
        """The next octets. Raises `OSError`."""
        self._rest += data
        while len(self._rest) > PIECE:  # one is kept back: it may be the last
            self._piece(bytes(self._rest[:PIECE]), last=False)
            del self._rest[:PIECE]

    def end(self, place: bytes) -> None:
        """There is no more; the file will lie at this place, and opens nowhere else. Raises `OSError`."""
        self._piece(bytes(self._rest), last=True)
        self._file.seek(0)
        self._file.write(_head(self._ring, place, self._key))

    def _piece(self, data: bytes, *, last: bool) -> None:
        self.written += self._file.write(self._cipher.encrypt(_nonce(self._number, last), data, None))
        self._number += 1


def opened(file: BinaryIO, ring: KeyRing, place: bytes, number: int = 0) -> Iterator[bytes]:
    """What was sealed for this place, piece by piece, from the piece of this number on.

    Raises `FileDamaged`, `OSError`.
    """
    cipher = AESGCM(_key(file, ring, place))
    file.seek(number * (PIECE + TAG), os.SEEK_CUR)
    piece = file.read(PIECE + TAG)
    while True:
        behind = file.read(PIECE + TAG)
        try:
            yield cipher.decrypt(_nonce(number, not behind), piece, None)
        except (InvalidTag, ValueError):
            raise FileDamaged("a file does not open: it was cut or changed") from None
        if not behind:
            return
        number, piece = number + 1, behind


def head_size(kid: str) -> int:
    """Octets before the first piece, sealed with a key of this id: format, id, nonce, key and tag of a blob."""
    return len(MAGIC) + 1 + 2 + len(kid) + 12 + _KEY + TAG


def sealed_under(file: BinaryIO) -> str:
    """The id of the secret key that opens a file; empty for what is none of ours. Raises `OSError`."""
    try:
        return kid_of(_sealed(file))
    except FileDamaged:
        return ""


def seal_anew(source: BinaryIO, target: BinaryIO, ring: KeyRing, place: bytes) -> None:
    """Copy a file, its key under the active secret key. Raises `FileDamaged`, `OSError`."""
    target.write(_head(ring, place, _key(source, ring, place)))
    while part := source.read(4 * PIECE):
        target.write(part)


def _head(ring: KeyRing, place: bytes, key: bytes) -> bytes:
    sealed = ring.seal(key, place, _PURPOSE)
    return MAGIC + bytes([len(sealed)]) + sealed


def _sealed(file: BinaryIO) -> bytes:
    start = file.read(len(MAGIC) + 1)
    if len(start) != len(MAGIC) + 1 or not start.startswith(MAGIC):
        raise FileDamaged("a file in the folder is none that kikao wrote")
    return file.read(start[-1])


def _key(file: BinaryIO, ring: KeyRing, place: bytes) -> bytes:
    try:
        return ring.unseal(_sealed(file), place, _PURPOSE)
    except (SealError, IndexError) as error:
        raise FileDamaged(f"a file does not open: {error}") from None


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
