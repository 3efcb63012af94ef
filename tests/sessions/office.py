"""A service whose keys change: servers with other keys, one after the other, over one store."""

from __future__ import annotations

import hashlib
from typing import Any

from kikao.conversation import Chat, Flows, Number
from kikao.i18n import t
from kikao.sessions.keys import Need, StoreKeys, needs
from kikao.sessions.rekeying import rekey
from kikao.sessions.resealing import Pass, reseal
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import SessionStore
from kikao.testing import Clock, Mortal, ProcessDied
from tests.talk import Process, Talk

flows = Flows()


@flows.flow("tally")
async def tally(chat: Chat) -> None:
    """Adds up what the member types: one lost or doubled answer shows."""
    total = 0
    while True:
        total += await chat.ask("more", Number(), t("Total {total}", total=total))


def key(kid: str) -> bytes:
    """The secret key of this id."""
    return hashlib.sha256(kid.encode()).digest()


def ring(*kids: str) -> KeyRing:
    """The keys of these ids; the first seals."""
    return KeyRing({kid: key(kid) for kid in kids})


def total(screen: str) -> str:
    """What a screen of `tally` says, without the keys below it."""
    return screen.partition("\n")[0]


class Office:
    """At most one server at a time. Phones keep talking to the one that runs now: `office.process`."""

    def __init__(
        self, store: SessionStore, flows: Flows = flows, entry: str = "tally", **options: Any
    ) -> None:
        self.store = store
        self.clock = Clock()
        self.process: Process
        self.phones: list[Talk] = []
        self._made = (flows, entry, options)
        self._open = False

    async def start(self, *kids: str, keys: KeyRing | None = None) -> Office:
        """Restart the server with these keys. Raises `StoreRefused`, with no server left."""
        await self.stop()
        flows, entry, options = self._made
        process = Process(flows, entry, self.store, self.clock, **options)
        process.sessions.ring = keys or ring(*kids)
        self._open = True
        try:
            await process.open()
        except BaseException:
            await self.stop()
            raise
        self.process = process
        for phone in self.phones:
            phone.process = process
        return self

    async def stop(self) -> None:
        """End the server; the store is as it would be after kill -9."""
        if self._open:
            self._open = False
            await self.store.close()

    def phone(self, number: str = "+256772000001") -> Talk:
        """A member's phone."""
        self.phones.append(Talk(self.process, number))
        return self.phones[-1]

    async def rekey(self, *kids: str, dies_at: int | None = None) -> StoreKeys | None:
        """Move the store to the first of these keys; None when that died before it moved the n-th session."""
        await self.stop()
        await self.store.open()
        store = Mortal(self.store)
        store.die_before = None if dies_at is None else ("replace", dies_at)
        try:
            return await rekey(store, ring(*kids), self.clock(), lambda *_: None)
        except ProcessDied:
            return None
        finally:
            await self.store.close()

    async def reseal(self, *kids: str) -> Pass:
        """Seal everything anew under the first of these keys, with no server at work."""
        await self.stop()
        await self.store.open()
        try:
            return await reseal(self.store, ring(*kids), self.clock())
        finally:
            await self.store.close()

    async def needs(self) -> dict[str, Need]:
        """What is sealed with each key."""
        return await needs(self.store, self.clock())
