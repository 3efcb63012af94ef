"""The Lua that makes each phase of a session one atomic change, and what it is called by.

A script names one key in `KEYS`, its partition (`{kikao:0123}`, which is no key itself), and makes the names of all
keys of that from it: they share its hash tag, and so a slot of a Cluster. Scripts that only look get the names of many
partitions of one server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).with_name("lua")


class Script:
    """A Lua script by its name; `flags` are those of `#!lua`, `before` names what it shares with others, in order,
    and `folder` is where they lie.
    """

    __slots__ = ("name", "sha", "text")

    def __init__(
        self, name: str, flags: str = "", before: Sequence[str] = (), *, folder: Path = _FOLDER
    ) -> None:
        self.name = name
        files = [f"{each}.lua" for each in (*before, name)]
        self.text = b"".join(
            [f"#!lua flags={flags}\n".encode(), *((folder / file).read_bytes() for file in files)]
        )
        self.sha = hashlib.sha1(self.text, usedforsecurity=False).hexdigest().encode()
        """What the server calls it."""


#: Looks only, at whatever partitions of one server: also runs where nothing may be written.
LOOKS: Final = "no-writes,allow-cross-slot-keys"
#: Makes room: also runs where memory is full.
MAKES_ROOM: Final = "allow-oom"

_MESSAGES: Final = ("messages",)

CLAIM: Final = Script("claim")
CLAIM_ANYWAY: Final = Script("claim", MAKES_ROOM)
"""For who looks, ends or settles and has no inbound: a lease of theirs is small, and soon given back."""
WRITE: Final = Script("write", before=_MESSAGES)
RELEASE: Final = Script("release", MAKES_ROOM)
RENEW: Final = Script("renew", MAKES_ROOM)
END: Final = Script("end", MAKES_ROOM)
EXPIRED: Final = Script("expired", LOOKS)
SWEEP: Final = Script("sweep", MAKES_ROOM, _MESSAGES)
DUE: Final = Script("due", LOOKS)
FILLED: Final = Script("filled", LOOKS)
REBIND: Final = Script("rebind")

RESEAL: Final = Script("reseal")
FETCH: Final = Script("fetch", LOOKS, _MESSAGES)
PUT: Final = Script("put", before=_MESSAGES)
DROP: Final = Script("drop", MAKES_ROOM, _MESSAGES)

POST: Final = Script("post", before=_MESSAGES)
PEEK: Final = Script("peek", LOOKS, _MESSAGES)
TAKE: Final = Script("take", before=_MESSAGES)
SETTLE: Final = Script("settle", MAKES_ROOM, _MESSAGES)
REFER: Final = Script("refer")
REPORT: Final = Script("report", MAKES_ROOM, _MESSAGES)
REPLAY: Final = Script("replay", before=_MESSAGES)
DISCARD: Final = Script("discard", MAKES_ROOM, _MESSAGES)
REPACK: Final = Script("repack")
BACKLOG: Final = Script("backlog", LOOKS, _MESSAGES)
PACE: Final = Script("pace")
PAUSE: Final = Script("pause")
SHARE: Final = Script("share", MAKES_ROOM)
LEAVE: Final = Script("leave", MAKES_ROOM)
PROBE: Final = Script("probe")


def every_script() -> Sequence[Script]:
    """Those of sessions."""
    return [value for value in globals().values() if isinstance(value, Script)]
