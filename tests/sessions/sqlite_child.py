"""A process that uses a SQLite store until it is killed or fails; the tests of the store start it.

    python sqlite_child.py PATH commit           commits turns without end, and says which are acknowledged
    python sqlite_child.py PATH limit BYTES      the same, with files that cannot grow past BYTES
    python sqlite_child.py PATH hold             opens the store and keeps it
    python sqlite_child.py PATH nobody           opens the store as an unprivileged user

Each turn of a session writes its new version into the state, a dedupe record named after that version, and an open
intent if the version is odd (closed by the next turn): whoever reads the store can tell a half-written turn.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from pathlib import Path

from kikao.sessions.store import (
    Claim,
    CommitUnknown,
    Dedupe,
    IntentRow,
    StoreBroken,
    StoreRefused,
    Write,
)
from kikao.sessions.stores import SQLiteStore

NOW = 1_700_000_000.0
FOREVER = NOW + 1e6
SESSIONS = 16
PADDING = b"." * 400


def turn(claim: Claim) -> Write:
    """The next turn of a session, its parts all telling its version."""
    found = 0 if claim.record is None else claim.record.version
    name = b"%d" % (found + 1)
    row = IntentRow(claim.key + b" paying", claim.key, claim.fence, NOW, NOW)
    odd = found % 2 == 0
    return Write(
        claim.key,
        claim.fence,
        found,
        FOREVER,
        name + PADDING,
        b"address",
        Dedupe(name, b"reply " + name, FOREVER),
        (row,) if odd else (),
        () if odd else (row.id,),
    )


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def commit_without_end(store: SQLiteStore, key: bytes) -> None:
    while True:
        try:
            claim = await store.claim(key, None, now=NOW, lease=3600, wait=0)
            assert isinstance(claim, Claim)
            write = turn(claim)
            await store.commit(write)
        except (CommitUnknown, StoreBroken) as error:
            say(f"{type(error).__name__} {key.decode()}: {error}")
            return
        say(f"stored {key.decode()} {write.version + 1}")


async def main(path: Path, mode: str, *rest: str) -> None:
    store = SQLiteStore(path)
    if mode == "nobody" and os.geteuid() == 0:
        await asyncio.to_thread(int)  # imports what that user may not be able to read
        os.setgid(65534)
        os.setuid(65534)
    try:
        await store.open()
    except StoreRefused as refused:
        say(f"refused: {refused}")
        return
    say("open")
    if mode == "hold":
        await asyncio.Event().wait()
    elif mode in ("commit", "limit"):
        if mode == "limit":
            size = int(rest[0])
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        await asyncio.gather(*(commit_without_end(store, b"session-%d" % n) for n in range(SESSIONS)))
        claim = await store.claim(b"session-0", b"1", now=NOW, lease=1, wait=0)
        say(f"still answers {type(claim).__name__}")
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
