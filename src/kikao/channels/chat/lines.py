"""The numbers, bots and accounts of the settings: a gateway each, loaded where there is one.

`kikao.channels.<channel>.gateway` has two functions: `gateways(settings)`, which makes them, and
`entrances(settings, gateways)`, which says at which paths their webhooks come in.
"""

from __future__ import annotations

import contextlib
import importlib
import zlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from typing import Any, Final, Protocol

from kikao.channels.callers import caller
from kikao.channels.calling import Make
from kikao.channels.channel import Response
from kikao.channels.chat.gateway import ChatGateway, Entrance, Received, Served, Site
from kikao.channels.chat.templates import Templates
from kikao.channels.media.provider import Through
from kikao.channels.media.receiving import Source
from kikao.channels.media.store import FileStore
from kikao.channels.outbox.sender import Destination
from kikao.config import Settings
from kikao.conversation.engine import Engine
from kikao.events import GatewayTold, Publish
from kikao.i18n.messages import Translate
from kikao.sessions.outgoing import SHARDS
from kikao.sessions.policy import Policies

Network = Callable[[ChatGateway], Make]
"""What makes the calls of a line, in place of a network."""

CHANNELS: Final = ("whatsapp", "telegram", "sms")

TIMEOUT: Final = 8.0
"""Seconds for each part of a call."""

CONNECTIONS: Final = 96


class Playing(Protocol):
    """Plays providers in this process, for the phones of the simulator."""

    def plays(self, gateway: ChatGateway) -> Make | None:
        """What takes all calls of a line; None where a real provider does."""
        ...

    def beside(self, gateway: ChatGateway, make: Make) -> Make:
        """What makes the calls of a real line: `make`, but for those that are for a simulated phone."""
        ...


def lines(
    settings: Settings, templates: Templates | None = None, *, live: bool = False
) -> dict[str, ChatGateway]:
    """All that the settings have, by their name in the outbox (`telegram/bot-api`), with the app's templates.

    A `live` app has a web chat besides.
    """
    found: dict[str, ChatGateway] = {}
    for channel in CHANNELS:
        if getattr(settings, channel):
            module = importlib.import_module(f"kikao.channels.{channel}.gateway")
            gateway: ChatGateway
            for gateway in module.gateways(settings):
                gateway.templates = templates or gateway.templates
                found[gateway.line] = gateway
    if live:
        from kikao.channels.socket.gateway import LINE, SocketGateway

        found[LINE] = SocketGateway()
    return found


def speaking_for(
    engine: Engine,
    translate: Callable[[str], Translate],
    policies: Policies,
    found: Mapping[str, ChatGateway],
) -> None:
    """Tell each of them of the app."""
    words = {} if engine.shortcuts is None else engine.shortcuts.words
    commands = {word: engine.flows[shortcut.flow].title for word, shortcut in words.items()}
    for gateway in found.values():
        gateway.speaks_for(
            Served(translate, tuple(engine.locales), commands, policies[gateway.channel].groups)
        )


def entrances(settings: Settings, found: Mapping[str, ChatGateway]) -> dict[str, Entrance]:
    """Where their webhooks come in, by path."""
    doors: dict[str, Entrance] = {}
    for channel in dict.fromkeys(gateway.channel for gateway in found.values()):
        module = importlib.import_module(f"kikao.channels.{channel}.gateway")
        own = [gateway for gateway in found.values() if gateway.channel == channel]
        doors |= module.entrances(settings, own)
    return doors


def callers(
    found: Mapping[str, ChatGateway],
    stack: contextlib.AsyncExitStack,
    network: Network | None = None,
    playing: Playing | None = None,
) -> dict[str, Make]:
    """What makes their calls, by the same names; `stack` closes the connections.

    Raises `SettingsError` where calls cannot be made, since a library is missing.
    """

    def made(gateway: ChatGateway) -> Make:
        own = None if playing is None else playing.plays(gateway)
        if own is not None:
            return own
        make = _caller(gateway, stack) if network is None else network(gateway)
        return make if playing is None else playing.beside(gateway, make)

    return {name: made(gateway) for name, gateway in found.items() if not gateway.connects}


def sources(
    found: Mapping[str, ChatGateway],
    hosts: Iterable[str],
    stack: contextlib.AsyncExitStack,
    network: Network | None = None,
    playing: Playing | None = None,
) -> dict[str, Source]:
    """Where files of members come from, of those lines whose `destinations` are made; `hosts` are besides the usual."""
    made: dict[str, Source] = {}
    for name, gateway in found.items():
        if gateway.provider is None:
            continue
        own = None if playing is None else playing.plays(gateway)
        if own is None and network is not None:
            own = network(gateway)
        if own is not None:
            made[name] = Source(gateway.provider, Through(own))
        else:
            from kikao.channels.media.fetching import HOSTS, Fetcher

            fetcher = Fetcher(gateway.api_url, (*HOSTS.get(gateway.channel, ()), *hosts))
            stack.push_async_callback(fetcher.close)
            made[name] = Source(gateway.provider, fetcher)
    return made


def destinations(
    found: Mapping[str, ChatGateway],
    calls: Mapping[str, Make],
    clock: Callable[[], float],
    files: FileStore | None = None,
) -> dict[str, Destination]:
    """Where their parcels go, by the same names; `files` are what they show."""
    for gateway in found.values():
        gateway.files = files
    return {name: found[name].destination(make, clock) for name, make in calls.items()}


def works(
    found: Mapping[str, ChatGateway],
    calls: Mapping[str, Make],
    take: Callable[[Received], Awaitable[Response]],
    shards: Callable[[], Collection[int]],
    publish: Publish,
    public_url: str,
) -> list[Coroutine[Any, Any, None]]:
    """What goes on beside their messages. What only one process may do, the one does that looks after a shard."""

    def site(gateway: ChatGateway, make: Make) -> Site:
        number = zlib.crc32(gateway.line.encode()) % SHARDS
        return Site(
            make=make,
            take=take,
            mine=lambda: number in shards(),
            tell=lambda note: publish(GatewayTold(channel=gateway.channel, gateway=gateway.slug, note=note)),
            public_url=public_url,
        )

    return [gateway.work(site(gateway, calls[name])) for name, gateway in found.items() if name in calls]


def _caller(gateway: ChatGateway, stack: contextlib.AsyncExitStack) -> Make:
    return caller(
        gateway.api_url,
        settings=f"KIKAO_{gateway.channel.upper()}_…",
        called=gateway.line,
        timeout=TIMEOUT,
        connections=CONNECTIONS,
        stack=stack,
    )
