"""Providers of chats, played in this process: a line of its own for each channel, with keys that nobody has.

A simulated member writes to such a line, and what the app says to them over it never leaves the process. Where the
settings have a real bot or number, theirs is another line beside it; what goes over that to somebody who has a phone
on the table is kept here, too.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from msgspec import structs

from kikao.channels.calling import Answer, Call, Make, Unanswered
from kikao.channels.channel import Response
from kikao.channels.chat.gateway import ChatGateway
from kikao.channels.chat.templates import Template
from kikao.channels.line import Send
from kikao.channels.ussd.clients.client import Exchange
from kikao.config import Hidden, Settings
from kikao.config.settings import TelegramSettings, WhatsAppSettings
from kikao.console.simulator.chats.texts import SLUG, PlayedTexts
from kikao.console.simulator.chats.traffic import Traffic
from kikao.console.simulator.chats.views import Mood, ProviderView
from kikao.console.simulator.listening import listening

if TYPE_CHECKING:
    from kikao.channels.telegram.emulator import BotApi
    from kikao.channels.whatsapp.emulator import CloudApi

CHANNELS: Final = ("whatsapp", "telegram")

FIRST: Final = {"whatsapp": "cloud-api", "telegram": "bot-api"}
"""What a line is called where the settings have none."""

BESIDE: Final = "simulated"
"""What it is called beside a real one."""

PEER: Final = "127.0.0.1"
"""The address that webhooks come from."""

KEPT: Final = 500
"""Deliveries and calls that a provider remembers: phones that are driven for days fill no memory."""


class Played:
    """One line: the provider's end of it."""

    def __init__(self, channel: str, slug: str, api: BotApi | CloudApi) -> None:
        self.channel = channel
        self.slug = slug
        self.line = f"{channel}/{slug}"
        self.api = api
        self.mood: Mood = "well"
        self.traffic = Traffic(channel, self.keys)
        self._through: Send | None = None
        self._telling: asyncio.Task[None] | None = None
        api.deliveries.send = self._send

    @property
    def path(self) -> str:
        """Where its webhooks go."""
        return self.api.path

    @property
    def keys(self) -> tuple[str, ...]:
        """What is shown to nobody."""
        api = self.api
        others = (getattr(api, name, "") for name in ("secret", "app_secret", "verify_token"))
        return tuple(filter(None, (api.token, *others)))

    @property
    def view(self) -> ProviderView:
        """What the page is told of it."""
        deliveries = self.api.deliveries
        held = sum(not parcel.taken for parcel in deliveries.waiting)
        return ProviderView(self.mood, deliveries.held, held, self.channel == "whatsapp")

    def connect(self, through: Send, push: Callable[[], Awaitable[None]]) -> None:
        """From now on it talks to a server: webhooks go `through` its door, and `push` has it send what is due."""
        self._through = through
        self.api.after = push

    async def settle(self) -> None:
        """Deliver what is due, and what came of that."""
        while await self.api.deliver():
            pass
        for kept in (self.api.deliveries.taken, self.api.ledger, self.api.refused):
            del kept[:-KEPT]

    async def make(self, call: Call) -> Answer:
        """Take a call of the app. What comes of it, such as statuses, is told a little later."""
        began = time.perf_counter()
        try:
            answer = await self.api(call)
        except Unanswered:
            self.traffic.called(call, None, began)
            raise
        self.traffic.called(call, answer, began)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())
        return answer

    async def diverted(self, call: Call) -> Answer:
        """A call that another line made for somebody who has a phone here."""
        api = self.api
        url = urlsplit(call.url.reveal().decode())
        name = url.path.rpartition("/")[2]
        own = f"/bot{api.token}/{name}" if self.channel == "telegram" else f"/{_number_of(api)}/{name}"
        headers = tuple((key, value) for key, value in call.headers if key.lower() != "authorization")
        if self.channel == "whatsapp":
            headers += (("Authorization", f"Bearer {api.token}"),)
        return await self.make(
            structs.replace(call, url=Hidden(f"{url.scheme}://{url.netloc}{own}".encode()), headers=headers)
        )

    def feels(self, mood: Mood) -> None:
        """Be in a mood until another is said."""
        self.api.recovers()
        self.mood = mood
        if mood == "down":
            self.api.shaky(failing=1.0)
        elif mood == "busy":
            self.api.shaky(limiting=1.0)
        elif mood == "silent":
            self.api.shaky(silent=1.0)

    async def close(self) -> None:
        """Tell nobody anything any more."""
        self.api.deliveries.held = True
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    async def _tell(self) -> None:
        await self.api.deliveries.deliver()

    async def _send(self, exchange: Exchange) -> Response:
        if self._through is None:
            raise OSError("no server yet")
        began = time.perf_counter()
        with listening() as heard:
            response = await self._through(exchange.posted(PEER))
        self.traffic.delivered(exchange, response, heard, began)
        return response


class PlayedLines:
    """The lines that are played: those of the simulator's endpoints, where the settings say which these are.

    Else one for each channel that the app is meant for, or that the settings have; and both where links lead to this
    server, as with `kikao run`: every app can be tried in a chat then, secrets included. `settings` are the same with
    them. `templates` are those that the app declares, as if they had been approved.
    """

    def __init__(
        self,
        settings: Settings,
        channels: Collection[str],
        clock: Callable[[], float],
        templates: Iterable[Template] = (),
    ) -> None:
        self.played: dict[str, Played] = {}
        """By channel."""
        if settings.endpoints:
            wanted = {each.channel for each in settings.endpoints}
        else:
            wanted = {*channels, *(channel for channel in CHANNELS if getattr(settings, channel))}
            wanted |= set(CHANNELS) if settings.public_url else set()
        for channel in CHANNELS:
            if channel in wanted:
                own = getattr(settings, channel)
                slug = FIRST[channel] if FIRST[channel] not in own else BESIDE
                made, line = _MADE[channel](slug, clock, settings.public_url)
                settings = structs.replace(settings, **{channel: {**own, slug: line}})
                self.played[channel] = Played(channel, slug, made)
                if channel == "whatsapp":
                    from kikao.channels.whatsapp.emulated.templates import Approved

                    made.templates += [each for template in templates for each in Approved.declared(template)]
        self.texts: PlayedTexts | None = None
        """SMS: codes that prove a number, and what is told after a dialogue, for the phones on the table."""
        self._has_account = bool(self.played) and not settings.sms
        if self.played or settings.sms:
            self.texts = PlayedTexts()
            if self._has_account:
                settings = structs.replace(settings, sms={SLUG: self.texts.settings})
        self.settings = settings

    def plays(self, gateway: ChatGateway) -> Make | None:
        """What takes the calls of a line that is played; None for any other."""
        if gateway.channel == "sms":
            return self.texts.make if self.texts is not None and self._has_account else None
        played = self.played.get(gateway.channel)
        return played.make if played is not None and played.line == gateway.line else None

    def beside(self, gateway: ChatGateway, make: Make) -> Make:
        """What makes the calls of a real line: `make`, but for those that are for a simulated phone."""
        played = self.played.get(gateway.channel)
        if played is None:
            return make

        async def made(call: Call) -> Answer:
            is_ours = played.traffic.knows(call)
            return await (played.diverted(call) if is_ours else make(call))

        return made

    def connect(self, through: Send, push: Callable[[], Awaitable[None]]) -> None:
        """See `Played.connect`."""
        for played in self.played.values():
            played.connect(through, push)

    async def settle(self) -> None:
        """Deliver what is due on any of them."""
        for played in self.played.values():
            await played.settle()

    async def close(self) -> None:
        """Nobody is told anything any more."""
        for played in self.played.values():
            await played.close()


def _telegram(slug: str, clock: Callable[[], float], host: str) -> tuple[BotApi, TelegramSettings]:
    from kikao.channels.telegram.emulator import BotApi

    api = BotApi(
        f"7000000001:{secrets.token_urlsafe(26)}",
        secrets.token_urlsafe(24),
        "kikao_demo_bot",
        path="/telegram" if slug == FIRST["telegram"] else f"/telegram/{slug}",
        clock=clock,
        chance=_luck(),
        # Sessions outlive this process, and would take the numbers of an earlier one for redeliveries.
        first_update=int(time.time()),
        host=host or "http://localhost",
    )
    own = TelegramSettings(
        token=Hidden(api.token.encode()), secret=Hidden(api.secret.encode()), username=api.username
    )
    return api, own


def _whatsapp(slug: str, clock: Callable[[], float], host: str) -> tuple[CloudApi, WhatsAppSettings]:
    from kikao.channels.whatsapp.emulator import CloudApi

    api = CloudApi(
        secrets.token_urlsafe(32),
        secrets.token_hex(16),
        secrets.token_urlsafe(24),
        clock=clock,
        chance=_luck(),
    )
    own = WhatsAppSettings(
        phone_number_id=api.numbers[0].id,
        token=Hidden(api.token.encode()),
        app_secrets=(Hidden(api.app_secret.encode()),),
        verify_token=Hidden(api.verify_token.encode()),
    )
    return api, own


_MADE: Final[dict[str, Callable[[str, Callable[[], float], str], tuple[Any, Any]]]] = {
    "telegram": _telegram,
    "whatsapp": _whatsapp,
}


def _luck() -> random.Random:
    """Names of messages that no earlier process gave."""
    return random.Random()  # noqa: S311 - luck, no secrets


def _number_of(api: Any) -> str:
    return str(api.numbers[0].id)
