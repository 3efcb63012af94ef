"""An emulator behind a real port, and webhooks over a real connection."""

import asyncio
import json

import pytest

from kikao.channels.caller import Caller
from kikao.channels.calling import Answer, Call, Unanswered
from kikao.channels.telegram.emulator import BotApi
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.whatsapp.emulator import CloudApi
from kikao.config import Hidden
from kikao.testing.network import over_http, served


async def test_calls_of_an_emulator_over_a_port() -> None:
    api = BotApi()
    asha = api.member("Asha", started=True)
    async with served(api) as url:
        assert api.environment(url)["KIKAO_TELEGRAM_API_URL"] == url
        caller = Caller(Hidden(url.encode()), timeout=5.0)
        where = Hidden(f"{url}/bot{api.token}/sendMessage".encode())
        headers = (("content-type", "application/json"),)

        async def say(text: str) -> Answer:
            return await caller(Call(where, headers, json.dumps({"chat_id": asha.id, "text": text}).encode()))

        assert (await say("one")).status == 200
        api.does_not_answer()
        api.refuses()
        for _ in range(2):
            with pytest.raises(Unanswered):
                await say("two")
        api.limits(5)
        assert (await say("three")).status == 429
        api.recovers()
        assert (await say("four")).header("content-type") == "application/json"
        await caller.close()
    assert asha.chat.texts == ["one", "two", "four"]


async def test_webhooks_over_a_port() -> None:
    heard: list[Call] = []

    async def make(call: Call) -> Answer:
        heard.append(call)
        if len(heard) == 2:
            raise Unanswered
        return Answer(200, (("content-type", "text/plain"),), b"ok")

    api = CloudApi()
    async with served(make) as url, over_http(url) as send:
        api.deliveries.send = send
        await api.member("Asha").write("hello")
        with pytest.raises(OSError, match="no complete reply"):
            await send(Exchange("/whatsapp", (), b""))
        again = await send(Exchange("/whatsapp", (("x", "1"),), b"", "GET", "hub.mode=subscribe"))
        assert (again.status, again.body) == (200, b"ok")
        assert heard[2].url.reveal().endswith(b"/whatsapp?hub.mode=subscribe")
    with pytest.raises(ConnectionError):
        await send(Exchange("/whatsapp", (), b""))
    first = heard[0]
    assert first.url.reveal().endswith(b"/whatsapp")
    assert json.loads(first.body)["object"] == "whatsapp_business_account"
    assert {name.lower() for name, _ in first.headers} >= {"x-hub-signature-256", "content-type", "host"}
    assert [parcel.answers for parcel in api.deliveries.taken] == [[200]]


async def test_chunks_and_connections_that_close() -> None:
    bodies: list[bytes] = []

    async def make(call: Call) -> Answer:
        bodies.append(call.body)
        return Answer(200)

    async with served(make) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n"
        )
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")
        said = await reader.read()
        writer.close()
    assert bodies == [b"abcde", b"x"]
    assert said.count(b"HTTP/1.1 200 OK") == 2


async def test_connections_are_kept_and_replaced_when_they_close() -> None:
    seen: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer)
        for close in ("keep-alive", "keep-alive", "close"):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 204 No Content\r\nConnection: {close}\r\n\r\n".encode())
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with over_http(url) as send:
        for count in (1, 1, 1, 2):
            assert (await send(Exchange("/x", (), b""))).status == 204
            assert len(seen) == count
    server.close()
    await server.wait_closed()


async def test_a_server_that_says_nothing_is_waited_for_so_long() -> None:
    async def make(call: Call) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    async with served(make) as url, over_http(url, timeout=0.01) as send:
        with pytest.raises(TimeoutError):
            await send(Exchange("/x", (), b""))
