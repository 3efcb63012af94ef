"""A till behind a conversation that the numbers of one person share, and a desk where operators link and unlink them.

Times are short, so that links come into force many times a minute. In the environment `TILL_RETENTION` is how many
seconds Africa's Talking may send a request again (Nalo half as long), `TILL_MUTANT` what is broken on purpose.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from kikao import App, Chat, Done, Flows, Limits, Number, SessionPolicy, Text, t, turn
from kikao.channels.channel import Response
from kikao.channels.edge import respond
from kikao.channels.ussd.gateways.africastalking import AfricasTalking
from kikao.config import Settings
from kikao.members import LastAddress
from kikao.members.directory import Directory
from kikao.members.links import Links
from kikao.records import Records
from kikao.server import Server
from kikao.sessions import anchors

RETENTION: Final = float(os.environ.get("TILL_RETENTION", "2"))
IDLE: Final = RETENTION / 2
EVERY: Final = 0.1
"""Seconds between tries of what had to wait."""

BUDGET: Final = 0.5
PAUSE: Final = 0.03
"""The longest of the usual waits of the till, before and after it takes money, in seconds."""

OVERDUE: Final = 0.02
"""The share of payments that take longer than a turn."""

DEADLY: Final = 0.6
"""The share of moves that are the last, where they may be."""

CREATE: Final = sa.text(
    "CREATE TABLE IF NOT EXISTS till (key TEXT PRIMARY KEY, name TEXT, number TEXT, item INTEGER, ref TEXT)"
)
TAKE: Final = sa.text(
    "INSERT INTO till (key, name, number, item, ref) VALUES (:key, :name, :number, :item, :ref) "
    "ON CONFLICT (key) DO NOTHING"
)

flows = Flows()


class Till:
    """Takes money for an item, once a key, and lets time pass before and after."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def start(self) -> None:
        await self._records.write(lambda connection: connection.execute(CREATE))

    async def pay(self, name: str, number: str, item: int, *, key: str) -> Done[str]:
        """The receipt."""
        row = {"key": key, "name": name, "number": number, "item": item, "ref": key[:8]}

        def take(connection: Connection) -> None:
            connection.execute(TAKE, row)

        await pause()
        await self._records.write(take)
        await pause()
        return Done(key[:8])


async def pause() -> None:
    await asyncio.sleep(BUDGET if random.random() < OVERDUE / 2 else random.uniform(0, PAUSE))


@flows.flow("till")
async def paying(chat: Chat) -> None:
    """Every screen says who is talking: nobody should ever read another name than their own."""
    till = chat.service(Till)
    name = await chat.ask("name", Text(), t("Who are you?"))
    while True:
        item = await chat.ask("item", Number(0, 10**9), t("{name}: which item? 0 ends.", name=name))
        if not item:
            await chat.end(t("Bye, {name}.", name=name))
        await chat.confirm("ok", t("{name}: pay for item {item}?", name=name, item=item))

        async def pay(key: str, name: str = name, item: int = item) -> Done[str]:
            return await till.pay(name, chat.member.msisdn, item, key=key)

        def paid(ref: str, name: str = name, item: int = item) -> Any:
            return t("{name} paid for {item}, ref {ref}.", name=name, item=item, ref=ref)

        await chat.say(paid(await chat.step("pay", pay, retry="key", done=paid)))


class Asked(msgspec.Struct):
    """What an operator wants: put `number` behind who is behind `member`, take it away, or look at both."""

    member: str
    number: str


class Desk:
    """Operators' requests, as `POST /desk/link` and so on, each answered in JSON; all others go to the app."""

    def __init__(self, server: Server) -> None:
        self._web = server.web
        self._links = server.services[Links]
        self._directory = server.services[Directory]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/desk/"):
            asked = msgspec.json.decode((await receive())["body"], type=Asked)  # a line, that comes at once
            answer = await getattr(self, scope["path"].removeprefix("/desk/"))(asked)
            await respond(send, Response(200, (), msgspec.json.encode(answer)))
        else:
            await self._web(scope, receive, send)

    async def link(self, asked: Asked) -> object:
        """Whether it is in force."""
        member = await self._directory.meet("msisdn", asked.member)
        return await self._links.link(member.id, "msisdn", asked.number)

    async def unlink(self, asked: Asked) -> object:
        """Whether it is in force; None where it cannot be, since nobody is left without an address."""
        member = await self._directory.meet("msisdn", asked.member)
        try:
            return await self._links.unlink(member.id, "msisdn", asked.number)
        except LastAddress:
            return None

    async def linked(self, asked: Asked) -> object:
        """Whether both are one member now."""
        found = [await self._directory.find("msisdn", number) for number in (asked.member, asked.number)]
        return found[0] is not None and found[0] == found[1]

    async def doom(self, asked: Asked) -> object:
        """From now on the process dies by itself soon after an anchor moved, and before its link is in force."""
        for name in ("link", "unlink"):
            setattr(anchors.Anchors, name, deadly(getattr(anchors.Anchors, name)))
        return None

    async def pending(self, asked: Asked) -> object:
        """How many links are not in force yet."""
        return len(await self._directory.links_due())


class Numbers(App):
    """The app, with the desk, and with links that are tried often."""

    @asynccontextmanager
    async def serving(self, settings: Settings, **options: Any) -> AsyncIterator[Server]:
        async with super().serving(settings, **options) as server:
            vars(server)["web"] = Desk(server)
            trying = asyncio.create_task(try_often(server.services[Links]))
            try:
                yield server
            finally:
                trying.cancel()
                await asyncio.gather(trying, return_exceptions=True)


def deadly(move: Callable[..., Awaitable[bool]]) -> Callable[..., Awaitable[bool]]:
    """A move that may be the last thing this process does."""

    async def moved(self: anchors.Anchors, *what: Any) -> bool:
        done = await move(self, *what)
        if done and random.random() < DEADLY:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    return moved


async def try_often(links: Links) -> None:
    while True:
        await links.once()
        await asyncio.sleep(EVERY)


@asynccontextmanager
async def services(settings: Settings) -> AsyncIterator[Mapping[Any, Any]]:
    records = Records(settings.records)
    try:
        till = Till(records)
        await till.start()
        yield {Till: till}
    finally:
        await records.close()


# --- what can be broken ---


def break_on_purpose(mutant: str) -> None:
    """`hasty`: anchors move whatever is alive. `sticky`: an unlink is in force, and its anchor stays."""
    broken: Any = {"hasty": (vars(anchors)["_Grip"], "quieten"), "sticky": (anchors.Anchors, "unlink")}
    owner, name = broken[mutant]
    setattr(owner, name, yes)


async def yes(*_: object) -> bool:
    return True


if "TILL_MUTANT" in os.environ:
    break_on_purpose(os.environ["TILL_MUTANT"])
AfricasTalking.retention = RETENTION  # in this process only, as what follows
vars(turn)["WINDOW"] = RETENTION / 2

app = Numbers(
    flows,
    entry="till",
    services=services,
    policy=SessionPolicy.across_channels(idle=IDLE, limits=Limits(address=None, member=None)),
    budget=BUDGET,
)
