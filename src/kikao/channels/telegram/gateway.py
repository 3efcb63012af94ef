"""Telegram's Bot API: https://core.telegram.org/bots/api"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import structs

from kikao.channels.calling import Make
from kikao.channels.channel import Request, Response
from kikao.channels.chat.gateway import ChatGateway, Entrance, Received, Served, Site
from kikao.channels.chat.ladder import laid_out
from kikao.channels.chat.message import Message
from kikao.channels.chat.routes import MAX_BODY
from kikao.channels.edge import Denied, Guard
from kikao.channels.inbound import Inbound
from kikao.channels.outbox.sender import Destination
from kikao.channels.telegram.api import Api
from kikao.channels.telegram.bot import CHANNEL, Bot
from kikao.channels.telegram.calls import LIMITS, SHARE, fits, place
from kikao.channels.telegram.files import BotFiles
from kikao.channels.telegram.formatting import parts, unlinked
from kikao.channels.telegram.introducing import Introduction
from kikao.channels.telegram.polling import Polling
from kikao.channels.telegram.receiving import acknowledged, deleted, received
from kikao.channels.telegram.sender import PACE, TelegramSender, paces
from kikao.config import Hidden, Settings
from kikao.config.settings import Network, TelegramSettings
from kikao.conversation.screens import Screen
from kikao.conversation.shortcuts import RESERVED
from kikao.i18n.messages import Translate

FIRST: Final = "bot-api"
"""What the bot is called that the environment sets; its webhooks come to `/telegram`, too."""

SECRET: Final = "x-telegram-bot-api-secret-token"  # noqa: S105 - the name of a header

AT_ONCE: Final = 32
"""Messages on their way at a time: each takes some tenths of a second."""


def gateways(settings: Settings) -> list[ChatGateway]:
    """Of each bot one."""
    return [TelegramGateway(name, of) for name, of in settings.telegram.items()]


def entrances(settings: Settings, found: Iterable[ChatGateway]) -> dict[str, Entrance]:
    """`/telegram/{bot}` for each, and `/telegram` for the first."""
    doors: dict[str, Entrance] = {}
    for gateway in found:
        assert isinstance(gateway, TelegramGateway)
        door = TelegramEntrance(gateway, settings.trusted_proxies)
        doors[f"/telegram/{gateway.slug}"] = door
        if gateway.slug == FIRST:
            doors["/telegram"] = door
    return doors


class TelegramGateway(ChatGateway):
    """A bot."""

    channel = CHANNEL
    limits = LIMITS

    def __init__(self, slug: str, settings: TelegramSettings) -> None:
        super().__init__(slug)
        self.settings = settings
        head = settings.token.reveal().partition(b":")[0]
        self.bot = Bot(slug, int(head) if head.isdigit() and len(head) <= 18 else 0, settings.username)

        self._app: Served | None = None
        self._sender: TelegramSender | None = None

    @property
    def path(self) -> str:
        """Where its webhooks come in."""
        return "/telegram" if self.slug == FIRST else f"/telegram/{self.slug}"

    @property
    def api_url(self) -> str:
        """Of Telegram, or of a Bot API server of one's own."""
        return self.settings.api_url

    def api(self, make: Make) -> Api:
        """What calls the methods of this bot."""
        return Api(make, self.settings.api_url, self.settings.token)

    def destination(self, make: Make, clock: Callable[[], float]) -> Destination:
        """What sends its messages."""
        files = BotFiles(make, self.api_url, self.settings.token, store=self.files, clock=clock)
        self.provider = files
        self._sender = TelegramSender(self.line, self.api(make), clock, files)
        return Destination(sender=self._sender, pace=PACE, paces=paces, at_once=AT_ONCE)

    def speaks_for(self, app: Served) -> None:
        """Its commands, its languages, and whose conversations in groups are."""
        self._app = app
        self.bot.commands = frozenset({*app.commands, *RESERVED})
        self.bot.shares_groups = app.groups == "shared"
        self.bot.translate = app.translate

    async def work(self, site: Site) -> None:
        """Introduce itself, and poll for updates where there is no secret by which a webhook could be known."""
        if self._sender is not None:
            self._sender.tell = site.tell
        api, secret = self.api(site.make), self.settings.secret
        works = [Introduction(api, self.bot, self._app, site, secret, self.path).run()]
        works += [Polling(api, self.bot, site).run()] if secret is None else []
        await asyncio.gather(*works)

    def forgets(self, inbound: Inbound) -> Response:
        """The answer to its webhook has Telegram take it away; in a group, if the bot may do that."""
        chat = inbound.chat
        if chat is None or not chat.said:
            return self.acknowledge(inbound)
        return deleted(place(chat.to or inbound.identity)[0], chat.said)

    def alone(self, payload: str = "") -> str:
        """The bot's own chat, by a deep link; empty as long as its username is not known."""
        return self.bot.link(payload)

    def pages(self, screen: Screen, translate: Translate) -> list[Message]:
        """As of any chat; data on it makes no links, and what is wanted has a key that shares it."""
        pages = laid_out(screen, unlinked(translate), self.limits)
        if screen.wants not in SHARE:
            return pages
        key = translate(SHARE[screen.wants])
        return [structs.replace(page, opens=key) for page in pages]

    def reply(self, inbound: Inbound, page: Message, *, ends: bool, note: str = "") -> Response:
        """A tap is acknowledged by the answer to its webhook; `note` is what Telegram shows then."""
        callback = inbound.chat.callback if inbound.chat is not None else ""
        return acknowledged(callback, note) if callback else self.acknowledge(inbound)

    def pushed(
        self, inbound: Inbound, page: Message, *, ends: bool, until: float, mark: str = "", over: str = ""
    ) -> list[bytes]:
        """A message as parcels; its text is divided as Telegram counts, which is not by characters.

        Buttons that would send too much are lines to type instead. A key that is to go needs a message of its own where
        there are buttons: a message has either.
        """
        owner = inbound.identity if inbound.chat is not None and inbound.chat.group else ""
        if not fits(page, mark, owner):
            lines = (f"{choice.key} {choice.label}" for choice in page.choices)
            text = "\n".join(filter(None, [page.text, *lines]))
            page = structs.replace(page, text=text, choices=(), layout="text")
        *before, last = parts(page.text, self.limits.text)
        shows = [Message("", shows=(each,)) for each in page.shows]
        messages = [*shows, *map(Message, before)]
        if last or page.choices or page.link or not messages:
            messages.append(structs.replace(page, text=last, shows=()))
        if page.clears and (page.choices or page.link):
            messages = [Message(CLEARED, clears=True), *messages] if not before else messages
            messages[0] = structs.replace(messages[0], clears=True)
        whole = len(messages) == 1
        return [
            self._parcel(inbound, message, until, mark, over if whole else "").written()
            for message in messages
        ]


class TelegramEntrance:
    """Where a bot's webhooks come in."""

    channel = CHANNEL

    def __init__(self, gateway: TelegramGateway, trusted: tuple[Network, ...] = ()) -> None:
        self.name = gateway.slug
        self.guard = Guard(trusted=trusted, max_body=MAX_BODY)
        self._bot = gateway.bot
        self._secret: Hidden | None = gateway.settings.secret

    def greet(self, request: Request) -> Response | None:
        """Telegram asks nothing."""
        return None

    def verify(self, request: Request) -> None:
        """Whether the secret of `setWebhook` is shown; where none is set, nobody can show it."""
        shown = request.headers.get(SECRET, "").encode(errors="replace")
        expected = self._secret.reveal() if self._secret is not None else b""
        if not (hmac.compare_digest(expected, shown) and expected):
            raise Denied(403, "no secret is set" if self._secret is None else f"{SECRET} is wrong or missing")

    def receive(self, request: Request) -> Received:
        """One update. Raises `BadRequest` for what is none."""
        return received(request.body, self._bot)


CLEARED: Final = "✓"
"""A message that only takes a key away."""
