"""A member's phone: it sends what a gateway would send for it, and shows what the member reads."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import re
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from msgspec.structs import replace

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.ussd.registry import SLUGS, client
from kikao.config import UssdSettings
from kikao.i18n.gsm7 import Cost, cost
from kikao.sessions.session import Session
from kikao.testing.differences import boxed, side_by_side
from kikao.testing.wire import Send
from kikao.transcripts import DROPPED, fits, screen_lines

REMEMBERED: Final = 16
"""Requests that a gateway can deliver once more."""

_DIALOGUES: Final = (f"{secrets.token_hex(4)}-{n}" for n in itertools.count(1))
"""Ids of dialogues: one for every dial of every phone, and none that another run of the tests left in a store."""


Arrivals = Callable[[str, str], Callable[[], Awaitable[Response | None]]]
"""Called before a request with its gateway and its dialogue; what it returns gives the last screen that came since."""


class Page(NamedTuple):
    """Which page of a screen is shown, and of how many, counted from 1."""

    number: int
    of: int


class Phone:
    """One phone on one service code of one gateway.

    `send` is the way to a server; `path` is where the server has the gateway, by default without a path token.
    `number` is the member's, E.164. Raises `LookupError` for a gateway nobody speaks here.
    """

    def __init__(
        self,
        send: Send,
        number: str = "+256772000001",
        *,
        gateway: str = "africastalking",
        code: str = "*284#",
        path: str | None = None,
        settings: UssdSettings | None = None,
    ) -> None:
        if gateway not in SLUGS:
            raise LookupError(f"no phone speaks {gateway!r}. There are: {', '.join(SLUGS)}.")
        self.number = number
        self.gateway = gateway
        self.client = client(gateway, number, code, settings or UssdSettings())
        self.screen = ""
        """The page as the member sees it: without the gateway's envelope; `DROPPED` when there was no reply."""
        self.ended = True
        """Whether there is no dialogue, so that only `dial` goes on."""
        self.raw: tuple[int, bytes] | None = None
        """Status and body of the last reply; None when there was none."""
        self.exchange: Exchange
        """The last request."""
        self.look: Callable[[], Awaitable[Session | None]] | None = None
        """Looks up the session of this member; a phone of a `Stage` can."""
        self.before_answer: Callable[[], None] | None = None
        """Called before each answer: a member thinks before they type."""
        self.comes: Arrivals | None = None
        """How screens get here that come by a call of their own; a phone of a `Stage` has one."""
        self._arrives: Callable[[], Awaitable[Response | None]] | None = None
        self._of: dict[Exchange, str] = {}
        """The dialogues of requests, and what each showed, where screens come by themselves."""
        self._showed: dict[Exchange, Response] = {}
        self._send = send
        self._path = path or f"/ussd/{gateway}"
        self._ahead = ""
        self._dialogue = ""
        self._sent: deque[Exchange] = deque(maxlen=REMEMBERED)

    # --- what a member does ---

    async def dial(self, ahead: str = "") -> str:
        """Dial the code, with `ahead` typed behind it: `dial("1*500")`. A new dialogue; its first screen."""
        self._ahead, self._dialogue = ahead, next(_DIALOGUES)
        return await self.send(self.client.dial(self._dialogue, ahead))

    async def redial(self) -> str:
        """Dial the same as the last time, with what was typed behind the code."""
        return await self.dial(self._ahead)

    async def reply(self, *answers: str) -> str:
        """Answer one screen after the other; the last screen.

        Raises `AssertionError` with the screen when the dialogue has ended before an answer.
        """
        for place, answer in enumerate(answers, 1):
            await self.send(self._answer(answer, f"answer {place} of {len(answers)}"))
        return self.screen

    async def choose(self, *labels: str) -> str:
        """Answer one screen after the other with the key of a line, by its label: `choose("Send money")`.

        A label is what stands behind the key, in any case, or its beginning where no other line begins so. Raises
        `AssertionError` with the screen when no line, or more than one, is meant.
        """
        for label in labels:
            await self.reply(self._key(label))
        return self.screen

    async def crossed(self, *answers: str) -> tuple[str, ...]:
        """Answers that are under way at the same time; what came back for each, the last of which is the screen."""
        exchanges = [self._answer(answer, "an answer") for answer in answers]
        replies = await asyncio.gather(*map(self._ask, exchanges))
        self._sent.extend(exchanges)
        self.exchange = exchanges[-1]
        return tuple(self._show(reply) for reply in replies)

    def later(self, answer: str) -> Late:
        """An answer that is typed now, and stays under way until `await late.arrives()`."""
        return Late(self, self._answer(answer, "a late answer"), self._dialogue)

    async def again(self, back: int = 0) -> str:
        """The gateway delivers its last request once more, as one that got no reply would; what came back.

        With `back=1` it is the one before the last, and so on: of that the phone shows nothing. Raises `AssertionError`
        when there was none.
        """
        if back:
            return await self.earlier(back).arrives()
        return self._show(await self._ask(self.exchange))

    def earlier(self, back: int) -> Late:
        """A request of before, 0 the last one, that the gateway delivers once more at `await late.arrives()`.

        Raises `AssertionError` when there was none.
        """
        if back >= len(self._sent):
            raise AssertionError(f"{self.number} has sent {len(self._sent)} requests, not {back + 1}")
        return Late(self, self._sent[-1 - back], "")

    async def listen(self) -> str:
        """Look whether a screen came by itself since the last request; of a provider that is called with each.

        After a request that is done already: this is for what had to be sent again.
        """
        if self._arrives is None:
            raise LookupError(f"{self.number} waits for nothing: a screen of {self.gateway} is a reply")
        arrived = await self._arrives()
        if arrived is None:
            return self.screen
        self._showed[self.exchange] = arrived
        return self._show(arrived)

    async def hang_up(self) -> str:
        """End the dialogue, and let the gateway tell of it if it is one that does. The last screen stays."""
        exchange = None if self.ended else self.client.hang_up()
        self.ended = True
        if exchange is not None:
            await self._ask(exchange)
        return self.screen

    async def drop(self) -> str:
        """The line breaks, and nobody is told. The last screen stays."""
        self.ended = True
        return self.screen

    async def send(self, exchange: Exchange) -> str:
        """Send a request made by hand, to the phone's own path; the screen.

        Raises `AssertionError` with status and body when the reply is not 200.
        """
        self.exchange = exchange
        self._sent.append(exchange)
        return self._show(await self._ask(exchange))

    # --- what a member sees ---

    @property
    def lines(self) -> tuple[str, ...]:
        """The screen as it stands in a transcript, with `(end)` when the dialogue is over."""
        return screen_lines(self.screen, self.ended)

    @property
    def options(self) -> dict[str, str]:
        """The lines that begin with a key, as key → label: those of the question, and of the navigation."""
        return {match[1]: match[2] for line in self.screen.splitlines() if (match := _OPTION(line))}

    @property
    def cost(self) -> Cost:
        """What the page takes: septets, or UTF-16 units where it has a character that no septet stands for."""
        return cost(self.screen)

    def expect(self, screen: str) -> None:
        """The screen is this one, written as in a transcript: `...` is any text, `(end)` ends the dialogue.

        Indentation that all lines share is left out. Raises `AssertionError` with both screens side by side.
        """
        written = tuple(line.rstrip() for line in inspect.cleandoc(screen).split("\n"))
        if not fits(written, self.lines):
            raise AssertionError("\n".join(["another screen:", *side_by_side(written, self.lines)]))

    async def language(self) -> str:
        """The language that the server speaks to this member. Raises `LookupError` where that cannot be known."""
        conversation = (await self._session()).conversation
        return conversation.chosen or conversation.locale

    async def page(self) -> Page:
        """Which page of the open question is shown. Raises `LookupError` where that cannot be known."""
        run = (await self._session()).conversation.run
        if run is None or run.pending is None:
            return Page(1, 1)
        return Page(run.pending.page + 1, run.pending.pages)

    # --- the wire ---

    def _answer(self, text: str, what: str) -> Exchange:
        if self.ended:
            raise AssertionError(
                f"{self.number} has no dialogue to give {what} in; the last screen: {self.screen!r}"
            )
        if self.before_answer is not None:
            self.before_answer()
        exchange = self.client.answer(text)
        self._of[exchange] = self.client.dialogue
        return exchange

    def _key(self, label: str) -> str:
        wanted = label.casefold()
        options = {key: said.casefold() for key, said in self.options.items()}
        meant = [key for key, said in options.items() if said == wanted]
        meant = meant or [key for key, said in options.items() if said.startswith(wanted)]
        if len(meant) != 1:
            lines = boxed(self.lines, self.number)
            raise AssertionError("\n".join([f"{len(meant)} lines say {label!r}, not one:", *lines]))
        return meant[0]

    def _show(self, answer: Response | None) -> str:
        self.screen, alive = (DROPPED, False) if answer is None else self.client.read(answer)
        self.ended = not alive
        return self.screen

    async def _session(self) -> Session:
        if self.look is None:
            raise LookupError(
                "this phone speaks to a server that nobody looks into: use the phone of a Stage"
            )
        session = await self.look()
        if session is None:
            raise LookupError(f"the server keeps no session of {self.number}")
        return session

    async def _ask(self, exchange: Exchange) -> Response | None:
        self.raw = None
        arrives = self._expected(exchange) if self.client.waits else None
        try:
            response = await self._send(replace(exchange, path=self._path))
        except OSError:
            return None
        self.raw = response.status, response.body
        if response.status != 200:
            said = response.body.decode(errors="replace").strip()
            raise AssertionError(f"{self.gateway}: HTTP {response.status} {said}")
        if arrives is None:
            return response
        self._arrives = arrives
        arrived = await arrives()
        if arrived is not None:
            self._showed[exchange] = arrived
        return self._showed.get(exchange)  # of one that is sent again, what it showed: no second screen comes

    def _expected(self, exchange: Exchange) -> Callable[[], Awaitable[Response | None]]:
        if self.comes is None:
            raise LookupError(f"{self.gateway} is called with each screen: use the phone of a Stage")
        return self.comes(self.gateway, self._of.setdefault(exchange, self.client.dialogue))


class Late:
    """A request on its way. `screen` and `ended` are what came back for it, once it has arrived."""

    def __init__(self, phone: Phone, exchange: Exchange, dialogue: str) -> None:
        self.screen = ""
        self.ended = True
        self._phone = phone
        self._exchange = exchange
        self._dialogue = dialogue

    async def arrives(self) -> str:
        """The server gets it now; what came back. The phone shows it if it is still in that dialogue."""
        phone = self._phone
        present = phone.screen, phone.ended, phone.exchange
        self.screen, self.ended = await phone.send(self._exchange), phone.ended
        if phone._dialogue != self._dialogue:
            phone._sent.pop()
            phone.screen, phone.ended, phone.exchange = present
        return self.screen


_OPTION: Final = re.compile(r"([0-9*#]{1,3}) (\S.*)").fullmatch
