"""A socket that is polled, by itself: what nobody reads, and what nobody fetches."""

from __future__ import annotations

import asyncio

import pytest

from kikao.live.polled import HELD, Polled

pytestmark = pytest.mark.virtual_time


@pytest.fixture(autouse=True)
def heeded_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kikao.live.polled.HEEDED", 0.05)


def one(window: float = 10.0) -> tuple[Polled, list[str]]:
    told: list[str] = []
    return Polled(window, lambda: told.append("gone")), told


async def test_what_is_posted_is_received_in_its_order_and_acknowledged_when_it_was_read() -> None:
    polled, _ = one()
    posting = asyncio.create_task(polled.post(["[1]", b"2"]))
    assert await polled.receive() == {"type": "websocket.receive", "text": "[1]"}
    assert not posting.done()
    assert await polled.receive() == {"type": "websocket.receive", "bytes": b"2"}
    reading = asyncio.create_task(polled.receive())
    assert await posting == 200
    polled.abort()
    assert await reading == {"type": "websocket.disconnect", "code": 1006}


async def test_what_is_not_read_within_the_window_is_408() -> None:
    polled, told = one(window=0.01)
    assert await polled.post(["[1]"]) == 408
    polled.abort()
    polled.abort()
    assert told == ["gone"], "once"


async def test_what_is_not_read_before_the_end_is_410() -> None:
    polled, told = one()
    posting = asyncio.create_task(polled.post(["[1]"]))
    await asyncio.sleep(0)
    polled.finish()
    assert await posting == 410
    assert not told, "what waits may be fetched"
    assert await polled.poll() is None
    assert told == ["gone"]


async def test_who_sends_waits_for_room_and_hears_of_the_end() -> None:
    polled, _ = one()
    frame = {"type": "websocket.send", "text": "x" * HELD}
    await polled.send(frame)
    second, third = asyncio.create_task(polled.send(frame)), asyncio.create_task(polled.send(frame))
    await asyncio.sleep(0)
    assert not second.done()
    assert await polled.poll() == ["x" * HELD]
    await second
    await asyncio.sleep(0)
    assert not third.done()
    polled.abort()
    with pytest.raises(ConnectionError):
        await third
    assert await polled.poll() is None


async def test_the_last_words_are_fetched_after_a_close() -> None:
    polled, told = one()
    await polled.send({"type": "websocket.send", "text": "[1]"})
    await polled.send({"type": "websocket.close", "code": 1001, "reason": "idle"})
    assert await polled.receive() == {"type": "websocket.disconnect", "code": 1001, "reason": "idle"}
    assert await polled.poll() == ["[1]"]
    last = asyncio.create_task(polled.poll())
    await asyncio.sleep(0)
    assert not last.done(), "a client hands on what it was told first"
    assert not told
    assert await last is None
    assert told == ["gone"]
