"""The conversation in pywa, as its documentation writes one: a handler for texts, replies sent as calls.

Where a member is stays in a dict: pywa keeps none of it. Calls go to a transport that answers at once, as Meta would.
Nothing is translated, sealed or kept; of copies, those with the same bytes are seen.
"""

# Peers are not among the development dependencies, so types that come from them are unknown here.
# mypy: disable-error-code="import-not-found,misc,untyped-decorator,unused-ignore"

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
from pywa_async import WhatsApp, filters, types

from benchmarks.conversation import LEAST, MEMBERS, MOST, NETWORKS, SEEN, TYPED, money, numbered, picked
from benchmarks.peers.updates import SECRET, signed, whatsapp
from benchmarks.subjects import Prepare, Work

TAKEN: Final = {
    "messaging_product": "whatsapp",
    "contacts": [{"input": "256772000001", "wa_id": "256772000001"}],
    "messages": [{"id": "wamid.sent"}],
}


class Bot:
    """The client, and where each member is."""

    def __init__(self) -> None:
        self.sent = 0
        self.last = ""
        self.states: dict[str, dict[str, Any]] = {}
        session = httpx.AsyncClient(
            transport=httpx.MockTransport(self._take), base_url="https://graph.facebook.com/v23.0"
        )
        self.client = WhatsApp(
            phone_id="104520000000001",
            token="t",
            session=session,
            server=None,
            app_secret=SECRET,
            verify_token="v",
            filter_updates=False,
        )

        @self.client.on_message(filters.text)
        async def heard(_: WhatsApp, message: types.Message) -> None:
            await message.reply_text(self._answer(message.from_user.wa_id or "", message.text or ""))

    def _take(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        self.last = request.content.decode()
        return httpx.Response(200, json=TAKEN)

    def _answer(self, who: str, text: str) -> str:
        state = self.states.setdefault(who, {})
        at = state.get("at", "")
        if text == "hi" or not at:
            state.clear()
            state["at"] = "menu"
            return numbered("Hello Amina. Choose an option.", "Buy airtime", "Balance")
        if at == "menu":
            if picked(text, 2) is None:
                return "Choose one of the options."
            state["at"] = "network"
            return numbered("Choose a network", *NETWORKS.values())
        if at == "network":
            choice = picked(text, len(NETWORKS))
            if choice is None:
                return "Choose one of the options."
            state |= {"network": [*NETWORKS][choice], "at": "months"}
            return "For how many months?"
        if at == "months":
            choice = picked(text, 12)
            if choice is None:
                return "Enter a number from 1 to 12."
            state |= {"months": choice + 1, "at": "amount"}
            return "Amount"
        if at == "amount":
            if not text.isdecimal() or not LEAST <= int(text) <= MOST:
                return "Enter an amount in UGX, in digits only."
            state |= {"amount": int(text), "at": "ok"}
            title = f"{money(state['amount'])} on {NETWORKS[state['network']]} for {state['months']} months"
            return numbered(title, "Confirm", "Cancel")
        amount = state["amount"]
        state.clear()
        return f"Thank you. {money(amount)} airtime is on its way."


@asynccontextmanager
async def webhook() -> AsyncIterator[Prepare]:
    """From the body of a webhook, whose signature is checked, to the answer to the call of its reply."""
    bot = Bot()

    async def take(body: bytes, signature: str) -> None:
        refused = await bot.client.webhook_update_validator(body, signature)
        assert not refused, refused
        await bot.client.webhook_update_handler(body)

    def prepare(units: int) -> Work:
        waiting = [(body, signed(body)) for body in whatsapp(units)]

        async def work() -> None:
            sent = bot.sent
            for body, signature in waiting:
                await take(body, signature)
            assert bot.sent - sent == len(waiting)

        return work

    for body, seen in zip(whatsapp(MEMBERS * len(TYPED)), SEEN * MEMBERS, strict=True):
        await take(body, signed(body))
        assert seen in bot.last, bot.last
    yield prepare
