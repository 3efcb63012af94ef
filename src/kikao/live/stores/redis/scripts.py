"""The Lua that makes each change of live sessions atomic. Beside the two keys that each script names, the partition and
its guard, it makes the names of its keys from the first: they share its hash tag, and so a slot of a Cluster.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kikao.sessions.stores.redis.scripts import MAKES_ROOM, Script

_FOLDER: Final = Path(__file__).with_name("lua")

_TIME: Final = ("time",)
_COMMON: Final = ("time", "common")
_STREAMS: Final = ("time", "streams")


def _script(name: str, flags: str = "", before: tuple[str, ...] = ()) -> Script:
    return Script(name, flags, before, folder=_FOLDER)


LEASE: Final = _script("lease", MAKES_ROOM)
"""Small, and soon gone: a server without memory is none on which everybody is dead."""
TEND: Final = _script("tend", MAKES_ROOM, _COMMON)
LEAVE: Final = _script("leave", MAKES_ROOM, _COMMON)

PUT: Final = _script("put", before=_COMMON)
HOLD: Final = _script("hold", MAKES_ROOM, _COMMON)
ADOPT: Final = _script("adopt", MAKES_ROOM, _COMMON)
REMOVE: Final = _script("remove", MAKES_ROOM, _COMMON)
LIST: Final = _script("list", before=_COMMON)
VERSIONS: Final = _script("versions", "no-writes")
DUE: Final = _script("due", MAKES_ROOM, _COMMON)
BURY: Final = _script("bury", MAKES_ROOM, _COMMON)

APPEND: Final = _script("append", before=_STREAMS)
SINCE: Final = _script("since", before=_STREAMS)

LOG_OUT: Final = _script("log_out", MAKES_ROOM, _TIME)
"""Also where memory is full: who logs out may not be let in again for that."""

EVERY: Final = (
    LEASE,
    TEND,
    LEAVE,
    PUT,
    HOLD,
    ADOPT,
    REMOVE,
    LIST,
    VERSIONS,
    DUE,
    BURY,
    APPEND,
    SINCE,
    LOG_OUT,
)
