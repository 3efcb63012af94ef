"""The folder that files lie in: names, places, and how a file gets there and goes. Plain functions of the disk.

    <folder>/names                 a secret that the names below are made with, sealed
    <folder>/keys/<kid>            the secret keys that files may be sealed under
    <folder>/tmp/                  what is being written, or removed
    <folder>/files/<2>/<30>/<32>   whose (a keyed hash), and what (a keyed hash of the content)

Each member has a folder of their own: who erases a member removes one folder. The same photo of two members is there
twice, then, and of one member once. What flows keep for nobody in particular shares a folder. Names are hashes under
the folder's own secret: they tell nobody whose a file is or what is in it, and stay when the secret keys change.

A file is written aside, is on the disk before it gets its name, and is renamed: it is there whole or not at all.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from kikao.channels.media import sealing
from kikao.channels.media.disk import inside, made, size_of, sizes, sync, to_disk
from kikao.channels.media.errors import FileDamaged, FileError, FileGone, FilesFull, FilesRefused
from kikao.sessions.sealing import KeyRing, SealError, kid_of

DAY: Final = 86400.0

LEFT_OVER: Final = 3600.0
"""Seconds after which what is being written belongs to a process that died."""

_SECRET: Final = b"names of files"
_REF = re.compile("[0-9a-f]{32}/[0-9a-f]{32}").fullmatch


class Resealed(msgspec.Struct):
    """What was sealed anew."""

    sealed: int = 0
    unreadable: int = 0
    """Files that do not open. They stay, until they expire."""


class Folder:
    """A folder of files, by references `<whose>/<what>`. Safe to use from several threads, and by several processes.

    A file expires `days` after it was kept last. All may take `most` octets on the disk: what this process writes is
    counted at once, and what others write when `count` was called, so that several may pass the cap a little.
    """

    def __init__(
        self, path: Path, ring: KeyRing, *, days: int, most: int, clock: Callable[[], float]
    ) -> None:
        self.path = path
        self._ring = ring
        self._days = days
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._secret: bytes | None = None
        self._used = 0

    # --- names ---

    def prepare(self) -> bytes:
        """The secret that names are made with; the folder is made when first needed. Raises `FilesRefused`."""
        with self._lock:
            if self._secret is None:
                try:
                    for each in (self.path, *(self.path / name for name in ("tmp", "keys", "files"))):
                        each.mkdir(mode=0o700, parents=True, exist_ok=True)
                    self._secret = self._found() or self._made()
                    self._used = sum(size for _, size in sizes(self.walk()))
                except OSError as error:
                    raise FilesRefused(
                        f"KIKAO_MEDIA: files cannot be kept in {self.path} ({error.strerror}). Make it a folder that "
                        "kikao may write to, or set another."
                    ) from None
            return self._secret

    def check(self) -> None:
        """Whether the secret keys there are open what is in the folder. Raises `FilesRefused`."""
        if not self.path.is_dir():
            return
        self._found()
        lost = []
        for marker in inside(self.path / "keys"):
            with contextlib.suppress(FileNotFoundError):  # somebody seals anew
                if marker.name not in self._ring.kids and not self._is_past(marker.stat().st_mtime):
                    lost.append(marker.name)
        if lost:
            raise FilesRefused(
                f"KIKAO_MEDIA: files in {self.path} can only be opened with the secret key {lost[0]!r}, which is not "
                "set. Add it to KIKAO_SECRET_KEYS again (after the first, which seals). Then a running server seals "
                "everything anew. If it is lost, move the folder away: its files cannot be read any more."
            )

    def owner(self, owner: str) -> str:
        """The first part of a reference: whose."""
        return self._name(b"owner", owner.encode())

    def content(self, digest: bytes) -> str:
        """The second part of a reference: what, by its SHA-256."""
        return self._name(b"content", digest)

    def _name(self, what: bytes, said: bytes) -> str:
        return hmac.digest(self.prepare(), what + b"\0" + said, "sha256").hex()[:32]

    def _place(self, ref: str) -> Path:
        """Where a file lies: whatever stands in a reference, below the folder. Raises `FileGone`."""
        if not _REF(ref):
            raise FileGone("this refers to no file that was kept here")
        return self._of_owner(ref[:32]) / ref[33:]

    def _of_owner(self, owner: str) -> Path:
        return self.path / "files" / owner[:2] / owner[2:]

    def _found(self) -> bytes | None:
        try:
            sealed = (self.path / "names").read_bytes()
        except FileNotFoundError:
            return None
        try:
            return self._ring.unseal(sealed, _SECRET, _SECRET)
        except (SealError, IndexError):
            raise FilesRefused(
                f"KIKAO_MEDIA: the files in {self.path} belong to other secret keys, or to another tenant. Set the "
                "keys that belong to them, or another folder."
            ) from None

    def _made(self) -> bytes:
        """A secret, unless somebody else made one meanwhile."""
        self._replace_names(secrets.token_bytes(32), new=True)
        found = self._found()
        assert found is not None
        return found

    def _replace_names(self, secret: bytes, *, new: bool) -> None:
        aside = self.aside()
        with made(aside) as file:
            file.write(self._ring.seal(secret, _SECRET, _SECRET))
            to_disk(file)
        names = self.path / "names"
        if new:
            with contextlib.suppress(FileExistsError):
                os.link(aside, names)
            aside.unlink()
        else:
            aside.replace(names)
        sync(self.path)

    # --- one file ---

    def aside(self) -> Path:
        """A name in the folder for what has none yet."""
        return self.path / "tmp" / secrets.token_hex(16)

    def reserve(self, octets: int) -> None:
        """Count octets before they are written, or take some back. Raises `FilesFull`."""
        with self._lock:
            if octets > 0 and self._used + octets > self._most:
                raise FilesFull(
                    f"files take {self._used:,} octets of the {self._most:,} that they may (KIKAO_MEDIA_MB)"
                )
            self._used += octets

    def keep(self, aside: Path, ref: str) -> None:
        """Give a file that is on the disk its place. Another one there, of the same content, makes room for it."""
        place, now = self._place(ref), self._clock()
        self._mark(now)
        os.utime(aside, (now, now))
        while True:
            new = [each for each in (place.parent.parent, place.parent) if not each.is_dir()]
            for each in new:
                each.mkdir(mode=0o700, exist_ok=True)
            former = size_of(place)
            try:
                aside.rename(place)
                break
            except FileNotFoundError:
                if not aside.exists():
                    raise
                # a sweep took the empty folder away
        for each in (place.parent, *(each.parent for each in new)):
            sync(each)
        self.reserve(-former)

    def open(self, ref: str) -> BinaryIO:
        """A file, to read it from. Raises `FileGone`, `FileError`."""
        place = self._place(ref)
        try:
            file = place.open("rb")
        except FileNotFoundError:
            raise FileGone("the file is not kept any more") from None
        except OSError as error:
            raise FileError(f"a file cannot be read: {error.strerror}") from None
        if self._is_past(os.fstat(file.fileno()).st_mtime):
            file.close()
            raise FileGone("the file is not kept any more")
        return file

    def read(self, file: BinaryIO, ref: str, piece: int = 0) -> Iterator[bytes]:
        """What is in it, in pieces, from this one on. Raises `FileDamaged`."""
        return sealing.opened(file, self._ring, ref.encode(), piece)

    def _mark(self, now: float) -> None:
        """Note that files are sealed under the active key."""
        marker = self.path / "keys" / self._ring.active
        marker.touch(mode=0o600)
        os.utime(marker, (now, now))

    def _is_past(self, kept_at: float) -> bool:
        return kept_at + self._days * DAY <= self._clock()

    # --- all of them ---

    def walk(self) -> Iterator[Path]:
        """All files, in no order, while others come and go."""
        for first in inside(self.path / "files"):
            for second in inside(first):
                yield from inside(second)

    def count(self, octets: int, before: int) -> None:
        """What a walk over all files found, that began when `before` octets were counted."""
        with self._lock:
            self._used += octets - before

    @property
    def used(self) -> int:
        """Octets on the disk, as far as they are counted."""
        with self._lock:
            return self._used

    def sweep(self, some: Iterable[Path]) -> list[int]:
        """Of each file its octets on the disk, or 0 for one that was past its days, and is removed."""
        found = []
        for place, size in sizes(some):
            with contextlib.suppress(FileNotFoundError):  # others sweep, too
                found.append(0 if self._is_past(place.stat().st_mtime) and self._remove(place) else size)
        return found

    def _remove(self, place: Path) -> bool:
        """Remove a file, unless it was put again just now."""
        aside = self.aside()
        place.rename(aside)
        again = not self._is_past(aside.stat().st_mtime)
        if again:
            with contextlib.suppress(FileExistsError):
                os.link(aside, place)
        aside.unlink()
        if not again:
            with contextlib.suppress(OSError):  # as a rule there are others
                place.parent.rmdir()
        return not again

    def clear(self) -> None:
        """Remove what writers left that died. Its times are the disk's, whatever clock files expire by."""
        for path in inside(self.path / "tmp"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - LEFT_OVER:
                    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()

    def forget(self, owner: str) -> int:
        """Remove all files of an owner; how many there were."""
        of_owner, aside = self._of_owner(self.owner(owner)), self.aside()
        try:
            of_owner.rename(aside)
        except FileNotFoundError:
            return 0
        sync(of_owner.parent)
        found = [size for _, size in sizes(inside(aside))]
        shutil.rmtree(aside)
        self.reserve(-sum(found))
        return len(found)

    def reseal(self, some: Iterable[Path], done: Resealed) -> None:
        """Seal files anew that are sealed under a retired key."""
        for place in some:
            try:
                with place.open("rb") as file:
                    status = os.fstat(file.fileno())
                    if sealing.sealed_under(file) == self._ring.active:
                        continue
                    file.seek(0)
                    self._seal_anew(place, file, status)
                done.sealed += 1
            except FileDamaged:
                done.unreadable += 1
            except FileNotFoundError:
                continue

    def _seal_anew(self, place: Path, file: BinaryIO, status: os.stat_result) -> None:
        aside = self.aside()
        try:
            with made(aside) as target:
                sealing.seal_anew(file, target, self._ring, _ref_of(place).encode())
                to_disk(target)
            os.utime(aside, ns=(status.st_atime_ns, status.st_mtime_ns))
            if place.stat().st_mtime_ns == status.st_mtime_ns:
                self._mark(self._clock())
                aside.rename(place)
        finally:
            aside.unlink(missing_ok=True)

    def retire(self, began: float) -> None:
        """After a pass over all files: nothing is sealed under a retired key any more, unless somebody did it since."""
        secret = self.prepare()
        if kid_of((self.path / "names").read_bytes()) != self._ring.active:
            self._replace_names(secret, new=False)
        for marker in inside(self.path / "keys"):
            with contextlib.suppress(FileNotFoundError):  # others do this, too
                if marker.name != self._ring.active and marker.stat().st_ctime < began:
                    marker.unlink()


def _ref_of(place: Path) -> str:
    first, second, name = place.parts[-3:]
    return f"{first}{second}/{name}"
