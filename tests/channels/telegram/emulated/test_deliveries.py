"""Updates on their way, and the line itself: what comes again, in which order, to whom, how fast, and what breaks."""

import asyncio
import json
import random
from typing import Any

import pytest

from kikao.channels.calling import Answer, Unanswered
from kikao.channels.telegram.emulated.rules import Rates
from kikao.channels.telegram.emulator import BotApi
from kikao.testing import Clock
from tests.channels.telegram.emulated.bot import Bot, asked, call
from tests.channels.telegram.rig import SECRET, TOKEN

# --- deliveries ---


async def test_what_is_not_taken_comes_again_and_holds_up_its_chat_alone(
    api: BotApi, bot: Bot, clock: Clock
) -> None:
    asha, binta = api.member("Asha"), api.member("Binta")
    bot.statuses = [500]
    await asha.write("1")
    await asha.write("2")
    await binta.write("3")
    assert [each["message"]["text"] for each in bot.told if "message" in each] == ["1", "3"]
    clock.advance(1)
    bot.statuses = [0]
    await api.deliver()
    assert [each["message"]["text"] for each in bot.told][1:] == ["3"]
    assert api.deliveries.next_due == clock.now + 2
    clock.advance(2)
    await api.deliver()
    assert [each["message"]["text"] for each in bot.told][1:] == ["3", "1", "2"]
    assert [parcel.answers for parcel in api.deliveries.taken] == [[200], [500, 0, 200], [200]]


async def test_redelivery_has_the_same_id_and_other_bytes(api: BotApi, bot: Bot) -> None:
    await api.member("Asha").write("Ni \N{ETHIOPIC SYLLABLE HA}")
    assert await api.deliveries.again(changed=True) == [200]
    assert bot.told[0] == bot.told[1]
    assert bot.bodies[0] != bot.bodies[1]
    assert await api.deliveries.again(times=2) == [200, 200]
    with pytest.raises(LookupError, match="1 requests were taken"):
        await api.deliveries.again(1)


async def test_hold_and_release_in_bad_order(api: BotApi, bot: Bot) -> None:
    asha = api.member("Asha")
    for order in ("reversed", "shuffled", "same"):
        api.deliveries.held = True
        for text in "123":
            await asha.write(text)
        assert api.deliveries.next_due is None
        bot.told.clear()
        await api.deliveries.release(order)
        texts = [each["message"]["text"] for each in bot.told]
        assert sorted(texts) == ["1", "2", "3"]
        assert (texts == ["1", "2", "3"]) == (order == "same")
    api.deliveries.held = True
    await asha.write("4")
    await asha.write("5")
    await api.deliveries.release(at_once=True)
    assert len(bot.told) == 5


async def test_a_disturbed_line(api: BotApi, bot: Bot) -> None:
    asha = api.member("Asha")
    api.deliveries.disturb(again=0.3, changed=0.5, swapped=0.3)
    api.deliveries.held = True
    for n in range(60):
        await asha.write(str(n))
    await api.deliveries.release()
    ids = [each["update_id"] for each in bot.told]
    assert len(set(ids)) == 60
    assert 65 < len(ids) < 90
    assert ids != sorted(ids)
    assert api.deliveries.waiting == []


async def test_polling_with_offsets(api: BotApi, bot: Bot) -> None:
    asha = api.member("Asha")
    conflict = await call(api, "getUpdates")
    assert conflict["error_code"] == 409
    api.deliveries.held = True
    await asha.write("0")
    await call(api, "deleteWebhook")
    await asha.write("1")
    await asha.write("2")
    got = await call(api, "getUpdates", limit=2)
    assert [each["message"]["text"] for each in got] == ["0", "1"]
    again = await call(api, "getUpdates")
    assert [each["message"]["text"] for each in again] == ["0", "1", "2"]
    rest = await call(api, "getUpdates", offset=got[-1]["update_id"] + 1)
    assert [each["message"]["text"] for each in rest] == ["2"]
    assert await call(api, "getUpdates", offset=rest[-1]["update_id"] + 1) == []
    await asha.write("3")
    await asha.write("4")
    assert [each["message"]["text"] for each in await call(api, "getUpdates", offset=-1)] == ["4"]
    assert bot.told == []


async def test_a_bot_without_a_secret_is_polled_for() -> None:
    api = BotApi(TOKEN, "")
    await api.member("Asha").write("hi")
    assert [each["message"]["text"] for each in await call(api, "getUpdates")] == ["hi"]


async def test_a_long_poll_waits_for_somebody(api: BotApi) -> None:
    await call(api, "deleteWebhook", drop_pending_updates=True)
    poll = asyncio.create_task(call(api, "getUpdates", timeout=30))
    await asyncio.sleep(0)
    other = await call(api, "getUpdates", timeout=30)
    assert "terminated by other getUpdates" in other["description"]
    await api.member("Asha").write("hi")
    assert [each["message"]["text"] for each in await poll] == ["hi"]


async def test_webhooks_can_be_set(api: BotApi, bot: Bot) -> None:
    await call(api, "deleteWebhook")
    await api.member("Asha").write("before")
    assert (await call(api, "getWebhookInfo"))["url"] == ""
    await call(
        api,
        "setWebhook",
        url="https://kikao.example/telegram/x",
        secret_token="s-1",
        allowed_updates=["message"],
        max_connections=10,
    )
    asha = api.member("Binta")
    await asha.write("after")
    await asha.block()
    assert bot.paths == ["/telegram/x"] * 2
    assert bot.headers[0]["x-telegram-bot-api-secret-token"] == "s-1"
    assert [each["message"]["text"] for each in bot.told] == ["before", "after"]
    assert (await call(api, "getWebhookInfo"))["url"].endswith("/telegram/x")
    await call(api, "setWebhook", url="")
    assert api.polled
    await asha.write("lost")
    await call(api, "setWebhook", url="https://h/t", drop_pending_updates=True)
    assert api.updates == []


async def test_updates_that_no_member_causes(api: BotApi, bot: Bot) -> None:
    await api.tell_raw("hologram_update", {"id": "1"})
    assert bot.told[0]["hologram_update"] == {"id": "1"}


async def test_nobody_to_deliver_to() -> None:
    with pytest.raises(LookupError, match="nobody to deliver to"):
        await BotApi(TOKEN).member().write("hi")


async def test_what_is_due_afterwards(api: BotApi) -> None:
    asha = api.member("Asha")

    async def push() -> None:
        await call(api, "sendMessage", chat_id=asha.id, text="later")

    api.after = push
    assert [message.text for message in await asha.write("hi")] == ["later"]


# --- limits and moods ---


async def test_limits_of_a_chat_a_bot_and_a_group(bot: Bot, clock: Clock) -> None:
    api = BotApi(TOKEN, SECRET, clock=clock, send=bot, rates=Rates())
    members = [api.member(f"M{n}", started=True) for n in range(31)]
    for member in members[:30]:
        assert "message_id" in await call(api, "sendMessage", chat_id=member.id, text="x")
    everybody = await call(api, "sendMessage", chat_id=members[30].id, text="x")
    clock.advance(0.5)
    one = await call(api, "sendMessage", chat_id=members[0].id, text="x")
    assert [each["parameters"] for each in (everybody, one)] == [{"retry_after": 1}] * 2
    assert api.breaches == 2
    group = api.group("Savings", members[0])
    for _ in range(20):
        clock.advance(1)
        assert "message_id" in await call(api, "sendMessage", chat_id=group.id, text="x")
    clock.advance(1)
    assert (await call(api, "sendMessage", chat_id=group.id, text="x"))["parameters"] == {"retry_after": 40}
    assert Rates().scaled(10).bot == (300, 1.0)


async def test_moods(api: BotApi, clock: Clock) -> None:
    asha = api.member(started=True)

    async def send(text: str) -> Answer:
        return await asked(api, "sendMessage", chat_id=asha.id, text=text)

    api.fails(2)
    api.loses()
    api.does_not_answer()
    api.refuses()
    assert [(await send("a")).status for _ in range(3)] == [503, 503, 200]
    with pytest.raises(Unanswered, match="no answer in time"):
        await send("unheard")
    with pytest.raises(Unanswered, match="ConnectError"):
        await send("refused")
    assert asha.chat.texts == ["unheard"]
    assert [each.seen for each in api.ledger] == [False, True]
    api.limits(5)
    clock.advance(2)
    limited = await send("x")
    assert json.loads(limited.body)["parameters"] == {"retry_after": 3}
    assert api.breaches == 1
    clock.advance(3)
    assert (await send("x")).status == 200
    api.fails(9)
    api.recovers()
    assert (await send("x")).status == 200
    assert [each.id for each in api.duplicates()] == [api.ledger[-1].id]
    assert api.calls == 8


async def test_a_slow_provider(clock: Clock) -> None:
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    api = BotApi(TOKEN, clock=clock)
    api.pause = pause
    api.held = asyncio.Event()
    task = asyncio.create_task(asked(api, "getMe"))
    await asyncio.sleep(0)
    assert not task.done()
    api.recovers()
    assert (await task).status == 200
    api.slow(0.25)
    await asked(api, "getMe")
    assert waits == [0.25]


async def test_shaky_by_its_seed() -> None:
    async def run(seed: int) -> list[int]:
        api = BotApi(TOKEN, chance=random.Random(seed), clock=Clock())
        api.shaky(failing=0.2, limiting=0.2, losing=0.1, silent=0.2, refusing=0.1)
        found = []
        for _ in range(60):
            try:
                found.append((await asked(api, "getMe")).status)
            except Unanswered:
                found.append(0)
        return found

    assert await run(1) == await run(1)
    assert await run(1) != await run(2)
    assert set(await run(1)) == {0, 200, 429, 503}
    with pytest.raises(ValueError, match="at most 1"):
        BotApi(TOKEN).shaky(failing=0.9, silent=0.2)


# --- over HTTP ---


async def test_as_an_application(api: BotApi) -> None:
    messages = [
        {"type": "http.request", "body": b'{"chat_', "more_body": True},
        {"type": "http.request", "body": b'id":1}'},
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/bot{TOKEN}/getChat",
        "raw_path": f"/bot{TOKEN}/getChat".encode(),
        "query_string": b"x=1",
        "headers": [(b"host", b"h:81"), (b"content-type", b"application/json")],
    }
    await api.application(scope, receive, send)
    assert sent[0]["status"] == 400
    assert json.loads(sent[1]["body"])["description"] == "Bad Request: chat not found"
    api.does_not_answer()
    messages[:] = [{"type": "http.request", "body": b"{}"}]
    sent.clear()
    await api.application(scope, receive, send)
    assert sent == []
    messages[:] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    await api.application({"type": "lifespan"}, receive, send)
    assert [each["type"] for each in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
