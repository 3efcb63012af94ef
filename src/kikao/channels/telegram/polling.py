"""Long polling: updates are asked for, where no webhook brings them. A server that nobody can reach needs no more.

One process asks, whichever looks after a certain shard: Telegram answers one at a time. What was asked for is confirmed
by the next question, and not before it is dealt with: a process that dies is asked for nothing twice, and its updates
come again. They are known by their ids then, like those of a webhook that comes twice.

A webhook that is set is left alone, since it may be that of another server: the log says how to delete it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from kikao.channels.calling import Unanswered
from kikao.channels.channel import BadRequest, Response
from kikao.channels.chat.gateway import Received, Site
from kikao.channels.telegram.api import Api
from kikao.channels.telegram.bot import Bot
from kikao.channels.telegram.errors import Refused
from kikao.channels.telegram.receiving import received
from kikao.channels.telegram.types import WANTED, Whole
from kikao.events import described

HOLD: Final = 25.0
"""Seconds that Telegram may hold a question for which it has no answer yet."""

MOST: Final = 100
"""Updates in one answer, which is all that Telegram gives."""

OCTETS: Final = 8 * 1024 * 1024
"""Of such an answer."""

AT_ONCE: Final = 32
"""Members whose updates are dealt with at the same time."""

FIRST: Final = 0.5
LONGEST: Final = 30.0
"""Seconds until it is tried again what failed: twice as long each time."""

LOOK: Final = 2.0
"""Seconds until a process that is not the one that asks looks whether it is now."""

GIVEN_UP: Final = 24
"""How often an update is tried while others go well; some eleven minutes."""

FINISHING: Final = 5.0
"""Seconds that what is under way gets at the end."""

Pause = Callable[[float], Awaitable[None]]


class Update(msgspec.Struct, frozen=True):
    """As much of one as is needed to ask for the next."""

    update_id: Whole


class WebhookInfo(msgspec.Struct, frozen=True):
    """https://core.telegram.org/bots/api#webhookinfo"""

    url: str = ""
    pending_update_count: int = 0
    last_error_date: int = 0
    last_error_message: str = ""
    max_connections: int = 0

    @property
    def host(self) -> str:
        """Where it leads, without what may be a secret; empty for nowhere."""
        found = urlsplit(self.url)
        return f"{found.scheme}://{found.netloc.rpartition('@')[2]}" if self.url else ""


class Polling:
    """Asks for the updates of one bot while this process is the one to do so, until it is cancelled."""

    def __init__(self, api: Api, bot: Bot, site: Site, *, pause: Pause = asyncio.sleep) -> None:
        self._api = api
        self._bot = bot
        self._site = site
        self._pause = pause
        self._offset = 0
        """The first update that is not dealt with; 0 for the first that Telegram has."""
        self._done: set[int] = set()
        """Those behind it that are."""
        self._tries: dict[int, int] = {}
        self._failures = 0
        self._stuck = 0
        """How often the first of them could not be dealt with."""
        self._free = False
        """Whether no webhook is set, as far as is known."""
        self._told = ""

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                wait = await self.once()
            except Exception as error:  # noqa: BLE001 - whatever it is, it goes on
                wait = self._failed(f"polling failed: {described(error)}")
            if wait:
                await self._pause(wait)

    async def once(self) -> float:
        """Ask once, and deal with what came; the seconds to wait before the next time."""
        if not self._site.mine():
            self._free, self._offset = False, 0
            self._done.clear()
            return LOOK
        try:
            hindered = None if self._free else await self._hindered()
            found = hindered or await self._ask()
        except Unanswered as error:
            return self._failed(f"Telegram is not reached: {error}")
        if isinstance(found, str):
            self._tell(found)
            return LONGEST
        if isinstance(found, Refused):
            return self._refused(found)
        self._failures = 0
        self._tell("polls for updates")
        if not found:
            self._offset = 0  # nothing is left; after a week without any, ids may begin anywhere
            self._done.clear()
            return 0.0
        dealing = asyncio.create_task(self._deal(found))
        try:
            return await asyncio.shield(dealing)
        except asyncio.CancelledError:
            await asyncio.wait([dealing], timeout=FINISHING)
            dealing.cancel()
            await asyncio.gather(dealing, return_exceptions=True)
            raise

    async def _hindered(self) -> str | Refused | None:
        """Whether a webhook is set: then there is nothing to ask for."""
        found = await self._api.call("getWebhookInfo", {})
        if isinstance(found, Refused):
            return found
        host = msgspec.json.decode(found, type=WebhookInfo).host
        self._free = not host
        if self._free:
            return None
        return (
            f"no updates: Telegram brings them to {host}. "
            f"To poll instead: kikao telegram webhook delete --bot {self._bot.slug}"
        )

    async def _ask(self) -> list[bytes] | Refused:
        asked = {"timeout": int(HOLD), "limit": MOST, "allowed_updates": WANTED}
        if self._offset:
            asked["offset"] = self._offset
        found = await self._api.call("getUpdates", asked, timeout=HOLD + 10.0, most=OCTETS)
        if isinstance(found, Refused):
            return found
        return [bytes(each) for each in msgspec.json.decode(found, type=list[msgspec.Raw])]

    async def _deal(self, updates: Sequence[bytes]) -> float:
        """Deal with a batch: side by side for members, in order for each. The seconds to wait before the next one."""
        lanes: dict[tuple[str, str], list[tuple[int, Received]]] = {}
        numbers: list[int] = []
        for body in updates:
            number = msgspec.json.decode(body, type=Update).update_id
            numbers.append(number)
            if number not in self._done:
                said = self._read(body)
                lanes.setdefault(_lane(said, number), []).append((number, said))
        room, under_way = asyncio.Semaphore(AT_ONCE), _Calls(self._api)

        async def of_one(lane: Sequence[tuple[int, Received]]) -> int | None:
            async with room:
                for number, said in lane:
                    response = await self._site.take(said)
                    if response.status != 200:
                        return number
                    self._done.add(number)
                    under_way.begin(response)
            return None

        stuck = [
            number for number in await asyncio.gather(*map(of_one, lanes.values())) if number is not None
        ]
        await under_way.end()
        others = len(stuck) < len(lanes) or (len(updates) >= MOST and len(self._done) >= MOST // 2)
        given_up = [number for number in stuck if others and self._is_hopeless(number)]
        self._done.update(given_up)
        left = min((number for number in stuck if number not in given_up), default=max(numbers) + 1)
        self._offset = left
        self._done = {number for number in self._done if number >= left}
        self._tries = {number: tries for number, tries in self._tries.items() if number >= left}
        if left > max(numbers):
            self._stuck = 0
            return 0.0
        self._stuck += 1
        return _wait(self._stuck)

    def _read(self, body: bytes) -> Received:
        try:
            return received(body, self._bot)
        except BadRequest:
            return Received()

    def _is_hopeless(self, number: int) -> bool:
        """Whether an update is let go that failed again and again while others went well, or could not come for it."""
        self._tries[number] = self._tries.get(number, 0) + 1
        if self._tries[number] < GIVEN_UP:
            return False
        self._site.tell(f"update {number} is given up: it failed {GIVEN_UP} times")
        return True

    def _refused(self, refused: Refused) -> float:
        if refused.why == "conflict":
            self._free = False  # maybe a webhook was set
            return self._failed(
                "no updates: another program asks for this bot's. "
                "Only one may poll: stop the other, or give this one a bot of its own"
            )
        wait = self._failed(f"Telegram gives no updates: {refused.reason}")
        return max(wait, refused.after)

    def _failed(self, what: str) -> float:
        self._tell(what)
        self._failures += 1
        return _wait(self._failures)

    def _tell(self, what: str) -> None:
        """The same thing once."""
        if what != self._told:
            self._told = what
            self._site.tell(what)


class _Calls:
    """What answers to webhooks would have had Telegram do: here it is called for."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, response: Response) -> None:
        """Do what an answer says, beside everything else."""
        if ("content-type", "application/json") in response.headers:
            said = msgspec.json.decode(response.body)
            method = said.pop("method", "")
            if method:
                self._tasks.append(asyncio.create_task(self._call(method, said)))

    async def end(self) -> None:
        """Wait until all is done."""
        await asyncio.gather(*self._tasks)

    async def _call(self, method: str, parameters: dict[str, object]) -> None:
        with contextlib.suppress(Unanswered):  # a button spins for a while
            await self._api.call(method, parameters)


def _wait(failures: int) -> float:
    return float(min(FIRST * 2 ** min(failures - 1, 20), LONGEST))


def _lane(said: Received, number: int) -> tuple[str, str]:
    """Whose updates stay in order."""
    for inbound in said.inbounds:
        return (inbound.chat.group if inbound.chat is not None else "", inbound.identity)
    return ("", f"#{number}")
