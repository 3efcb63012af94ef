"""Files that are kept for some days: received in pieces, opened in pieces, and whole in memory only for who wants that.

What touches the disk is in threads; see `folder` for how it lies there.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from kikao.channels.media.errors import FileError, FileGone
from kikao.channels.media.folder import Folder, Resealed
from kikao.channels.media.sealing import PIECE
from kikao.channels.media.writing import Writing
from kikao.conversation.inputs import File
from kikao.sessions.sealing import KeyRing

T = TypeVar("T")

BATCH: Final = 200
"""Files that are looked at in one go."""

PAUSE: Final = 0.01
"""Seconds left to others between two of these."""

WHOLE: Final = 32 * 1024 * 1024
"""Octets of a file that is read as one, unless more is asked for."""


class Swept(msgspec.Struct, frozen=True):
    """What a sweep did, and what it left."""

    removed: int = 0
    """Files past their days."""
    kept: int = 0
    octets: int = 0
    """On the disk, of those that are kept."""


class FileStore:
    """The files of a deployment, in one folder. `days` is how long each is kept, `most` what all may take, in octets.

    The folder is made when the first file comes. Several processes, and machines, need one that they share.
    """

    def __init__(
        self,
        folder: Path,
        ring: KeyRing,
        *,
        days: int,
        most: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ring = ring
        self._folder = Folder(folder, ring, days=days, most=most, clock=clock)

    def receive(self, owner: str = "") -> Incoming:
        """A file on its way in, for the member of this id, or for nobody in particular."""
        return Incoming(self._folder, self._ring, owner)

    async def put(self, data: bytes, *, owner: str = "", mime: str = "", filename: str = "") -> File:
        """Keep octets as a file. The same of the same owner is the same file, kept for its days anew.

        `mime` counts where it is a finer name of what the octets are. Raises `FilesFull`, `FilesRefused`, `FileError`.
        """
        async with self.receive(owner) as incoming:
            await incoming.write(data)
            return await incoming.keep(mime=mime, filename=filename)

    async def parts(self, file: File, *, start: int = 0) -> AsyncGenerator[bytes, None]:
        """What is in a file, in pieces, from its octet `start` on; what stands before it is not read.

        Raises `FileGone`, `FileDamaged`, `FileError`.
        """
        number, before = divmod(start, PIECE)
        opened = await in_thread(self._folder.open, file.stored_ref)
        try:
            pieces = self._folder.read(opened, file.stored_ref, number)
            while (piece := await in_thread(next, pieces, None)) is not None:
                yield piece[before:]
                before = 0
        except OSError as error:
            raise FileError(f"a file cannot be read: {error.strerror}") from None
        finally:
            opened.close()

    async def read(self, file: File, *, most: int = WHOLE) -> bytes:
        """All that is in a file. Raises as `parts`, and `FileError` for more than `most` octets."""
        found = bytearray()
        async with contextlib.aclosing(self.parts(file)) as pieces:
            async for piece in pieces:
                found += piece
                if len(found) > most:
                    raise FileError(
                        f"a file of more than {most:,} octets is not read as one: take it in parts"
                    )
        return bytes(found)

    async def forget(self, owner: str) -> int:
        """Remove all files of the member of this id; how many there were. Raises `FilesRefused`, `OSError`."""
        if not owner:
            raise ValueError("files of nobody in particular are not removed together")
        if not self.has_any:
            return 0
        return await in_thread(self._folder.forget, owner)

    @property
    def has_any(self) -> bool:
        """Whether a file was ever kept here."""
        return self._folder.path.is_dir()

    async def check(self) -> None:
        """Whether the secret keys there are open what is kept. Raises `FilesRefused`."""
        await in_thread(self._folder.check)

    async def sweep(self) -> Swept:
        """Remove what is past its days, and what writers left that died; a few at a time. Raises `OSError`."""
        folder = self._folder
        if not self.has_any:
            return Swept()
        await in_thread(folder.prepare)
        removed = kept = octets = 0
        before, places = folder.used, folder.walk()
        while some := await in_thread(_some, places, BATCH):
            for size in await in_thread(folder.sweep, some):
                removed, kept, octets = removed + (size == 0), kept + (size > 0), octets + size
            await asyncio.sleep(PAUSE)
        await in_thread(folder.clear)
        folder.count(octets, before)
        return Swept(removed, kept, octets)

    async def reseal(self) -> Resealed:
        """Seal anew what a retired secret key has sealed, so that the key can go. Raises `FilesRefused`, `OSError`."""
        done, folder = Resealed(), self._folder
        if not self.has_any:
            return done
        await in_thread(folder.prepare)
        began, places = time.time(), folder.walk()
        while some := await in_thread(_some, places, BATCH):
            await in_thread(folder.reseal, some, done)
            await asyncio.sleep(PAUSE)
        if not done.unreadable:
            await in_thread(folder.retire, began)
        return done


class Incoming:
    """A file on its way in: `async with`, `write` what comes, and `keep` it; without that nothing is left of it."""

    def __init__(self, folder: Folder, ring: KeyRing, owner: str) -> None:
        self._folder = folder
        self._ring = ring
        self._owner = owner
        self._rest = bytearray()
        self._writing: Writing | None = None

    async def __aenter__(self) -> Incoming:
        """Raises `FilesRefused`, `FilesFull`, `FileError`."""
        try:
            await in_thread(self._begin)
        except asyncio.CancelledError:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writing is not None:
            await in_thread(self._writing.drop)

    async def write(self, data: bytes) -> None:
        """The next octets. Raises `FilesFull`, `FileError`."""
        self._rest += data
        if len(self._rest) >= PIECE:
            await self._flush()

    async def digest(self) -> bytes:
        """The SHA-256 of what was written. Raises as `write`."""
        return (await self._flush()).digest

    async def keep(self, *, mime: str = "", filename: str = "") -> File:
        """All is there. Raises as `write`."""
        writing = await self._flush()
        return await in_thread(partial(writing.keep, owner=self._owner, mime=mime, filename=filename))

    def _begin(self) -> None:
        self._writing = Writing(self._folder, self._ring)

    async def _flush(self) -> Writing:
        assert self._writing is not None
        rest, self._rest = bytes(self._rest), bytearray()
        if rest:
            await in_thread(self._writing.write, rest)
        return self._writing


def store_of(store: FileStore | None) -> FileStore:
    """Where files are. Raises `FileGone` where this process has none, as in a test without them."""
    if store is None:
        raise FileGone("no files are kept here")
    return store


async def in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Do something in a thread. Who is cancelled waits for its end all the same: a thread cannot be stopped."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise


def _some(places: Iterator[Path], most: int) -> list[Path]:
    return list(itertools.islice(places, most))
