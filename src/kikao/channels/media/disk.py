"""What files need of the disk: that what is written is there, and that what others remove meanwhile is no error."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from kikao.channels.media.errors import FileError, FilesFull

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def failed(error: OSError) -> FileError:
    """What an error of the disk means to who wanted to keep a file."""
    if error.errno in _FULL:
        return FilesFull("the disk of the files is full")
    return FileError(f"a file cannot be kept: {error.strerror}")


def made(place: Path) -> BinaryIO:
    """A new file, to write to, that nobody else may read."""
    return open(place, "xb", opener=lambda path, flags: os.open(path, flags, 0o600))


def to_disk(file: BinaryIO) -> None:
    """Wait until what was written is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def inside(folder: Path) -> Iterator[Path]:
    """What is in a folder; nothing in one that is gone, or is none."""
    try:
        with os.scandir(folder) as found:
            names = [each.path for each in found]
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from map(Path, names)


def sizes(places: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    """The octets of files, without those that are gone."""
    for place in places:
        if size := size_of(place):
            yield place, size


def size_of(place: Path) -> int:
    """The octets of a file; 0 where there is none."""
    try:
        return place.stat().st_size
    except FileNotFoundError:
        return 0
