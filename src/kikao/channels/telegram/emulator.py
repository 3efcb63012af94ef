"""Telegram, played: a Bot API that kikao can call, and people who talk to the bot.

    api = BotApi(token="7000000001:test", secret="hook-secret", clock=clock, send=in_process(server))
    asha = api.member(name="Asha", language="sw")
    await asha.start()
    await asha.tap("Send money")
    assert asha.chat.last.text == "To whom?"
    assert api.refused == []

It takes calls as the object itself (a `kikao.channels.calling.Make`), or over HTTP by `api.application` where
`KIKAO_TELEGRAM_API_URL` leads to it. It checks each against the rules of the Bot API, and answers as that does. What
members do comes to `send` as webhooks, or is fetched with `getUpdates` once `deleteWebhook` was called.

Moods, and what they are called: `kikao.channels.emulating.moods`. What is not taken comes again by the clock, at
`await api.deliver()`; what can be done to deliveries: `api.deliveries`. Where messages go out only after the request of
a webhook, set `api.after` to what has them sent.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import random
import re
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from kikao.channels.calling import Answer
from kikao.channels.emulating.deliveries import Parcel, Send
from kikao.channels.emulating.emulator import Refusal, written
from kikao.channels.emulating.wire import JSON, Asked, answer
from kikao.channels.telegram.emulated.bot import Bot
from kikao.channels.telegram.emulated.methods import METHODS
from kikao.channels.telegram.emulated.people import FIRST_GROUP, Group, Member
from kikao.channels.telegram.emulated.places import Place
from kikao.channels.telegram.emulated.rules import DOWNLOAD, SECRET, Breach, Given, Rates, bad
from kikao.channels.ussd.clients.client import Exchange

FIRST_MEMBER: Final = 700_000_001
FIRST_UPDATE: Final = 880_000_001

TAP: Final = 60.0
"""Seconds in which a tap can be answered. The Bot API names no number; this one is ours."""


class BotApi(Bot):
    """A Bot API with one bot.

    `token` is the bot's, `secret` what each webhook shows in `X-Telegram-Bot-Api-Secret-Token`, empty where
    updates are polled for, `path` where the server
    takes them. `rates` are how much may be sent, without an end unless given
    (`BotApi.RATES` are those of Telegram). `tap` is how long a tap can be answered, in seconds;
    updates are counted from `first_update`. `host` is where calls are told that webhooks go, before the path.
    """

    RATES: Final = Rates()
    """What Telegram says it takes."""

    def __init__(
        self,
        token: str = "7000000001:emulated-token-of-nobodys-bot",  # noqa: S107
        secret: str = "emulated-webhook-secret",  # noqa: S107
        username: str = "kikao_bot",
        *,
        path: str = "/telegram",
        send: Send | None = None,
        clock: Callable[[], float] | None = None,
        chance: random.Random | None = None,
        rates: Rates | None = None,
        tap: float = TAP,
        first_update: int = FIRST_UPDATE,
        host: str = "https://emulated.example",
    ) -> None:
        super().__init__(
            token, username, path=path, send=send, clock=clock, chance=chance, rates=rates, tap=tap
        )
        self.deliveries.heard = self._answered_with
        self.secret = secret
        self.polled = not secret
        """Whether updates wait for `getUpdates`, since there is no webhook."""
        self.allowed: set[str] = set()
        """Kinds of updates that the bot wants; empty for those there are, but for reactions."""
        self.updates: list[dict[str, Any]] = []
        """What waits for `getUpdates`."""
        self._host = host
        self._ids = itertools.count(FIRST_MEMBER)
        self._update_ids = itertools.count(first_update)
        self._arrived = asyncio.Event()
        self._polling = False

    def environment(self, api_url: str = "") -> dict[str, str]:
        """The settings with which a server is this bot; `api_url` is where the emulator is served, if it is."""
        found = {"TOKEN": self.token, "SECRET": self.secret, "USERNAME": self.username, "API_URL": api_url}
        return {f"KIKAO_TELEGRAM_{name}": value for name, value in found.items() if value}

    # --- who is there ---

    def member(
        self,
        name: str = "Asha",
        *,
        id: int | None = None,  # noqa: A002 - as the Bot API calls it
        language: str = "",
        username: str = "",
        last_name: str = "",
        phone: str = "",
        started: bool = False,
    ) -> Member:
        """A person; one who has `started` the bot before can be written to. `phone` is in digits."""
        member = Member(
            self,
            next(self._ids) if id is None else id,
            name,
            language=language,
            username=username,
            last_name=last_name,
            phone=phone,
        )
        member.started = started
        self.places[member.id] = member
        return member

    def group(self, title: str, *members: Member) -> Group:
        """A group with the bot in it."""
        group = Group(self, self.next_group_id(FIRST_GROUP), title, members)
        self.places[group.id] = group
        return group

    # --- what it is told ---

    async def tell(self, kind: str, said: dict[str, Any], place: Place) -> Parcel | None:
        """An update: to the webhook at once, or to whoever asks for it. The parcel, where there is one."""
        if kind not in (self.allowed or DEFAULT):
            return None
        update = {"update_id": next(self._update_ids), kind: said}
        if self.polled:
            self.updates.append(update)
            self._arrived.set()
            return None
        parcel = self.deliveries.post(update, str(place.id))
        await self.deliver()
        return parcel

    async def tell_raw(self, kind: str, said: dict[str, Any]) -> None:
        """An update that no member here causes: a channel post, say, or a kind that nobody knows yet."""
        self.deliveries.post({"update_id": next(self._update_ids), kind: said})
        await self.deliver()

    # --- calls ---

    async def perform(self, asked: Asked) -> Answer:
        file = _FILE(asked.path)
        if file is not None:
            return self._download(file["token"], file["path"])
        found = _CALL(asked.path)
        if found is None:
            return self._refuse(asked.path.rpartition("/")[2], Breach(404, "Not Found"))
        name = found["method"]
        if found["token"] != self.token:
            return self._refuse(name, Breach(401, "Unauthorized"))
        try:
            given = Given(asked.fields())
        except ValueError as problem:
            return self._refuse(name, bad(f"can't parse the request: {problem}"))
        try:
            result = await self._call(name, given)
        except Breach as breach:
            return self._refuse(name, breach)
        self.by_method[name] += 1
        self.ignored |= {f"{name}.{each}" for each in given.left()}
        return answer(200, {"ok": True, "result": result})

    def failed(self, status: int) -> Answer:
        return answer(status, {"ok": False, "error_code": status, "description": "Internal Server Error"})

    def limited(self, seconds: float) -> Answer:
        wait = max(1, math.ceil(seconds))
        return _refusal(Breach(429, f"Too Many Requests: retry after {wait}", retry_after=wait))

    def packed(self, events: Sequence[Any], changed: bool) -> Exchange:
        secret = (("x-telegram-bot-api-secret-token", self.secret),) if self.secret else ()
        return Exchange(self.path, (*JSON, *secret), written(events[0], changed))

    async def _answered_with(self, body: bytes) -> None:
        """A webhook may be answered with a call: core.telegram.org/bots/api#making-requests-when-getting-updates."""
        try:
            fields = json.loads(body)
        except ValueError:
            return
        name = fields.pop("method", None) if isinstance(fields, dict) else None
        if name is None:
            return
        given = Given(fields)
        try:
            await self._call(str(name), given)
        except Breach as breach:
            if (
                fields.get("callback_query_id") not in self.done
            ):  # a copy of a webhook is answered as the first
                self._refuse(str(name), breach)
            return
        self.by_method[str(name)] += 1
        self.ignored |= {f"{name}.{each}" for each in given.left()}

    async def _call(self, name: str, given: Given) -> Any:
        known = {each.lower(): each for each in (*METHODS, *_OWN, "getUpdates")}
        name = known.get(name.lower(), name)
        if name == "getUpdates":
            return await self._get_updates(given)
        if name in _OWN:
            return _OWN[name](self, given)
        if name not in METHODS:
            raise Breach(404, "Not Found: method not found")
        return METHODS[name](self, given)

    async def _get_updates(self, given: Given) -> Any:
        if not self.polled:
            raise Breach(
                409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first"
            )
        if self._polling:
            raise Breach(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            )
        offset, most, wait = (
            given.number("offset"),
            given.number("limit") or 100,
            given.number("timeout") or 0,
        )
        self._allow(given)
        if offset is not None and offset < 0:
            self.updates = self.updates[offset:]
        elif offset is not None:
            self.updates = [each for each in self.updates if each["update_id"] >= offset]
        if not self.updates and wait:
            self._polling = True
            self._arrived.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._arrived.wait()
            except TimeoutError:
                pass
            finally:
                self._polling = False
        return self.updates[: max(1, min(most, 100))]

    def _set_webhook(self, given: Given) -> Any:
        url, secret = urlsplit(given.text("url")), given.text("secret_token")
        for name in ("certificate", "ip_address", "max_connections"):
            given.get(name)
        if not given.text("url"):
            return self._delete_webhook(given)
        if url.scheme not in ("http", "https") or not url.netloc:
            raise bad("bad webhook: invalid webhook URL specified")
        if secret and not SECRET.fullmatch(secret):
            raise bad("secret token contains unallowed characters")
        self._allow(given)
        self.path, self.secret, self.polled = url.path, secret, False
        if given.flag("drop_pending_updates"):
            self.updates.clear()
        for update in self.updates:
            self.deliveries.post(update)
        self.updates = []
        return True

    def _delete_webhook(self, given: Given) -> Any:
        self.polled = True
        waiting = self.deliveries.waiting
        if not given.flag("drop_pending_updates"):
            self.updates += [parcel.events[0] for parcel in waiting]
        waiting.clear()
        return True

    def _webhook_info(self, given: Given) -> Any:
        waiting = len(self.updates) + len(self.deliveries.waiting)
        url = "" if self.polled else f"{self._host}{self.path}"
        return {"url": url, "has_custom_certificate": False, "pending_update_count": waiting}

    def _allow(self, given: Given) -> None:
        allowed = given.structure("allowed_updates")
        if allowed is not None:
            if not isinstance(allowed, list):
                raise bad("allowed_updates must be an Array of String")
            self.allowed = set(map(str, allowed))

    def _download(self, token: str, path: str) -> Answer:
        media = self.opened(path)
        if token != self.token:
            return self._refuse("file", Breach(401, "Unauthorized"))
        if media is None or media.data is None or len(media.data) > DOWNLOAD:
            return self._refuse("file", Breach(404, "Not Found"))
        return Answer(200, (("content-type", "application/octet-stream"),), media.data)

    def _refuse(self, what: str, breach: Breach) -> Answer:
        self.refused.append(Refusal(what, breach.code, breach.description))
        return _refusal(breach)


DEFAULT: Final = frozenset(
    "message edited_message callback_query my_chat_member channel_post edited_channel_post inline_query".split()
)
"""Kinds of updates that come unless a bot says which it wants."""

_OWN: Final[dict[str, Callable[[BotApi, Given], Any]]] = {
    "setWebhook": BotApi._set_webhook,
    "deleteWebhook": BotApi._delete_webhook,
    "getWebhookInfo": BotApi._webhook_info,
}
_CALL: Final = re.compile(r".*/bot(?P<token>[^/]+)/(?:test/)?(?P<method>\w+)").fullmatch
_FILE: Final = re.compile(r".*/file/bot(?P<token>[^/]+)/(?P<path>.+)").fullmatch


def _refusal(breach: Breach) -> Answer:
    said: dict[str, Any] = {"ok": False, "error_code": breach.code, "description": breach.description}
    if breach.parameters:
        said["parameters"] = breach.parameters
    return answer(breach.code, said)
