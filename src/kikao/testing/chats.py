"""The chat providers of a stage: an emulator for each bot and number of the settings, and phones that talk to them."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from kikao.channels.calling import Make
from kikao.channels.chat.gateway import ChatGateway
from kikao.channels.chat.templates import Template
from kikao.config import Settings
from kikao.testing.wire import Send

if TYPE_CHECKING:
    from kikao.channels.sms.emulator import SmsApi
    from kikao.channels.telegram.emulator import BotApi
    from kikao.channels.whatsapp.emulated.parties import Number
    from kikao.channels.whatsapp.emulator import CloudApi
    from kikao.testing.chat_phone import TelegramPhone, WhatsAppPhone

FIRST: Final = {"telegram": "bot-api", "whatsapp": "cloud-api"}
"""What the one without a name is called, whose webhooks come in at the path of the channel."""


T = TypeVar("T")

PUBLIC: Final = {"KIKAO_PUBLIC_URL": "https://kikao.example"}


def emulated(channels: Collection[str]) -> dict[str, str]:
    """The settings of a bot, or of a number on WhatsApp, for an app that is meant for them."""
    found: dict[str, str] = {}
    if "telegram" in channels:
        from kikao.channels.telegram.emulator import BotApi

        found |= PUBLIC | BotApi().environment()
    if "whatsapp" in channels:
        from kikao.channels.whatsapp.emulator import CloudApi

        found |= PUBLIC | CloudApi().environment()
    if "sms" in channels:
        found |= {
            "KIKAO_SMS_AFRICASTALKING_USERNAME": "sandbox",
            "KIKAO_SMS_AFRICASTALKING_API_KEY": "atsk_test",
        }
    return found


class Chats:
    """What the settings have, played. `push` has the server send what is due."""

    def __init__(
        self, settings: Settings, clock: Callable[[], float], send: Send, push: Callable[[], Awaitable[Any]]
    ) -> None:
        self.bots: dict[str, BotApi] = {}
        """By the name of the bot in the settings."""
        self.businesses: dict[str, tuple[CloudApi, Number]] = {}
        """By the name of the number in the settings; numbers with the same token share an emulator."""
        self.texts: dict[str, SmsApi] = {}
        """By the name of the account in the settings."""
        self._telegram: dict[tuple[str, str], TelegramPhone] = {}
        self._whatsapp: dict[tuple[str, str], WhatsAppPhone] = {}
        self._wired: tuple[Callable[[], float], Send, Callable[[], Awaitable[Any]]] = clock, send, push
        if settings.telegram:
            self._add_bots(settings)
        if settings.whatsapp:
            self._add_numbers(settings)
        if settings.sms:
            self._add_accounts(settings)

    def network(self, gateway: ChatGateway) -> Make:
        """For `App.serving`: whom a gateway calls."""
        if gateway.channel == "telegram":
            return self.bots[gateway.slug]
        if gateway.channel == "whatsapp":
            return self.businesses[gateway.slug][0]
        return self.texts[gateway.slug]

    def approve(self, templates: Iterable[Template]) -> None:
        """Have the provider know the templates that an app declares, but for those that it knows already."""
        if not self.businesses:
            return
        from kikao.channels.whatsapp.emulated.templates import Approved

        found = [approved for template in templates for approved in Approved.declared(template)]
        for api in {id(api): api for api, _ in self.businesses.values()}.values():
            known = {(each.name, each.language) for each in api.templates}
            api.templates += [each for each in found if (each.name, each.language) not in known]

    def bot(self, name: str = FIRST["telegram"]) -> BotApi:
        """A bot of the settings. Raises `LookupError` when there is none of this name."""
        return _named(self.bots, name, "bot")

    def business(self, name: str = FIRST["whatsapp"]) -> tuple[CloudApi, Number]:
        """A number of the settings, and the emulator it is on. Raises `LookupError` when there is none."""
        return _named(self.businesses, name, "number on WhatsApp")

    def telegram_phone(self, name: str, phone: str, language: str, bot: str) -> TelegramPhone:
        """Whoever has this name, at a bot: a new one the first time."""
        from kikao.testing.chat_phone import TelegramPhone

        if (bot, name) not in self._telegram:
            api = self.bot(bot)
            member = api.member(name, phone=phone, language=language)
            self._telegram[bot, name] = TelegramPhone(api, member)
        return self._telegram[bot, name]

    def whatsapp_phone(self, name: str, phone: str, user_id: str, number: str) -> WhatsAppPhone:
        """Whoever has this name, at a number: a new one the first time."""
        from kikao.testing.chat_phone import WhatsAppPhone

        if (number, name) not in self._whatsapp:
            api, own = self.business(number)
            member = api.member(name, phone=phone, user_id=user_id)
            self._whatsapp[number, name] = WhatsAppPhone(api, member, own)
        return self._whatsapp[number, name]

    def _add_bots(self, settings: Settings) -> None:
        from kikao.channels.telegram.emulator import BotApi

        clock, send, push = self._wired
        for name, bot in settings.telegram.items():
            path = "/telegram" if name == FIRST["telegram"] else f"/telegram/{name}"
            secret = "" if bot.secret is None else bot.secret.reveal().decode()
            username = bot.username or "kikao_bot"
            api = BotApi(
                bot.token.reveal().decode(),
                secret,
                username,
                path=path,
                send=send,
                clock=clock,
                chance=_luck(),
            )
            api.after = push
            self.bots[name] = api

    def _add_accounts(self, settings: Settings) -> None:
        from kikao.channels.sms.emulator import SmsApi

        for name, account in settings.sms.items():
            own = {key: value.reveal().decode() for key, value in account.options.items()}
            known = {key: own[key] for key in ("username", "api_key") if key in own}
            token = "" if account.token is None else f"/{account.token.reveal().decode()}"
            _, send, push = self._wired
            api = self.texts[name] = SmsApi(**known, send=send, path=f"/sms/{name}{token}")
            api.after = push

    def _add_numbers(self, settings: Settings) -> None:
        from kikao.channels.whatsapp.emulator import CloudApi

        clock, send, push = self._wired
        by_token: dict[bytes, CloudApi] = {}
        for place, (name, own) in enumerate(settings.whatsapp.items()):
            token, display = own.token.reveal(), str(256_700_000_900 + place)
            if token in by_token:
                api = by_token[token]
                self.businesses[name] = api, api.number(own.phone_number_id, display)
                continue
            api = by_token[token] = CloudApi(
                token.decode(),
                own.app_secrets[0].reveal().decode() if own.app_secrets else "",
                "" if own.verify_token is None else own.verify_token.reveal().decode(),
                phone_number_id=own.phone_number_id,
                display=display,
                send=send,
                clock=clock,
                chance=_luck(),
            )
            api.after = push
            self.businesses[name] = api, api.numbers[0]


def _luck() -> random.Random:
    return random.Random(0)  # noqa: S311 - the same in each run


def _named(found: dict[str, T], name: str, what: str) -> T:
    if name not in found:
        raise LookupError(
            f"the settings have no {what} called {name}; they have {', '.join(found) or 'none'}"
        )
    return found[name]
