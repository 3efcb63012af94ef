"""Links at work: the directory records the wish, the anchors of sessions move, and what had to wait is tried again."""

from __future__ import annotations

import asyncio
from typing import Final

from kikao.events import MembersLinked, Publish, described
from kikao.members.directory import Directory
from kikao.members.errors import UnknownMember
from kikao.members.known import Move
from kikao.records import RecordsAway
from kikao.sessions.anchors import Anchors
from kikao.sessions.store import StoreUnavailable

EVERY: Final = 60.0
"""Seconds between tries: an address is at rest once its session has expired, which takes minutes."""


class Links:
    """Puts addresses behind members, for flows (`chat.service(Links)`) and operators."""

    def __init__(
        self, directory: Directory, anchors: Anchors, publish: Publish, *, every: float = EVERY
    ) -> None:
        self._directory = directory
        self._anchors = anchors
        self._publish = publish
        self._every = every
        self._one_at_a_time = asyncio.Lock()
        """A wish that takes back another one must not overtake the moves that are made for that."""

    async def link(self, member_id: str, kind: str, identity: str) -> bool:
        """See `Directory.link`. False while the address has something alive; it is then tried again by itself."""
        async with self._one_at_a_time:
            return await self._directory.link(member_id, kind, identity, anchor=self._move)

    async def unlink(self, member_id: str, kind: str, identity: str) -> bool:
        """See `Directory.unlink`. False while something is alive; it is then tried again by itself."""
        async with self._one_at_a_time:
            return await self._directory.unlink(member_id, kind, identity, anchor=self._move)

    async def run(self) -> None:
        """For ever; cancel it to stop."""
        while True:
            await self.once()
            await asyncio.sleep(self._every)

    async def once(self) -> int:
        """Try what had to wait; the number of links that came into force.

        One that fails does not keep the others waiting, unless records or sessions are away: then the next round tries.
        """
        made = 0
        failed: Exception | None = None
        try:
            for pending in await self._directory.links_due():
                try:
                    async with self._one_at_a_time:
                        made += await self._directory.settle(pending, anchor=self._move)
                except UnknownMember:
                    continue  # erased meanwhile
                except (RecordsAway, StoreUnavailable):
                    raise
                except Exception as error:  # noqa: BLE001 - a session that does not open, a commit nobody confirmed
                    failed = error
        except Exception as error:  # noqa: BLE001 - links must not end silently
            failed = error
        if made or failed is not None:
            self._publish(MembersLinked(made=made, error=described(failed)))
        return made

    async def _move(self, move: Move) -> bool:
        address = (move.address.kind, move.address.identity)
        to = (move.to.kind, move.to.identity)
        if to == address:
            return await self._anchors.unlink(address)
        return await self._anchors.link(address, to, move.member_id)
