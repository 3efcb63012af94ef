"""Links at work: the directory records the wish, the anchors of sessions move, and what had to wait is tried again."""

from __future__ import annotations

import asyncio
from typing import Final

from kikao.events.types import LinkDone, Publish, described
from kikao.members.directory import Directory
from kikao.members.errors import UnknownMember
from kikao.members.known import Move
from kikao.sessions.anchors import Anchors

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

    async def link(self, member_id: str, kind: str, identity: str) -> bool:
        """See `Directory.link`. False while the address has something alive; it is then tried again by itself."""
        return await self._directory.link(member_id, kind, identity, anchor=self._move)

    async def unlink(self, member_id: str, kind: str, identity: str) -> bool:
        """See `Directory.unlink`. False while something is alive; it is then tried again by itself."""
        return await self._directory.unlink(member_id, kind, identity, anchor=self._move)

    async def run(self) -> None:
        """For ever; cancel it to stop."""
        while True:
            await self.once()
            await asyncio.sleep(self._every)

    async def once(self) -> int:
        """Try what had to wait; the number of links that came into force."""
        made = 0
        try:
            for pending in await self._directory.links_due():
                try:
                    made += await self._directory.settle(pending, anchor=self._move)
                except UnknownMember:
                    continue  # erased meanwhile
        except Exception as error:  # noqa: BLE001 - records or sessions are away: the next round tries again
            self._publish(LinkDone(made=made, error=described(error)))
        else:
            if made:
                self._publish(LinkDone(made=made))
        return made

    async def _move(self, move: Move) -> bool:
        address = (move.address.kind, move.address.identity)
        to = (move.to.kind, move.to.identity)
        return await (self._anchors.unlink(address) if to == address else self._anchors.link(address, to))
