"""A member at a message centre: what they type goes in one after the other, what they see comes by itself."""

from __future__ import annotations

import itertools
import time

from kikao.channels.smpp.statuses import Status
from tests.channels.ussd.smpp.smsc import ABORT, ANSWER, CONTINUE, NEW, Smsc

_SESSIONS = itertools.count(2, 2)

THINKING = 1.5
"""Seconds that a member needs for an answer: more than those in which the same text is a copy."""


class Clock:
    """Time that passes, and passes faster while members think."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Handset:
    """One phone. It waits for each screen, and for the answer to each request."""

    def __init__(self, smsc: Smsc, number: str, clock: Clock, code: str = "*284#") -> None:
        self.smsc = smsc
        self.number = number.removeprefix("+")
        self.code = code
        self.clock = clock
        self.session = b""
        self.screen = ""
        self.ended = True

    async def dial(self, ahead: str = "") -> str:
        """A new dialogue."""
        self.session = next(_SESSIONS).to_bytes(2, "big")
        dialled = f"{self.code.removesuffix('#')}*{ahead}#" if ahead else self.code
        return await self._say(dialled, NEW)

    async def reply(self, text: str) -> str:
        """What the member types on the screen that is there."""
        assert not self.ended, "the dialogue is over"
        return await self._say(text, ANSWER)

    async def hang_up(self) -> None:
        assert await self.deliver("", ABORT) == Status.OK
        self.ended = True

    async def deliver(self, text: str, operation: int = ANSWER) -> int:
        """Type, and see nothing."""
        self.clock.ahead += THINKING
        return await self.smsc.deliver(
            self.number, text, operation, session=self.session, code=self.code.strip("*#")
        )

    async def shown(self) -> str:
        """The next screen."""
        shown = await self.smsc.screen(self.number)
        assert shown.session[:1] + bytes((shown.session[1] & 0xFE,)) == self.session
        self.screen, self.ended = shown.text, shown.operation != CONTINUE
        return self.screen

    async def _say(self, text: str, operation: int) -> str:
        assert await self.deliver(text, operation) == Status.OK
        return await self.shown()
