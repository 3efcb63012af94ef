"""One connection on which many ask at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Connection
from redis.exceptions import ResponseError

from kikao.sessions.store import StoreUnavailable
from kikao.sessions.stores.redis.wire import AnswerLost, Wire, pack
from tests.engines.proxy import CutBeforeAnswer, Proxy
from tests.engines.valkey import Valkey
from tests.waiting import PATIENCE


@asynccontextmanager
async def wired(port: int, *, limit: int = 100, timeout: float = PATIENCE) -> AsyncIterator[Wire]:
    async def connect() -> Any:
        made: Any = Connection(port=port, socket_timeout=None, socket_connect_timeout=PATIENCE, protocol=2)
        try:
            await made.connect()
        except Exception as error:
            raise StoreUnavailable(str(error)) from error
        return made

    wire = Wire("the server", connect, timeout=timeout, limit=limit)
    await wire.open()
    try:
        yield wire
    finally:
        await wire.close()


async def test_answers_come_to_those_who_asked(valkey: Valkey) -> None:
    async with wired(valkey.port) as wire:
        echoes = [wire.ask(pack((b"ECHO", b"%d" % number))) for number in range(50)]
        wrong = wire.ask(pack((b"NONSENSE",)))
        last = wire.ask(pack((b"ECHO", b"last")))
        assert await asyncio.gather(*echoes) == [b"%d" % number for number in range(50)]
        with pytest.raises(ResponseError, match="unknown command"):
            await wrong
        assert await last == b"last"
        assert wire.waiting == 0


async def test_what_is_asked_in_one_tick_leaves_in_one_write(valkey: Valkey) -> None:
    async with Proxy(f"127.0.0.1:{valkey.port}", recording=True) as proxy, wired(proxy.port) as wire:
        proxy.to_server.clear()
        commands = [pack((b"ECHO", b"%d" % number)) for number in range(20)]
        await asyncio.gather(*(wire.ask(command) for command in commands))
        assert bytes(proxy.to_server) == b"".join(commands)


async def test_what_was_cancelled_before_it_was_sent_is_never_sent(valkey: Valkey) -> None:
    async with wired(valkey.port) as wire:
        cancelled = wire.ask(pack((b"SET", b"cancelled", b"1")))
        cancelled.cancel()
        kept = wire.ask(pack((b"EXISTS", b"cancelled")))
        assert await kept == 0
        cancelled = wire.ask(pack((b"SET", b"cancelled", b"1")))
        cancelled.cancel()
        await asyncio.sleep(0)
        assert await wire.ask(pack((b"EXISTS", b"cancelled"))) == 0


async def test_beyond_its_limit_it_refuses_at_once(valkey: Valkey) -> None:
    async with wired(valkey.port, limit=3) as wire:
        asked = [wire.ask(pack((b"PING",))) for _ in range(3)]
        with pytest.raises(StoreUnavailable, match="is slow: 3 commands wait"):
            await wire.ask(pack((b"PING",)))
        assert await asyncio.gather(*asked) == [b"PONG"] * 3
        assert await wire.ask(pack((b"PING",))) == b"PONG"


async def test_closing_waits_for_answers_and_then_nothing_is_asked(valkey: Valkey) -> None:
    async with wired(valkey.port) as wire:
        asked = wire.ask(pack((b"PING",)))
        await wire.close()
        assert await asked == b"PONG"
        with pytest.raises(StoreUnavailable, match="is not open"):
            await wire.ask(pack((b"PING",)))


async def test_what_was_sent_is_lost_and_what_was_not_goes_with_the_next_connection(valkey: Valkey) -> None:
    async with Proxy(f"127.0.0.1:{valkey.port}") as proxy, wired(proxy.port) as wire:
        proxy.fault = CutBeforeAnswer(times=1)
        with pytest.raises(AnswerLost):
            await wire.ask(pack((b"PING",)))
        assert await wire.ask(pack((b"ECHO", b"later"))) == b"later"


async def test_a_wire_that_is_left_answers_first_and_connects_anew(valkey: Valkey) -> None:
    async with wired(valkey.port) as wire:
        before = await wire.ask(pack((b"CLIENT", b"ID")))
        asked = wire.ask(pack((b"PING",)))
        await asyncio.sleep(0)
        wire.renew()
        assert await asked == b"PONG"
        assert await wire.ask(pack((b"CLIENT", b"ID"))) != before
        wire.renew()
        assert await wire.ask(pack((b"PING",))) == b"PONG"
