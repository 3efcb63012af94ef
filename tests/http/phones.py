"""A member's phone for tests: what Africa's Talking would send for it, and the screen it shows."""

from __future__ import annotations

import itertools
from typing import Final

from kikao.channels.ussd.clients import AfricasTalkingClient, Exchange
from tests.http.wire import Send

CODE: Final = "*284#"
_dialogues = itertools.count(1)


class Phone:
    """`text` is the screen and `alive` whether it waits for an answer; `exchange` is the last request."""

    def __init__(self, send: Send, number: str = "+256772000001") -> None:
        self.number = number
        self.client = AfricasTalkingClient(number, CODE)
        self.exchange: Exchange
        self.reply = b""
        self.text = ""
        self.alive = False
        self._send = send

    async def dial(self, ahead: str = "") -> str:
        """Dial the code, with `ahead` typed behind it: `dial("1*0772000002")`."""
        return await self.send(self.client.dial(f"AT_{self.number}_{next(_dialogues)}", ahead))

    async def say(self, *answers: str) -> str:
        """Answer one screen after the other; the last one."""
        for answer in answers:
            assert self.alive, f"the dialogue has ended with: {self.text}"
            await self.send(self.client.answer(answer))
        return self.text

    async def again(self) -> bytes:
        """Send the last request once more, as a gateway that got no reply would."""
        await self.send(self.exchange)
        return self.reply

    async def send(self, exchange: Exchange) -> str:
        """Send a request, and show its reply."""
        self.exchange = exchange
        status, self.reply = await self._send(exchange)
        assert status == 200, (status, self.reply)
        self.text, self.alive = self.client.read(self.reply)
        return self.text

    async def register(self, name: str = "Amina", pin: str = "2580", *, currency: str = "1") -> str:
        """From the first dial to the menu of an account, in UGX or the currency with another key."""
        await self.dial()
        return await self.say(name, currency, pin, pin)
