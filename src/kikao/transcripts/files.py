"""A file that is replaced whole, and one at a time: what reads it finds the old text or the new, never half of one."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


def replace_file(path: Path, text: str, mode: int | None = None) -> None:
    """Write a text in place of the file, which keeps its mode unless given one; a new file gets 0600.

    A link stays a link: what it leads to is replaced. Raises `OSError`; `PermissionError` for a file that is read-only.
    """
    path = path.resolve()
    present = path.stat().st_mode & 0o777 if path.exists() else None
    if present is not None and not (present & 0o222 and os.access(path, os.W_OK)):
        # A name could be given to another file all the same: whoever made it read-only did not mean that.
        raise PermissionError(errno.EACCES, "it is read-only", str(path))
    if mode is None:
        mode = 0o600 if present is None else present
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(
            os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline=""
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.chmod(mode)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


@contextlib.contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """Keep other processes that ask in this way away from the files beside `path`, until the end of the `with`."""
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
