"""Every event there is stands in a story that is told here, holds what its kind says, and names nobody."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import itertools
import re
import secrets
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec
import pytest
from msgspec import structs

from kikao import Amount, App, Chat, Flows, Media, SessionPolicy, Text, t
from kikao.channels.outbox import Delivered, Destination, Letter, Outcome, Rejected, TryLater
from kikao.channels.ussd.clients.client import FORM, Exchange
from kikao.channels.ussd.registry import OPTIONS, SLUGS
from kikao.config import SecretKeys, load
from kikao.control import Visitor, digest
from kikao.events import (
    EVENTS,
    AddressesSwept,
    AddressMarketing,
    AddressResumed,
    AddressStopped,
    ChargeAsked,
    DestinationPaused,
    ErrorUncaught,
    Event,
    EventsDropped,
    FileFetched,
    FileLost,
    FilesSwept,
    GatewayTold,
    KeysResealed,
    LimitHit,
    LinkBound,
    LinkLost,
    LiveClosed,
    LiveEnded,
    LogLines,
    LogRepeated,
    MembersLinked,
    MessageDead,
    MessageQueued,
    MessageReported,
    MessageRetried,
    MessageSent,
    MessageStranded,
    MiddlewareFailed,
    NoticeLost,
    OperatorCommand,
    RequestRefused,
    SessionEnded,
    SharesChanged,
    SweepDone,
    TurnDuplicated,
    name_of,
)
from kikao.events.bus import BOUND
from kikao.events.uncaught import uncaught
from kikao.live import Live, anyone
from kikao.members.reach import Told
from kikao.middleware import Proceed, TurnContext
from kikao.sessions.limits import Limits, Rate
from kikao.sessions.outgoing import Status
from kikao.sessions.sharing import Shares
from kikao.sessions.stores.memory import MemoryStore
from kikao.sessions.views import END, LIST, Ending, Listing
from kikao.testing import Clock, Phone, Stage, in_process
from tests.channels.ussd.smpp.linked import Linked
from tests.channels.ussd.smpp.smsc import Smsc
from tests.events.market import NUMBER, PIN, WRONG, at_the_market, market
from tests.live.inside import inside
from tests.testing.shop import Till

Story = Callable[[Path], Awaitable[list[Event]]]


async def shopping(folder: Path) -> list[Event]:
    """Everything that members do, and what goes wrong with services."""
    async with at_the_market() as (stage, asha, _):
        await asha.dial()
        await asha.reply("9", "1", "3", "25", WRONG, PIN)
        await asha.again()
        await asha.dial()
        await asha.reply("1", "00", "99")
        await asha.dial()
        await asha.reply("2")
        await asha.hang_up()
        stage.clock.advance(600)
        await asha.dial()
        await asha.reply("1", "3")
        with stage.service(Till).away():
            await asha.reply(PIN)
        await asha.dial()
        slow = stage.service(Till).slow("pay")
        await asha.reply("2", PIN)
        slow.end()
        await stage.settle()
        await asha.dial()
        stage.faults.unavailable = True
        await asha.dial()
        return stage.events


async def leaving(folder: Path) -> list[Event]:
    """A session that the app ends."""
    async with at_the_market() as (stage, asha, _):
        await asha.dial()
        await asha.reply("3")
        await stage.server.sweeper.once()
        return stage.events


async def crowding(folder: Path) -> list[Event]:
    """Somebody who comes too often."""
    policy = SessionPolicy(limits=Limits(address=Rate(1)))
    async with at_the_market(market(policy=policy)) as (stage, asha, _):
        await asha.dial()
        await asha.dial()
        return stage.events


async def posting(folder: Path) -> list[Event]:
    """Messages to another system: nowhere to go, taken, refused for now, refused for good, and a report that came."""
    flows = Flows()
    outcomes: list[Outcome] = [TryLater("HTTP 429", after=1.0), Delivered("wamid.1"), Rejected("HTTP 410")]

    @flows.flow("market")
    async def lead(chat: Chat) -> None:
        name = await chat.ask("name", Text(), "Name")
        await chat.charge("fee", Amount("KES", 250))
        for _ in range(2):
            await chat.post("lead", "crm", {"name": name})
        await chat.end("Thanks")

    class Crm:
        async def send(self, letter: Letter) -> Outcome:
            return outcomes.pop(0)

    crm = {"webhook/crm": Destination(sender=Crm())}
    async with Stage(App(flows, entry="market"), destinations=crm) as stage:
        stage.server.sessions.destinations = frozenset()
        phone = stage.phone(NUMBER)
        await phone.dial()
        await phone.reply("Asha")
        for _ in range(2):
            await stage.server.dispatcher.once()
            stage.clock.advance(60)
        await stage.server.dispatcher.report("webhook/crm", "wamid.1", Status.DELIVERED)
        await stage.server.dispatcher.report("webhook/crm", "wamid.1", Status.SENT)
        return stage.events


async def sending(folder: Path) -> list[Event]:
    """Files of members: one that comes, one that does not, and a sweep."""
    flows = Flows()

    @flows.flow("market")
    async def photos(chat: Chat) -> None:
        for _ in range(2):
            await chat.ask("photo", Media(("image",)), "Photo")
        await chat.end("Thanks")

    async with Stage(App(flows, entry="market", channels=["telegram"])) as stage:
        asha = stage.telegram("Asha")
        await asha.write("hello")
        await asha.send("photo", b"\xff\xd8\xff\xe0")
        await asha.send("photo", bytes(21_000_000))
        assert stage.server.file_sweeper is not None
        await stage.server.file_sweeper.once()
        return stage.events


async def strangers(folder: Path) -> list[Event]:
    """Requests that are not let in, middleware that breaks, and a request that is answered with 500."""

    async def broken(turn: TurnContext, proceed: Proceed) -> None:
        raise KeyError(turn.member)

    async with at_the_market(market(middleware=[broken])) as (stage, asha, _):
        await in_process(stage.server)(Exchange("/ussd/nalo", FORM, b"nothing"))
        await in_process(stage.server)(Exchange("/ussd/infobip", (), b"", "GET", rest="session/7/status"))
        await asha.dial()
        with uncaught(stage.server.publish):
            asyncio.get_running_loop().call_exception_handler({"exception": ValueError(PIN)})
        return stage.events


async def running(folder: Path) -> list[Event]:
    """A server with files: a retired key, linked addresses, operators."""
    old, new = secrets.token_bytes(32), secrets.token_bytes(32)
    store, clock = MemoryStore(), Clock()
    linked = market(members=True, policy=SessionPolicy.across_channels())
    settings = structs.replace(load({}, folder, gateways=SLUGS, makes_keys=True))
    events: list[Event] = []
    async with linked.serving(
        structs.replace(settings, secret_keys=SecretKeys({"old": old})),
        store=store,
        clock=clock,
        background=False,
    ) as server:
        phone = Phone(in_process(server), NUMBER)
        await phone.dial()
    async with linked.serving(
        structs.replace(settings, secret_keys=SecretKeys({"new": new, "old": old})),
        store=store,
        clock=clock,
        subscribers=[events.append],
        background=False,
        door=True,
    ) as server:
        assert server.members is not None
        assert server.links is not None
        await server.resealer.once()
        member = await server.members.meet("msisdn", NUMBER)
        await Phone(in_process(server), "+256772000002").dial()
        await server.links.link(member.id, "msisdn", "+256772000002")
        clock.advance(86400)
        await server.links.once()
        told: tuple[Told, ...] = ("blocked", "refuses_marketing", "paused")
        for what in told:
            await server.reach.tell("msisdn", NUMBER, "sms/nalo", what, reason="x", at=clock.now)
        clock.advance(1)
        await server.reach.heard("msisdn", NUMBER, "sms/nalo", clock.now)
        await server.reach.heard("msisdn", NUMBER, "telegram/bot-api", clock.now - 60 * 86400)
        await server.members.reach.sweep()
        await Phone(in_process(server), NUMBER).dial()
        async for _ in server.commands.ask(END, Ending(NUMBER)):
            pass
        async for _ in Visitor(settings.data, digest(settings.store, settings.records)).ask(LIST, Listing()):
            pass
        stop = asyncio.Event()

        async def slow(event: Event) -> None:
            await stop.wait()

        server.publish.on("turn.*", slow)
        for _ in range(BOUND + 2):
            server.publish(TurnDuplicated())
        stop.set()
    return events


async def logging(folder: Path) -> list[Event]:
    """What only the log has."""
    written = io.StringIO()
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    log = LogLines(written, clock=lambda: now)
    for _ in range(30):
        log(RequestRefused(channel="ussd", gateway="nalo", status=404, reason="path token wrong or missing"))
    now += dt.timedelta(minutes=2)
    log(SweepDone(count=0, seconds=0.0))
    lines = [msgspec.json.decode(text) for text in written.getvalue().splitlines()]
    return [
        msgspec.convert({name: value for name, value in each.items() if name != "time"}, LogRepeated)
        for each in lines
        if each["event"] == "log.repeated"
    ]


async def waiting(folder: Path) -> list[Event]:
    """What is no turn cannot be said to somebody whose provider is away."""
    settings = load(
        {"KIKAO_USSD_IDEAMART_APP_ID": "APP_1", "KIKAO_USSD_IDEAMART_PASSWORD": "s"}, folder, gateways=OPTIONS
    )
    async with Stage(market(), settings) as stage:
        stage.faults.unavailable = True
        stage.provider.fails()
        await stage.phone(NUMBER, gateway="ideamart").dial()
        return stage.events


async def linking(folder: Path) -> list[Event]:
    """A connection to a message centre comes, and goes."""
    async with Smsc().serving() as smsc:
        linked = Linked(smsc)
        async with linked.running():
            await smsc.bound()
            smsc.cut()
            await smsc.bound(2)
    return linked.events


async def sharing(folder: Path) -> list[Event]:
    """Two processes over one store."""
    store, events = MemoryStore(), list[Event]()
    one, other = Shares(store, events.append), Shares(store, events.append)
    for each in (one, other, one):
        await each.renew()
    return events


async def talking(folder: Path) -> list[Event]:
    """A session over WebSocket."""
    live = Live(users=anyone)
    live.channel("room:{name}")
    flows = Flows()

    @flows.flow("menu")
    async def menu(chat: Chat) -> None:
        await chat.end(t("Hello"))

    async with Stage(App(flows, entry="menu", live=live)) as stage:
        async with inside(stage.server, "asha") as socket:
            await socket.ask("room:one", "phx_join")
        return stage.events


STORIES: Final[dict[type[Event], Story]] = {
    **dict.fromkeys(EVENTS, shopping),
    SessionEnded: leaving,
    ChargeAsked: posting,
    MessageQueued: posting,
    MessageStranded: posting,
    MessageSent: posting,
    MessageRetried: posting,
    MessageDead: posting,
    NoticeLost: waiting,
    DestinationPaused: posting,
    MessageReported: posting,
    SweepDone: leaving,
    FileFetched: sending,
    FileLost: sending,
    FilesSwept: sending,
    LimitHit: crowding,
    GatewayTold: strangers,
    RequestRefused: strangers,
    LinkBound: linking,
    LinkLost: linking,
    LiveClosed: talking,
    LiveEnded: talking,
    MiddlewareFailed: strangers,
    ErrorUncaught: strangers,
    KeysResealed: running,
    MembersLinked: running,
    AddressStopped: running,
    AddressResumed: running,
    AddressMarketing: running,
    AddressesSwept: running,
    SharesChanged: sharing,
    OperatorCommand: running,
    EventsDropped: running,
    LogRepeated: logging,
}


@pytest.fixture(scope="module")
def told() -> dict[Story, list[Event]]:
    """What was published in each story, told once."""

    async def tell() -> dict[Story, list[Event]]:
        found: dict[Story, list[Event]] = {}
        for story in dict.fromkeys(STORIES.values()):
            with tempfile.TemporaryDirectory() as folder:
                found[story] = await story(Path(folder))
        return found

    return asyncio.run(tell())


@pytest.mark.parametrize("kind", EVENTS, ids=name_of)
def test_every_event_is_published_in_a_story(kind: type[Event], told: dict[Story, list[Event]]) -> None:
    assert [event for event in told[STORIES[kind]] if type(event) is kind]


def test_every_field_holds_what_its_kind_says(told: dict[Story, list[Event]]) -> None:
    for event in itertools.chain(*told.values()):
        assert msgspec.convert(msgspec.to_builtins(event), type(event)) == event


def test_no_event_names_anybody_or_holds_a_secret(told: dict[Story, list[Event]]) -> None:
    said = [msgspec.json.encode(event).decode() for event in itertools.chain(*told.values())]
    # A number of its own: the same digits may stand in a random id, or behind a decimal point.
    secret = re.compile(rf"772000001|(?<![0-9a-f.])({PIN}|{WRONG})(?![0-9a-f])").search
    assert [text for text in said if secret(text)] == []
