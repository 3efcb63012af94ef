"""While an app is explored its code reaches nothing outside: no network, no program, no file to write, no wait."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, Final

_REFUSED: Final = frozenset(
    {
        "builtins.input",
        "os.chmod",
        "os.chown",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.kill",
        "os.killpg",
        "os.link",
        "os.mkdir",
        "os.posix_spawn",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.spawn",
        "os.symlink",
        "os.system",
        "os.truncate",
        "os.utime",
        "shutil.rmtree",
        "smtplib.connect",
        "socket.connect",
        "socket.bind",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
        "sqlite3.connect",
        "subprocess.Popen",
        "time.sleep",
        "urllib.Request",
    }
)
"""Audit events of Python (see the library's table of them) that reach outside, or wait for what is there."""

_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class ReachedOutside(ConnectionError):
    """Code of the app reached outside while it was explored. To a flow it is a service that is away."""


class _Guard:
    def __init__(self) -> None:
        self.on = False
        self.hooked = False
        self.refused: list[str] = []

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        if self.on and (event in _REFUSED or (event == "open" and _is_writing(args))):
            self.refused.append(event)
            raise ReachedOutside(f"refused while exploring: {event}")


def _is_writing(args: tuple[Any, ...]) -> bool:
    flags = args[2] if len(args) > 2 else 0
    return isinstance(flags, int) and bool(flags & _WRITES) and args[0] != os.devnull


_guard = _Guard()


@contextlib.contextmanager
def kept_inside() -> Iterator[list[str]]:
    """Refuses what reaches outside; gives the list that what was refused is added to."""
    if not _guard.hooked:
        sys.addaudithook(_guard.hear)  # it cannot be taken away again, only told to be silent
        _guard.hooked = True
    _guard.refused = []
    _guard.on = True
    try:
        yield _guard.refused
    finally:
        _guard.on = False
