"""A member, an app and a store, and a search of everything at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from kikao.channels.ussd.clients.client import Exchange
from kikao.sessions.operating import Operator
from kikao.sessions.store import Conflict, Write
from kikao.sessions.stores.sqlite import SQLiteStore
from kikao.sessions.views import Listing, Named
from kikao.testing import Phone, Stage, in_process
from tests.secrets.needles import Canary, alone
from tests.secrets.places import files, opened, texts_of
from tests.secrets.till import SECRETS, Shop
from tests.secrets.witness import Witness, frames_of_kikao, published

NUMBER: Final = "+256772000001"
TYPED: Final = {"pin": "83190274", "password": "Ndege*kubwa&juu=50% é", "short": "8319"}
"""What members type here; never anything else of these digits or letters."""

WAYS: Final = [("africastalking", "pin"), ("nalo", "password")]
"""A gateway, and what is typed through it."""


class Racing(SQLiteStore):
    """A store in which another writer is faster, so many times."""

    lost = 0

    async def commit(self, write: Write) -> None:
        if self.lost:
            self.lost -= 1
            raise Conflict("another writer was faster")
        await super().commit(write)


class Scene:
    """A member before a question for a secret, and all who listen."""

    def __init__(self, stage: Stage, shop: Shop, store: Racing, phone: Phone, secret: str) -> None:
        self.stage = stage
        self.shop = shop
        self.store = store
        self.phone = phone
        self.secret = secret
        self.replies: list[tuple[str, bytes]] = []
        self.kept = False
        """Whether what was typed is an answer, so that the opened records may hold it, and replies show it."""

    @property
    def till(self) -> Any:
        """The handle on the service."""
        return self.stage.service(type(self.shop.till))

    async def dial(self, ahead: str = "") -> str:
        """Dial the code."""
        return await self._heard(self.phone.dial(ahead))

    async def say(self, *answers: str) -> str:
        """Answer one screen after the other."""
        for answer in answers:
            await self._heard(self.phone.reply(answer))
        return self.phone.screen

    async def again(self) -> str:
        """The gateway sends its last request once more."""
        return await self._heard(self.phone.again())

    async def to_the_secret(self) -> None:
        """Dial, and answer until the secret is asked for."""
        if "Continue" in await self.dial():
            await self.say("2")
        await self.say("1", "1000")
        assert "Secret?" in self.phone.screen, self.phone.screen

    async def type(self) -> str:
        """Type the secret."""
        return await self.say(self.secret)

    async def post(self, exchange: Exchange, path: str) -> tuple[int, bytes]:
        """A request as it is, to any path."""
        reply = await in_process(self.stage.server)(Exchange(path, exchange.headers, exchange.body))
        self.replies.append((f"reply {reply.status}", reply.body))
        return reply.status, reply.body

    async def _heard(self, screen: Awaitable[str]) -> str:
        found = await screen
        if self.phone.raw is not None:
            self.replies.append(("reply", self.phone.raw[1]))
        return found


@asynccontextmanager
async def scene(
    folder: Path, gateway: str = "africastalking", kind: str = "pin", *, debug: bool = False, **options: Any
) -> AsyncIterator[Scene]:
    """A stage in this folder. At the end what was typed is looked for: on the disk, in the records, in all heard."""
    data = folder / "data"
    data.mkdir()
    shop, secret, short = Shop(), TYPED[kind], kind == "short"
    shop.asks = SECRETS[kind]
    canary = Canary()
    canary.watch(secret, NUMBER)
    store = Racing(data / "sessions.db")
    with Witness(debug=debug) as witness:
        async with Stage(shop.app(**options), store=store) as stage:
            at = Scene(stage, shop, store, stage.phone(NUMBER, gateway=gateway), secret)
            yield at
            ring = stage.server.sessions.ring
            records = [*opened(store.path, ring)]
            inside = canary.search(records) + (alone(secret, texts_of(records)) if short else [])
            assert at.kept or not inside, inside
            assert inside or not at.kept, "it is not where it should be: was anything searched?"
            shown = [view async for view in seen_by_operators(stage)]
            found = canary.search(files(data))
            await stage.crash()
            found += canary.search(files(data))
    for error in shop.caught:
        witness.hear("caught by the flow", error)
    if shop.inside is None:  # else it is the app that gives frames of kikao a bare secret
        witness.heard += [("raised in the service", frames_of_kikao(error)) for error in shop.raised]
    heard = [*shown, *witness.said(), *published(stage.events), *([] if at.kept else at.replies)]
    found += canary.search(heard) + (alone(secret, heard) if short else [])
    assert not found, found


async def seen_by_operators(stage: Stage) -> AsyncIterator[tuple[str, bytes]]:
    """What `kikao sessions list` and `show` have of every session."""
    operator = Operator(stage.server.sessions, stage.server.publish, flow=stage.app.engine.entry)
    async for line in operator.lines(Listing()):
        yield "sessions list", msgspec.json.encode(line)
        async for detail in operator.show(Named(line.key)):
            yield "sessions show", msgspec.json.encode(detail)
