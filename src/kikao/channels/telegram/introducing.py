"""What a bot does when its server starts: learn its name, offer its commands, see that its updates come here.

None of it is a reason not to start. What fails is tried again, later and later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from kikao.channels.calling import Unanswered
from kikao.channels.chat.gateway import Served, Site
from kikao.channels.telegram.api import Api
from kikao.channels.telegram.bot import Bot
from kikao.channels.telegram.commands import Menu, menus
from kikao.channels.telegram.errors import Refused
from kikao.channels.telegram.polling import LOOK, Pause, WebhookInfo
from kikao.channels.telegram.types import WANTED, User
from kikao.config import Hidden

FIRST: Final = 1.0
LONGEST: Final = 300.0
"""Seconds until it is tried again what failed: twice as long each time."""


Step = Callable[[], Awaitable[None]]


class NotTold(Exception):
    """The Bot API refused a call. The text is for the log."""

    SAFE = True


class Introduction:
    """Of one bot, in one process. `secret` is that of its webhook, at `path`; None where updates are polled for."""

    def __init__(
        self,
        api: Api,
        bot: Bot,
        app: Served | None,
        site: Site,
        secret: Hidden | None,
        path: str,
        *,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._api = api
        self._bot = bot
        self._app = app
        self._site = site
        self._secret = secret
        self._path = path
        self._pause = pause

    async def run(self) -> None:
        """Until all is done: the name in each process, the rest in one."""
        if not self._bot.username:
            await self._until_done(self._learn_name)
        while not self._site.mine():
            await self._pause(LOOK)
        await self._until_done(self._offer_commands)
        if self._secret is not None:
            await self._until_done(self._look_at_webhook)

    async def _until_done(self, do: Step) -> None:
        wait, told = FIRST, ""
        while True:
            try:
                return await do()
            except (Unanswered, NotTold, msgspec.DecodeError) as error:
                what = str(error) if isinstance(error, NotTold) else type(error).__name__
                if what != told:
                    self._site.tell(f"Telegram does not say {_STEPS[do.__name__]}: {what}")
                    told = what
            await self._pause(wait)
            wait = min(wait * 2, LONGEST)

    async def _learn_name(self) -> None:
        found = msgspec.json.decode(await self._call("getMe", {}), type=User)
        self._bot.username, self._bot.id = found.username, found.id

    async def _offer_commands(self) -> None:
        """The commands of the app in each of its languages; those that BotFather was told stay where it has none."""
        if self._app is None or not self._app.commands:
            return
        for language, menu in menus(self._app).items():
            of = {"language_code": language} if language else {}
            known = msgspec.json.decode(await self._call("getMyCommands", of), type=Menu)
            if known != menu:
                await self._call("setMyCommands", {"commands": menu, **of})

    async def _look_at_webhook(self) -> None:
        """Set it where there is none; one that leads elsewhere is left alone."""
        found = msgspec.json.decode(await self._call("getWebhookInfo", {}), type=WebhookInfo)
        wanted = self._site.public_url + self._path
        command = f"kikao telegram webhook set --bot {self._bot.slug}"
        if not self._site.public_url.startswith("https://"):  # Telegram brings updates nowhere else
            if not found.url:
                self._site.tell(f"no updates: there is no webhook. Set KIKAO_PUBLIC_URL, then: {command}")
        elif not found.url:
            await self._call("setWebhook", webhook(wanted, self._secret))
            self._site.tell("the webhook is set: Telegram brings updates here")
        elif found.url != wanted:
            self._site.tell(f"no updates: Telegram brings them to {found.host}. To have them here: {command}")

    async def _call(self, method: str, parameters: Mapping[str, object]) -> msgspec.Raw:
        found = await self._api.call(method, parameters)
        if isinstance(found, Refused):
            raise NotTold(found.reason)
        return found


def webhook(url: str, secret: Hidden | None) -> dict[str, object]:
    """The parameters of `setWebhook`. What waits is kept."""
    shown = {} if secret is None else {"secret_token": secret.reveal().decode()}
    return {"url": url, "allowed_updates": WANTED, **shown}


_STEPS: Final = {
    "_learn_name": "what the bot is called",
    "_offer_commands": "that it takes the commands",
    "_look_at_webhook": "where updates go",
}
