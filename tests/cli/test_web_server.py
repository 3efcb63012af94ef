"""How a server stops: not ready at once, serving on for its drain, then 503 for what is new; the begun is finished."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from kikao import App, Chat, Flows, Text, t
from kikao.cli.ending import Ending
from kikao.cli.serving import listen
from kikao.cli.web_server import WebServer
from kikao.config import load
from kikao.server import Server
from kikao.sessions.stores.memory import MemoryStore
from tests.http.servers import environment
from tests.http.wire import PATIENCE, get, request
from tests.waiting import until

flows = Flows()


class Slow:
    """A service that answers when it may."""

    def __init__(self) -> None:
        self.asked, self.may = asyncio.Event(), asyncio.Event()

    async def look(self) -> str:
        self.asked.set()
        await self.may.wait()
        return "done"


@flows.flow("wait")
async def wait(chat: Chat) -> None:
    if await chat.ask("what", Text(), t("Wait?")) == "yes":
        await chat.end(t("{found}", found=await chat.read("found", chat.service(Slow).look)))
    await chat.end(t("Bye."))


class Stopping(NamedTuple):
    """A server on a port of this machine, and what stops it."""

    port: int
    server: Server
    ending: Ending
    slow: Slow
    done: asyncio.Task[None]


@asynccontextmanager
async def serving(
    folder: Path, *, drain: float = 0.0, linger: float = 0.0, last_call: float = 30.0
) -> AsyncIterator[Stopping]:
    slow, answering, ending = Slow(), asyncio.Event(), Ending()
    app = App(flows, entry="wait", members=False, services={Slow: slow})
    settings = load({"KIKAO_SIMULATOR": "off"}, folder, makes_keys=True)
    with listen("127.0.0.1", 0) as door:
        async with app.serving(settings, store=MemoryStore(), subscribers=[lambda _: None]) as server:
            web = WebServer(server, ending, answering.set, drain=drain, linger=linger, last_call=last_call)
            done = asyncio.create_task(web.serve([door]))
            await answering.wait()
            yield Stopping(door.getsockname()[1], server, ending, slow, done)
            ending.told = signal.SIGTERM
            slow.may.set()
            await done


def said(text: str, session: str = "S1") -> bytes:
    body = f"sessionId={session}&phoneNumber=%2B256772000001&serviceCode=*284%23&text={text}".encode()
    form = (("content-type", "application/x-www-form-urlencoded"),)
    return request("/ussd/africastalking", body, headers=form)


def kept(octets: bytes) -> bytes:
    """The same on a connection that is kept alive."""
    return octets.replace(b"connection: close\r\n", b"")


class Line:
    """A connection that is kept alive."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, octets: bytes) -> bytes:
        self.writer.write(octets)
        async with asyncio.timeout(PATIENCE):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return head + await self.reader.readexactly(length)

    async def ended(self) -> bool:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read() == b""


@asynccontextmanager
async def line(port: int) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


async def test_it_is_not_ready_at_once_and_serves_on_for_its_drain(tmp_path: Path) -> None:
    async with serving(tmp_path, drain=0.5) as found:
        assert (await get(found.port, "/readyz"))[0] == 200
        async with line(found.port) as kept_alive:
            assert b"CON Wait?" in await kept_alive.ask(kept(said("")))
            found.ending.told = signal.SIGTERM
            await until(lambda: found.server.web.leaving, "the server to be leaving")
            assert await get(found.port, "/readyz") == (503, b"stopping\n")
            assert await get(found.port, "/healthz") == (200, b"ok\n")
            reply = await kept_alive.ask(kept(said("no")))
            assert b" 200 " in reply
            assert b"END Bye." in reply
            assert b"connection: close" in reply.lower(), "who is told to, comes back to another process"
            assert await kept_alive.ended()
        await found.done


async def test_what_is_new_is_refused_and_what_was_begun_is_finished(tmp_path: Path) -> None:
    async with serving(tmp_path) as found, line(found.port) as begun, line(found.port) as idle:
        await begun.ask(kept(said("")))
        await idle.ask(kept(said("", "S2").replace(b"000001", b"000002")))
        paying = asyncio.create_task(begun.ask(kept(said("yes"))))
        await found.slow.asked.wait()
        found.ending.told = signal.SIGTERM
        await until(lambda: found.server.web.closed, "the server to let nobody in")
        with pytest.raises(OSError):  # noqa: PT011 - refused, or reset
            await get(found.port, "/readyz")
        reply = await idle.ask(kept(said("no", "S2").replace(b"000001", b"000002")))
        head = reply.partition(b"\r\n\r\n")[0].lower()
        assert b" 503 " in head
        assert b"retry-after: 1" in head
        assert b"connection: close" in head
        assert await idle.ended()

        found.slow.may.set()
        assert b"END done" in await paying
        await found.done


async def test_an_idle_connection_holds_nothing_up_for_long(tmp_path: Path) -> None:
    async with serving(tmp_path, last_call=0.05) as found, line(found.port) as idle:
        await idle.ask(kept(said("")))
        found.ending.told = signal.SIGTERM
        await found.done
        assert await idle.ended()


async def test_where_another_process_goes_on_connections_that_were_accepted_are_served(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, linger=0.5) as found, line(found.port) as accepted:
        await accepted.ask(kept(said("")))
        found.ending.told = signal.SIGTERM

        async def refused() -> bool:
            try:
                await get(found.port, "/healthz")
            except OSError:
                return True
            return False

        await until(refused, "new connections to be refused")
        assert b"END Bye." in await accepted.ask(kept(said("no")))


# --- signals ---

SCRIPT = """
import os, signal
from kikao.cli.ending import Ending
came, comes = os.pipe()
os.set_blocking(comes, False)
signal.set_wakeup_fd(comes)
with Ending() as ending:
    ending.call = lambda: print("told", signal.Signals(ending.told).name, flush=True)
    print("up", flush=True)
    while True:
        os.read(came, 1)
"""
"""A pipe holds a signal that comes before it is waited for. `signal.pause` would wait for the next one, for ever."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_first_signal_is_heard_and_the_second_ends_at_once(
    number: signal.Signals, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        assert process.stdout.readline() == f"told {number.name}\n"
        process.send_signal(number)
        assert process.wait(PATIENCE) == 128 + number
        assert process.stderr.read() == f"kikao: {number.name} again: ending at once\n"


def test_handlers_of_before_are_put_back_and_an_ignored_hang_up_stays_ignored() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Ending() as ending:
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            signal.raise_signal(signal.SIGTERM)
            assert ending.told == signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) is before[0]
    finally:
        signal.signal(signal.SIGHUP, before[1])


def test_the_door_is_a_socket_that_listens() -> None:
    with listen("127.0.0.1", 0) as door:
        assert door.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
