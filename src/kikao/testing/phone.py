"""A member's phone: it sends what a gateway would send for it, and shows what the member reads."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from kikao.channels.ussd.clients import CLIENTS, Exchange
from kikao.testing.wire import Send

DROPPED: Final = "(no reply: the connection was dropped)"
"""What `Phone.screen` shows when the server died, or was not there."""

_DIALOGUES: Final = (f"{secrets.token_hex(4)}-{n}" for n in itertools.count(1))
"""Ids of dialogues: one for every dial of every phone, and none that another run of the tests left in a store."""


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
    ) -> None:
        if gateway not in CLIENTS:
            raise LookupError(f"no phone speaks {gateway!r}. There are: {', '.join(CLIENTS)}.")
        self.number = number
        self.gateway = gateway
        self.client = CLIENTS[gateway](number, code)
        self.screen = ""
        """The page as the member sees it: without the gateway's envelope; `DROPPED` when there was no reply."""
        self.ended = True
        """Whether there is no dialogue, so that only `dial` goes on."""
        self.raw: tuple[int, bytes] | None = None
        """Status and body of the last reply; None when there was none."""
        self.exchange: Exchange
        """The last request."""
        self.before_answer: Callable[[], None] | None = None
        """Called before each answer: a member thinks before they type."""
        self._send = send
        self._path = path or f"/ussd/{gateway}"

    async def dial(self, ahead: str = "") -> str:
        """Dial the code, with `ahead` typed behind it: `dial("1*500")`. A new dialogue; its first screen."""
        return await self.send(self.client.dial(next(_DIALOGUES), ahead))

    async def reply(self, *answers: str) -> str:
        """Answer one screen after the other; the last screen.

        Raises `AssertionError` with the screen when the dialogue has ended before an answer.
        """
        for place, answer in enumerate(answers, 1):
            assert not self.ended, (
                f"{self.number} has no dialogue to give answer {place} of {len(answers)} in; "
                f"the last screen: {self.screen!r}"
            )
            if self.before_answer is not None:
                self.before_answer()
            await self.send(self.client.answer(answer))
        return self.screen

    async def again(self) -> str:
        """The gateway delivers its last request once more, as one that got no reply would; what came back."""
        return await self.send(self.exchange)

    async def hang_up(self) -> str:
        """End the dialogue, and let the gateway tell of it if it is one that does. The last screen stays."""
        exchange = None if self.ended else self.client.hang_up()
        self.ended = True
        if exchange is not None:
            await self._ask(exchange)
        return self.screen

    async def send(self, exchange: Exchange) -> str:
        """Send a request made by hand, to the phone's own path; the screen.

        Raises `AssertionError` with status and body when the reply is not 200.
        """
        self.exchange = exchange
        answer = await self._ask(exchange)
        self.screen, alive = (DROPPED, False) if answer is None else self.client.read(answer)
        self.ended = not alive
        return self.screen

    async def _ask(self, exchange: Exchange) -> bytes | None:
        self.raw = None
        try:
            self.raw = await self._send(replace(exchange, path=self._path))
        except OSError:
            return None
        status, body = self.raw
        assert status == 200, f"{self.gateway}: HTTP {status} {body.decode(errors='replace').strip()}"
        return body
