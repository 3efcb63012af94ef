"""WebSockets of a real server: apart from requests, and closed in time when it stops, whatever their clients do."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import pytest
import uvicorn

from kikao import App, Chat, Flows, t
from kikao.channels.socket.reasons import Reason
from kikao.channels.socket.tokens import Tokens
from kikao.cli.ending import Ending
from kikao.cli.http import BoundedHead
from kikao.cli.serving import listen
from kikao.cli.web_server import WebServer
from kikao.config import load
from kikao.live import Channel, Live, LiveLimits, anyone
from kikao.live.hub import Hub
from kikao.live.socket import Socket
from kikao.server import Server
from kikao.sessions.stores.memory import MemoryStore
from tests.http.wire import get
from tests.live.frames import UPGRADE, refused, wired
from tests.waiting import PATIENCE, until

flows = Flows()

MUCH: Final = "x" * 60_000


@flows.flow("about")
async def about(chat: Chat) -> None:
    await chat.end(t("Bye."))


def live_app(**limits: Any) -> App:
    live = Live(users=anyone, limits=LiveLimits(**limits))

    @live.channel("room:{name}")
    async def room(channel: Channel, params: dict[str, Any]) -> None: ...

    @room.on("more")
    async def more(channel: Channel, payload: dict[str, Any]) -> None:
        for _ in range(int(payload["times"])):
            await channel.push("much", {"text": MUCH})

    return App(flows, entry="about", members=False, live=live)


class At(NamedTuple):
    """A server on a port of this machine, and what stops it."""

    port: int
    server: Server
    hub: Hub
    web: WebServer
    ending: Ending
    done: asyncio.Task[None]

    def token(self, user: str = "ada") -> str:
        return self.hub.tokens.sign(user, 300)

    async def stop(self) -> None:
        self.ending.told = signal.SIGTERM
        await asyncio.wait_for(self.done, PATIENCE)


@asynccontextmanager
async def serving(
    folder: Path, *, at_once: int | None = None, parting: float = 10.0, **limits: Any
) -> AsyncIterator[At]:
    answering, ending = asyncio.Event(), Ending()
    settings = load({"KIKAO_SIMULATOR": "off"}, folder, makes_keys=True)
    with listen("127.0.0.1", 0) as door:
        async with live_app(**limits).serving(
            settings, store=MemoryStore(), subscribers=[lambda _: None]
        ) as server:
            web = WebServer(server, ending, answering.set, drain=0, last_call=0.01, parting=parting)
            if at_once is not None:
                web.config.limit_concurrency = at_once
            done = asyncio.create_task(web.serve([door]))
            await answering.wait()
            assert server.hub is not None
            found = At(door.getsockname()[1], server, server.hub, web, ending, done)
            yield found
            await found.stop()


async def by_hand(port: int, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A socket whose other side does nothing by itself: it reads and answers what a test reads and answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    lines = [f"GET /socket/websocket?token={token}&vsn=2.0.0 HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in UPGRADE.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def masked(text: str) -> bytes:
    """A text frame of a client, with a mask that changes nothing."""
    assert len(text) < 126
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text.encode()


# --- its end ---


async def test_a_process_that_stops_closes_its_sockets_so_that_clients_come_back_elsewhere(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as at, wired(at.port, at.token()) as ada, wired(at.port, at.token()) as bea:
        await ada.join("room:1")
        at.ending.told = signal.SIGTERM
        assert (await ada.closed(), await bea.closed()) == ((1012, "drained"), (1012, "drained"))
        await asyncio.wait_for(at.done, PATIENCE)


async def test_sockets_are_closed_some_at_a_time_and_all_of_them_within_the_time_there_is(
    tmp_path: Path,
) -> None:
    async with (
        serving(tmp_path, drained=2, drain_pause=0.05, drain=0.1, sockets=20) as at,
        AsyncExitStack() as stack,
    ):
        wires = [await stack.enter_async_context(wired(at.port, at.token())) for _ in range(10)]
        sockets = list(at.hub.sockets.values())
        parting = asyncio.create_task(at.server.part())
        await asyncio.sleep(0)
        still = sum(each.closing is None for each in sockets)
        assert still == 5, "two batches in 0.1 s: five at once, though two were asked for"
        await parting
        assert all(each.closing is Reason.DRAINED for each in sockets)
        for wire in wires:
            assert (await wire.closed()).code == 1012
        answer = await refused(at.port, at.token())
        assert (answer.status, answer.headers["retry-after"]) == (503, "1"), "it is for another process"


async def test_clients_that_read_nothing_or_answer_nothing_hold_nothing_up(tmp_path: Path) -> None:
    async with serving(tmp_path, parting=0.2, queue=64 * 1024 * 1024) as at:
        _, deaf = await by_hand(at.port, at.token("deaf"))
        reader, mute = await by_hand(at.port, at.token("mute"))
        deaf.write(masked('["1","1","room:1","phx_join",{}]'))
        deaf.write(masked('["1","2","room:1","more",{"times":200}]'))
        session = at.hub.sessions["deaf"]
        await until(lambda: cast(Socket, session.sockets[0])._waiting, "more to wait than the network takes")
        deaf.transport.pause_reading()  # type: ignore[attr-defined]
        await at.stop()
        assert b"drained" in await reader.read(), "it was told"
        assert not at.web.server_state.sockets  # type: ignore[attr-defined]
        assert not at.hub.sockets
        for writer in (deaf, mute):
            writer.transport.abort()


async def test_who_is_closed_for_reading_nothing_is_gone_though_it_never_reads(tmp_path: Path) -> None:
    async with serving(tmp_path, queue=100_000) as at:
        _, deaf = await by_hand(at.port, at.token("deaf"))
        deaf.write(masked('["1","1","room:1","phx_join",{}]'))
        deaf.write(masked('["1","2","room:1","more",{"times":200}]'))
        await until(lambda: "deaf" in at.hub.sessions and not at.hub.sockets, "the slow one to be closed")
        await until(lambda: not at.web.server_state.sockets, "its connection to be gone")  # type: ignore[attr-defined]
        deaf.transport.abort()


async def test_who_leaves_and_reads_no_more_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kikao.live.socket.PATIENCE", 0.05)
    async with serving(tmp_path, queue=64 * 1024 * 1024) as at:
        _, deaf = await by_hand(at.port, at.token("deaf"))
        deaf.write(masked('["1","1","room:1","phx_join",{}]'))
        deaf.write(masked('["1","2","room:1","more",{"times":200}]'))
        session = at.hub.sessions["deaf"]
        await until(lambda: cast(Socket, session.sockets[0])._waiting, "more to wait than the network takes")
        deaf.write(bytes((0x88, 0x80, 0, 0, 0, 0)))  # a close
        await until(lambda: not at.web.server_state.sockets, "its connection to be gone")  # type: ignore[attr-defined]
        deaf.transport.abort()


async def test_what_comes_while_a_process_stops_is_closed_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        loading = asyncio.Event()
        users = at.hub.admission.users

        async def slow(user_id: str, claims: Any) -> Any:
            loading.set()
            await at.server.part()
            return await users(user_id, claims)

        at.hub.admission.users = slow
        async with wired(at.port, at.token()) as late:
            assert loading.is_set()
            assert (await late.closed()).code == 1012


# --- beside requests ---


async def test_sockets_count_against_no_limit_of_requests(tmp_path: Path) -> None:
    async with serving(tmp_path, at_once=3) as at, AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(wired(at.port, at.token())) for _ in range(5)]
        assert (await get(at.port, "/healthz"))[0] == 200
        for wire in wires:
            await wire.heartbeat()


async def test_what_bounds_a_head_does_not_cut_a_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedHead, "patience", 0.3)
    async with serving(tmp_path) as at, wired(at.port, at.token()) as wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        assert await reader.read() == b"", "a connection of after it brought no head, and was closed"
        writer.close()
        await wire.heartbeat()
        assert (await wire.join("room:1"))[1] == {}


# --- served by hand ---


async def test_uvicorn_by_hand_serves_sockets_and_logs_no_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = live_app()
    app.settings = load({"KIKAO_SIMULATOR": "off", "KIKAO_STORE": "memory"}, tmp_path, makes_keys=True)
    token = Tokens.of(app.settings, clock=time.time)
    assert token is not None
    shown = token.sign("ada", 300)
    config = uvicorn.Config(app, ws="websockets-sansio", lifespan="on", log_config=None, log_level="trace")
    server = uvicorn.Server(config)
    with caplog.at_level(1, "uvicorn"), listen("127.0.0.1", 0) as door:
        port = door.getsockname()[1]
        serving = asyncio.create_task(server.serve([door]))
        await until(lambda: server.started, "the server")
        async with wired(port, shown) as wire:
            assert (await wire.join("room:1"))[1] == {}
            assert (await refused(port, shown, vsn="1.0.0")).status == 403
            assert (await get(port, f"/readyz?token={shown}"))[0] == 200
            server.should_exit = True
            assert (await wire.closed()).code == 1012
        await asyncio.wait_for(serving, PATIENCE)
    lines = [each.getMessage() for each in caplog.records if each.name.startswith("uvicorn")]
    assert any("/socket/websocket?…" in line and "[accepted]" in line for line in lines)
    assert any("/readyz?…" in line for line in lines)
    assert not [line for line in lines if "token" in line or "room:1" in line]


# --- what is told of them ---


async def test_whether_the_store_of_live_sessions_answers_is_told(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        status, text = await get(at.port, "/readyz")
        assert (status, b"live: ok\n" in text) == (200, True)


async def test_what_is_counted_is_in_the_metrics(tmp_path: Path) -> None:
    async with serving(tmp_path) as at, wired(at.port, at.token()) as wire:
        await wire.join("room:1")
        text = (await get(at.port, "/metrics"))[1].decode()
        assert 'kikao_live_sockets{transport="websocket"} 1.0\n' in text
        assert "kikao_live_channels 1.0\n" in text
        assert 'kikao_live_connects_total{status="101",transport="websocket"} 1.0\n' in text
