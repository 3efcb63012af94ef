"""Who tells a turn of a member, and the simplest who does: nobody is remembered."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from kikao.members.known import Known
from kikao.members.reaches import RememberedReaches
from kikao.sessions.sealing import KeyRing


class Members(Protocol):
    """Who is behind an address. `Directory` remembers; `Unlisted` does not."""

    async def meet(self, kind: str, identity: str) -> Known:
        """The member behind an address, a new one for an address not met before. Raises `RecordsAway`."""
        ...

    def recall(self, kind: str, identity: str) -> Known | None:
        """Who that is, as far as it is known without asking anybody."""
        ...

    async def holds(self, member_id: str, kind: str, identity: str) -> bool:
        """Whether an address is a member's, under any of the member's ids. Raises `RecordsAway`."""
        ...

    async def remember(self, member_id: str, *, locale: str | None = None) -> None:
        """Keep what a member chose. Raises `RecordsAway`."""
        ...


class Unlisted:
    """Members of an app without a directory: each address is a member of its own, and nothing of it is kept.

    What may be written to it is known to the process, as long as that runs.
    """

    def __init__(self, ring: KeyRing, *, clock: Callable[[], float] = time.time) -> None:
        self._ring = ring
        self.reach = RememberedReaches(ring, clock=clock)
        """What may be written to which address."""

    async def meet(self, kind: str, identity: str) -> Known:
        """See `Members.meet`."""
        return Known(self._ring.lookup("member", kind, identity).hex()[:32], "", "")

    def recall(self, kind: str, identity: str) -> Known | None:
        """See `Members.recall`. Nothing is kept that could be recalled."""
        return None

    async def holds(self, member_id: str, kind: str, identity: str) -> bool:
        """See `Members.holds`. Always: an address never comes to be another member's, whatever key names it."""
        return True

    async def remember(self, member_id: str, *, locale: str | None = None) -> None:
        """See `Members.remember`."""
