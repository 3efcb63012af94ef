"""Where a secret could be written: files, and the records in them once they are opened with their keys."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from kikao.sessions.sealing import KeyRing


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder: databases, their logs and journals, log lines, temporary files."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():  # no folder, and no socket
            with contextlib.suppress(FileNotFoundError):  # a journal that is gone already
                yield str(path.relative_to(folder)), path.read_bytes()


def opened(store: Path, ring: KeyRing) -> Iterator[tuple[str, bytes]]:
    """The sealed records of sessions and replies in a SQLite store, unsealed."""
    with contextlib.closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as connection:
        for key, version, state, address in connection.execute(
            "SELECT key, version, state, address FROM sessions"
        ):
            yield "state", ring.unseal(state, key, b"state", version)
            yield "address", ring.unseal(address, key, b"address")
        for session, key, reply in connection.execute(
            "SELECT session, key, reply FROM dedupe WHERE reply IS NOT NULL"
        ):
            yield "reply", ring.unseal(reply, session, b"reply" + key)


def texts_of(records: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Every text in opened records, and octets that might be one; numbers are left out."""
    for place, octets in records:
        yield from ((place, text) for text in _texts(msgspec.msgpack.decode(octets)))


def _texts(data: Any) -> Iterator[bytes]:
    if isinstance(data, str):
        yield data.encode(errors="surrogatepass")
    elif isinstance(data, bytes):
        yield data
    elif isinstance(data, dict):
        yield from itertools.chain.from_iterable(map(_texts, itertools.chain(data, data.values())))
    elif isinstance(data, list):
        yield from itertools.chain.from_iterable(map(_texts, data))
