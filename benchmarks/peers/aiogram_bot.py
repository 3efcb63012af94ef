"""The conversation in aiogram, as its documentation writes one: states, handlers, storage.

Updates come as Telegram sends them to a webhook, and the answer goes back in the webhook's response, which is the
cheapest way aiogram has: no request to Telegram. Measured is what its webhook handler does from the request's body to
the response's. Texts are not translated, nothing is sealed, deduplicated or logged.
"""

# Peers are not among the development dependencies, so types that come from them are unknown here.
# mypy: disable-error-code="import-not-found,misc,untyped-decorator,unused-ignore"

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiogram import Bot, Dispatcher, F, Router
from aiogram.client.session.base import BaseSession
from aiogram.filters import Command, StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.base import BaseStorage
from aiogram.fsm.storage.memory import MemoryStorage
from aiogram.fsm.storage.redis import RedisStorage
from aiogram.methods import SendMessage
from aiogram.types import Message, Update
from aiogram.webhook.aiohttp_server import SimpleRequestHandler

from benchmarks.conversation import LEAST, MEMBERS, MOST, NETWORKS, SEEN, TYPED, money, numbered, picked
from benchmarks.peers.updates import bodies
from benchmarks.subjects import Prepare, Work

router = Router()


class Airtime(StatesGroup):
    """Where a member is."""

    menu = State()
    network = State()
    months = State()
    amount = State()
    ok = State()


@router.message(Command("start"))
async def start(message: Message, state: FSMContext) -> SendMessage:
    await state.clear()
    await state.set_state(Airtime.menu)
    return message.answer(numbered("Hello Amina. Choose an option.", "Buy airtime", "Balance"))


@router.message(StateFilter(Airtime.menu), F.text)
async def menu(message: Message, state: FSMContext) -> SendMessage:
    choice = picked(message.text, 2)
    if choice is None:
        return message.answer("Choose one of the options.")
    if choice == 1:
        await state.clear()
        return message.answer(f"Your balance is {money(12_345)}.")
    await state.set_state(Airtime.network)
    return message.answer(numbered("Choose a network", *NETWORKS.values()))


@router.message(StateFilter(Airtime.network), F.text)
async def network(message: Message, state: FSMContext) -> SendMessage:
    choice = picked(message.text, len(NETWORKS))
    if choice is None:
        return message.answer("Choose one of the options.")
    await state.update_data(network=[*NETWORKS][choice])
    await state.set_state(Airtime.months)
    return message.answer("For how many months?")


@router.message(StateFilter(Airtime.months), F.text)
async def months(message: Message, state: FSMContext) -> SendMessage:
    choice = picked(message.text, 12)
    if choice is None:
        return message.answer("Enter a number from 1 to 12.")
    await state.update_data(months=choice + 1)
    await state.set_state(Airtime.amount)
    return message.answer("Amount")


@router.message(StateFilter(Airtime.amount), F.text)
async def amount(message: Message, state: FSMContext) -> SendMessage:
    text = message.text or ""
    if not text.isdecimal() or not LEAST <= int(text) <= MOST:
        return message.answer("Enter an amount in UGX, in digits only.")
    data = await state.update_data(amount=int(text))
    await state.set_state(Airtime.ok)
    title = f"{money(data['amount'])} on {NETWORKS[data['network']]} for {data['months']} months"
    return message.answer(numbered(title, "Confirm", "Cancel"))


@router.message(StateFilter(Airtime.ok), F.text)
async def ok(message: Message, state: FSMContext) -> SendMessage:
    choice = picked(message.text, 2)
    if choice is None:
        return message.answer("Choose one of the options.")
    data = await state.get_data()
    await state.clear()
    if choice == 1:
        return message.answer("Cancelled.")
    return message.answer(f"Thank you. {money(data['amount'])} airtime is on its way.")


@asynccontextmanager
async def webhook(redis: str = "") -> AsyncIterator[Prepare]:
    """From the body of a request to the body of its response, as aiogram's own webhook handler goes.

    What members do is kept in memory, or in the Redis of that URL.
    """
    dispatcher, bot = wired(RedisStorage.from_url(redis) if redis else MemoryStorage())
    write = SimpleRequestHandler(dispatcher, bot)._build_response_writer

    def prepare(units: int) -> Work:
        waiting = [*bodies(units)]

        async def work() -> None:
            answer: Any
            for body in waiting:
                answer = await dispatcher.feed_webhook_update(bot, bot.session.json_loads(body))
                write(bot=bot, result=answer)

        return work

    for body, seen in zip(bodies(MEMBERS * len(TYPED)), SEEN * MEMBERS, strict=True):
        answer: Any = await dispatcher.feed_webhook_update(bot, bot.session.json_loads(body))
        assert seen in answer.text, answer
    yield prepare
    await dispatcher.storage.close()
    await bot.session.close()


class Taking(BaseSession):
    """Calls are written as they would be sent, and answered at once as Telegram would."""

    sent = 0

    async def make_request(self, bot: Bot, method: Any, timeout: int | None = None) -> Any:
        files: dict[str, Any] = {}
        for value in method.model_dump(warnings=False).values():
            self.prepare_value(value, bot=bot, files=files)
        Taking.sent += 1
        chat = {"id": method.chat_id, "type": "private", "first_name": "Amina"}
        result = {"message_id": Taking.sent, "date": 1_767_225_600, "chat": chat, "text": method.text}
        content = json.dumps({"ok": True, "result": result})
        return self.check_response(bot=bot, method=method, status_code=200, content=content).result

    async def stream_content(self, *args: Any, **named: Any) -> Any:
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def sending() -> AsyncIterator[Prepare]:
    """From the body of a webhook to the answer to the call of its reply."""
    dispatcher, _ = wired(MemoryStorage())
    bot = Bot("1:benchmark", session=Taking())

    async def take(body: bytes) -> Any:
        answer = await dispatcher.feed_update(
            bot, Update.model_validate(json.loads(body), context={"bot": bot})
        )
        return await bot(answer)

    def prepare(units: int) -> Work:
        waiting = [*bodies(units)]

        async def work() -> None:
            for body in waiting:
                await take(body)

        return work

    for body, seen in zip(bodies(MEMBERS * len(TYPED)), SEEN * MEMBERS, strict=True):
        said = await take(body)
        assert seen in said.text, said
    yield prepare


@asynccontextmanager
async def dispatched() -> AsyncIterator[Prepare]:
    """The least that aiogram does: from a parsed update to an answer that nobody writes."""
    dispatcher, bot = wired(MemoryStorage())

    def prepare(units: int) -> Work:
        waiting = [Update.model_validate(json.loads(body), context={"bot": bot}) for body in bodies(units)]

        async def work() -> None:
            for update in waiting:
                await dispatcher.feed_update(bot, update)

        return work

    for body, seen in zip(bodies(MEMBERS * len(TYPED)), SEEN * MEMBERS, strict=True):
        update = Update.model_validate(json.loads(body), context={"bot": bot})
        answer: Any = await dispatcher.feed_update(bot, update)
        assert seen in answer.text, answer
    yield prepare
    await bot.session.close()


def wired(storage: BaseStorage) -> tuple[Dispatcher, Bot]:
    """The bot, as its documentation makes one."""
    dispatcher = Dispatcher(storage=storage)
    dispatcher.include_router(router)
    return dispatcher, Bot("1:benchmark")
