"""The official client where no WebSocket gets through: it polls, and its app notices nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import pytest
import pytest_asyncio

from tests.live.client.devices import Device, device
from tests.live.client.hosts import Host, Hosts
from tests.live.client.house import House
from tests.live.frames import wired
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

in_both: Final = pytest.mark.parametrize("host", ["node", "chromium"], indirect=True)
in_node: Final = pytest.mark.parametrize("host", ["node"], indirect=True)


@pytest_asyncio.fixture(loop_scope="module")
async def host(request: pytest.FixtureRequest, hosts: Hosts) -> AsyncIterator[Host]:
    found = await hosts.get(request.param)
    yield found
    await found.forget()


async def polling(host: Host, house: House, user: str, **options: Any) -> Device:
    made = await device(host, user, house.port, polls=True, **options)
    return await made.connect()


@in_both
@pytest.mark.parametrize("beside", [True, False], ids=["a token beside the address", "a token in it"])
async def test_all_that_text_can_do(host: Host, house: House, beside: bool) -> None:
    where = f"room:polls-{beside}-{id(host)}"
    token = house.token("asha")
    asha = await polling(host, house, "asha", **({"auth_token": token} if beside else {"token": token}))
    ben = await (await device(host, "ben", house.port, token=house.token("ben"))).connect()
    assert await asha.join(where, {"device": "old phone"}) == {}
    await ben.join(where, {"device": "laptop"})
    await asha.sees("came", topic=where, key="ben")
    assert sorted(await asha.present(where)) == ["asha", "ben"]
    assert await asha.push(where, "echo", {"n": [1, None, "é"]}) == {
        "status": "ok",
        "response": {"n": [1, None, "é"]},
    }
    await ben.push(where, "shout", {"n": 1})
    assert (await asha.sees("event", topic=where, event="shout"))["payload"] == {"n": 1}
    assert await asha.push(where, "any", bytes(300)) == {"status": "ok", "response": {"got": 300}}
    assert (await asha.push(where, "bin", b"x"))["response"] == {"reason": "binary"}
    await asha.leave(where)
    await asha.sees("channel closed", topic=where)
    await ben.sees("gone", topic=where, key="asha")


@in_node
async def test_more_at_once_than_fits_into_a_request(host: Host, house: House) -> None:
    asha = await polling(host, house, "asha", token=house.token("asha"))
    await asha.join("room:many")
    replies = await asyncio.gather(*(asha.push("room:many", "echo", {"n": n}) for n in range(250)))
    assert [each["response"]["n"] for each in replies] == list(range(250))


@in_node
async def test_a_socket_that_is_gone_is_opened_anew_and_its_topics_joined(host: Host, house: House) -> None:
    asha = await polling(host, house, "gona", token=house.token("gona"), rejoinAfterMs=10)
    await asha.join("room:gone")
    (socket,) = house.hub.sessions["gona"].sockets
    socket.scope["extensions"]["kikao.abort"]()
    assert (await asha.sees("close"))["code"] == 3410
    await asha.sees("open")
    await asha.sees("joined", topic="room:gone")
    assert (await asha.push("room:gone", "echo", {"n": 1}))["response"] == {"n": 1}


@in_node
async def test_who_is_logged_out_hears_it_before_the_end(host: Host, house: House) -> None:
    asha = await polling(host, house, "rose", token=house.token("rose"))
    await asha.join("room:out", ends=True)
    await house.hub.log_out("rose")
    assert (await asha.sees("event", event="session_ended"))["payload"] == {"reason": "logged_out"}
    await until(lambda: "rose" not in house.hub.sessions, "the session to end")
    assert not await asha.connected()


@asynccontextmanager
async def narrow(to: int) -> AsyncIterator[int]:
    """A port that leads to another one through a proxy that knows nothing of WebSocket."""
    carrying: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while octets := await reader.read(65536):
                    writer.write(octets)
        finally:
            writer.transport.abort()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            head = b"upgrade: websocket"
        if b"upgrade: websocket" in head.lower():
            writer.transport.abort()
            return
        there = await asyncio.open_connection("127.0.0.1", to)
        there[1].write(head)
        carrying.update(
            asyncio.create_task(carry(*pair)) for pair in ((reader, there[1]), (there[0], writer))
        )

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for task in carrying:
        task.cancel()
    await asyncio.gather(*carrying, return_exceptions=True)
    await server.wait_closed()


@in_node
async def test_the_client_falls_back_where_a_websocket_does_not_get_through(host: Host, house: House) -> None:
    async with narrow(house.port) as port:
        asha = await device(host, "nara", port, auth_token=house.token("nara"), longPollFallbackMs=2000)
        await asha.connect()
        await asha.join("room:narrow")
        assert (await asha.push("room:narrow", "echo", {"n": 1}))["response"] == {"n": 1}
        (socket,) = house.hub.sessions["nara"].sockets
        assert socket.scope["path"] == "/socket/longpoll"
        await asha.disconnect()


@in_node
async def test_a_device_that_polls_now_has_no_other_socket(host: Host, house: House) -> None:
    tab = {"device": "tab-1", "token": house.token("dora")}
    async with wired(house.port, params=tab) as before:
        await before.join("room:tab")
        now = await polling(host, house, "dora", params=tab)

        assert (await before.closed()) == (1001, "replaced")
        await now.join("room:tab")
        assert len(house.hub.sessions["dora"].sockets) == 1
