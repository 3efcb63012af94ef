"""Ports of this machine for servers of tests: each is one process's own, however many run tests at the same time."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import Final

PORTS: Final = range(12_000, 22_000)
"""Below the ports that a system gives to outgoing connections, so that a server finds its own again after a restart.
Those of a Cluster's own bus are ten thousand higher."""

_BUS: Final = 10_000

_ours: Final[set[int]] = set()


def free_port() -> int:
    """A port that nobody listens on, nor on the one that a Cluster would take beside it.

    Nobody else who asks here gets it before this process ends: between the asking and the listening much may happen.
    """
    while True:
        port = random.choice(PORTS)
        if port not in _ours and _taken(port) and _nobody_listens(port):
            _ours.add(port)
            return port


def _taken(port: int) -> bool:
    """Whether the octet of a file that stands for the port could be locked, for as long as this process lives."""
    try:
        fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@functools.cache
def _locks() -> int:
    path = Path(tempfile.gettempdir()) / f"kikao-ports-{os.geteuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _nobody_listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        for candidate in (port, port + _BUS):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", candidate))
        return True
    return False
