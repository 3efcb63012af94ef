"""One file on its way to the disk."""

from __future__ import annotations

import contextlib
import hashlib

from kikao.channels.media.disk import failed, made, to_disk
from kikao.channels.media.errors import FilesFull
from kikao.channels.media.folder import Folder
from kikao.channels.media.kinds import HEAD, mime_of, safe_name
from kikao.channels.media.sealing import Sealing
from kikao.conversation.inputs import File
from kikao.sessions.sealing import KeyRing


class Writing:
    """Writes a file aside, sealed, and counts what it takes. `keep` or `drop` it at the end: both may be called again.

    Not for two threads at a time. Raises `FilesRefused` where the folder cannot be used.
    """

    def __init__(self, folder: Folder, ring: KeyRing) -> None:
        folder.prepare()
        self._folder = folder
        self._aside = folder.aside()
        self._digest = hashlib.sha256()
        self._head = b""
        self._counted = 0
        self.size = 0
        """Octets that were given."""
        try:
            self._file = made(self._aside)
            self._sealing = Sealing(self._file, ring)
            self._count()
        except OSError as error:
            self.drop()
            raise failed(error) from None
        except FilesFull:
            self.drop()
            raise

    @property
    def digest(self) -> bytes:
        """The SHA-256 of what was given so far."""
        return self._digest.digest()

    def write(self, data: bytes) -> None:
        """The next octets. Raises `FilesFull`, `FileError`."""
        self._folder.reserve(len(data))
        self._counted += len(data)
        self._digest.update(data)
        self._head += data[: HEAD - len(self._head)] if len(self._head) < HEAD else b""
        self.size += len(data)
        try:
            self._sealing.write(data)
        except OSError as error:
            raise failed(error) from None

    def keep(self, *, owner: str, mime: str, filename: str) -> File:
        """All is there: wait for the disk, and give it its place. Raises `FilesFull`, `FileError`."""
        digest = self.digest
        ref = f"{self._folder.owner(owner)}/{self._folder.content(digest)}"
        try:
            self._sealing.end(ref.encode())
            to_disk(self._file)
            self._file.close()
            self._count()
            self._folder.keep(self._aside, ref)
        except OSError as error:
            raise failed(error) from None
        self._counted = 0  # by the folder from now on
        found = mime_of(self._head, mime)
        name = safe_name(filename, found) if filename else ""
        return File(ref[33:], found, self.size, digest.hex(), ref, name)

    def drop(self) -> None:
        """Leave nothing of it, unless it was kept."""
        if file := getattr(self, "_file", None):
            with contextlib.suppress(OSError):  # what it has not written yet, on a full disk
                file.close()
        self._aside.unlink(missing_ok=True)
        self._folder.reserve(-self._counted)
        self._counted = 0

    def _count(self) -> None:
        """Count what it takes on the disk in place of what was given."""
        self._folder.reserve(self._sealing.written - self._counted)
        self._counted = self._sealing.written
