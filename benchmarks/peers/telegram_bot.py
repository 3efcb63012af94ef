"""The conversation in python-telegram-bot, as its documentation writes one: a `ConversationHandler`, states in memory.

It always answers with a call to Telegram, so the unit goes from an update's body to the body of that call, which a
`BaseRequest` takes that talks to nobody. Nothing is sealed, deduplicated, translated or logged.
"""

# Peers are not among the development dependencies, so types that come from them are unknown here.
# mypy: disable-error-code="import-not-found,misc,unused-ignore"

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from telegram import Update
from telegram.ext import (
    Application,
    CommandHandler,
    ConversationHandler,
    ExtBot,
    MessageHandler,
    filters,
)
from telegram.request import BaseRequest, RequestData

from benchmarks.conversation import LEAST, MEMBERS, MOST, NETWORKS, SEEN, TYPED, money, numbered, picked
from benchmarks.peers.updates import bodies
from benchmarks.subjects import Prepare, Work

MENU, NETWORK, MONTHS, AMOUNT, OK = range(5)


async def start(update: Update, context: Any) -> int:
    await update.message.reply_text(numbered("Hello Amina. Choose an option.", "Buy airtime", "Balance"))
    return MENU


async def menu(update: Update, context: Any) -> int:
    choice = picked(update.message.text, 2)
    if choice is None:
        await update.message.reply_text("Choose one of the options.")
        return MENU
    if choice == 1:
        await update.message.reply_text(f"Your balance is {money(12_345)}.")
        return int(ConversationHandler.END)
    await update.message.reply_text(numbered("Choose a network", *NETWORKS.values()))
    return NETWORK


async def network(update: Update, context: Any) -> int:
    choice = picked(update.message.text, len(NETWORKS))
    if choice is None:
        await update.message.reply_text("Choose one of the options.")
        return NETWORK
    context.user_data["network"] = [*NETWORKS][choice]
    await update.message.reply_text("For how many months?")
    return MONTHS


async def months(update: Update, context: Any) -> int:
    choice = picked(update.message.text, 12)
    if choice is None:
        await update.message.reply_text("Enter a number from 1 to 12.")
        return MONTHS
    context.user_data["months"] = choice + 1
    await update.message.reply_text("Amount")
    return AMOUNT


async def amount(update: Update, context: Any) -> int:
    text, data = update.message.text, context.user_data
    if not text.isdecimal() or not LEAST <= int(text) <= MOST:
        await update.message.reply_text("Enter an amount in UGX, in digits only.")
        return AMOUNT
    data["amount"] = int(text)
    title = f"{money(data['amount'])} on {NETWORKS[data['network']]} for {data['months']} months"
    await update.message.reply_text(numbered(title, "Confirm", "Cancel"))
    return OK


async def ok(update: Update, context: Any) -> int:
    choice = picked(update.message.text, 2)
    if choice is None:
        await update.message.reply_text("Choose one of the options.")
        return OK
    sent = f"Thank you. {money(context.user_data['amount'])} airtime is on its way."
    context.user_data.clear()
    await update.message.reply_text("Cancelled." if choice else sent)
    return int(ConversationHandler.END)


class Nobody(BaseRequest):
    """Takes calls to Telegram and answers them at once."""

    said = ""

    @property
    def read_timeout(self) -> float:
        return 5.0

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, **_: Any
    ) -> tuple[int, bytes]:
        if url.endswith("/getMe"):
            return 200, b'{"ok":true,"result":{"id":1,"is_bot":true,"first_name":"b","username":"b"}}'
        assert request_data is not None
        self.said = request_data.json_payload.decode()  # as it is sent
        return 200, _SENT


_SENT = json.dumps(
    {"ok": True, "result": {"message_id": 1, "date": 1_767_225_600, "chat": {"id": 1, "type": "private"}}}
).encode()


@asynccontextmanager
async def webhook() -> AsyncIterator[Prepare]:
    """From the body of an update to the body of the call that answers it."""
    nobody = Nobody()
    app = Application.builder().bot(ExtBot("1:benchmark", request=nobody)).updater(None).build()
    text = filters.TEXT & ~filters.COMMAND
    states = {
        state: [MessageHandler(text, handler)]
        for state, handler in ((MENU, menu), (NETWORK, network), (MONTHS, months), (AMOUNT, amount), (OK, ok))
    }
    app.add_handler(ConversationHandler([CommandHandler("start", start)], states, []))

    async def turn(body: bytes) -> None:
        await app.process_update(Update.de_json(json.loads(body), app.bot))

    def prepare(units: int) -> Work:
        waiting = [*bodies(units)]

        async def work() -> None:
            for body in waiting:
                await turn(body)

        return work

    async with app:
        for body, seen in zip(bodies(MEMBERS * len(TYPED)), SEEN * MEMBERS, strict=True):
            await turn(body)
            assert seen in nobody.said, nobody.said
        yield prepare
