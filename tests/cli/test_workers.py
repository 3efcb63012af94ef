"""`kikao run --workers`: what is refused, and real processes over one store."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from kikao.channels.channel import Response
from kikao.channels.socket.tokens import Tokens
from kikao.cli import main as command
from kikao.cli.workers import _Told
from kikao.config import load
from kikao.testing import Phone
from tests.engines.valkey import Valkey
from tests.http.servers import KIKAO, PATIENCE, environment
from tests.http.wire import get, over_wire, parsed, raw, request
from tests.live.frames import Closed, wired
from tests.live.polling import Poller
from tests.waiting import until


def run(*words: str, cwd: Path, monkeypatch: pytest.MonkeyPatch, **env: str) -> tuple[int, str]:
    monkeypatch.chdir(cwd)
    monkeypatch.setenv("KIKAO_DATA", str(cwd / "data"))
    done = CliRunner(env=env).invoke(command, ["run", "tests.metrics.workers_app:app", *words])
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("store", "told"),
    [("memory:", "sessions are in memory"), ("sessions.db", "sessions are in a SQLite file")],
)
def test_a_store_of_one_process_has_one_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, told: str
) -> None:
    code, output = run("--workers", "2", cwd=tmp_path, monkeypatch=monkeypatch, KIKAO_STORE=store)
    assert code == 2
    assert told in output
    assert "Leave --workers out, or set KIKAO_STORE to PostgreSQL" in output


def test_reload_is_for_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, output = run("--workers", "2", "--reload", cwd=tmp_path, monkeypatch=monkeypatch)
    assert code == 2
    assert "leave --workers out" in output


def test_workers_have_no_simulator(tmp_path: Path) -> None:
    settings = load({}, tmp_path, makes_keys=True)
    assert settings.simulator == "loopback"
    assert settings.without_simulator().simulator == "off"


# --- real processes over one store ---


class Workers:
    """`kikao run --workers` over a store of several processes."""

    def __init__(self, folder: Path, store: str, workers: int, target: str = "workers_app:app") -> None:
        self.folder = folder
        self.log = folder / "workers.log"
        with self.log.open("a") as stderr:
            self.process = subprocess.Popen(
                (*KIKAO, "run", target, "--workers", str(workers), "--port", "0"),
                cwd=folder,
                env=environment(folder / "data", KIKAO_STORE=store),
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self.said: list[str] = []

    @property
    def port(self) -> int:
        return int(self.said[0].strip().rpartition(":")[2])

    def up(self) -> Workers:
        """Wait until it has said what is on."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("workers: "):
                return self
        raise AssertionError(f"it ended with {self.process.wait()}: {self.log.read_text()[-2000:]}")

    def token(self, user: str) -> str:
        """Of a live session, by the key that a server in development makes."""
        tokens = Tokens.of(
            load({"KIKAO_DATA": str(self.folder / "data")}, self.folder, makes_keys=True), clock=time.time
        )
        assert tokens is not None
        return tokens.sign(user, 300)

    def pids(self) -> set[int]:
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return {int(line) for line in found.stdout.split()}

    def files(self) -> int:
        """How many it has open; 0 where the system does not tell."""
        folder = Path(f"/proc/{self.process.pid}/fd")
        return len(list(folder.iterdir())) if folder.is_dir() else 0

    def end(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def store(valkey: Valkey) -> str:
    """A place of its own on the server that tests share."""
    return f"{valkey.url}/0?prefix=workers{os.urandom(4).hex()}"


async def test_a_conversation_goes_on_whoever_answers_whoever_dies_and_whatever_is_replaced(
    tmp_path: Path, store: str
) -> None:
    (tmp_path / "workers_app.py").write_text(APP)
    found = Workers(tmp_path, store, 2).up()
    try:
        assert "simulator: off" in "".join(found.said)
        asha = Phone(over_wire(found.port))
        assert await asha.dial() == "What?"

        async def both_are_at_work() -> bool:
            _, body = await get(found.port, "/metrics")
            return b"\nkikao_workers 2.0" in body and b"\nkikao_shards 64.0" in body

        await until(both_are_at_work, "two workers with all shards")

        async def ready() -> bool:
            status, words = await get(found.port, "/readyz")
            return status == 200 and b"\nbus: ok\n" in words

        await until(ready, "them to be ready")
        files = found.files()
        await polls_whoever_answers(found)

        before = found.pids()
        os.kill(min(before), signal.SIGKILL)
        for n in range(10):
            member = Phone(over_wire(found.port), f"+25677200001{n}")
            assert await member.dial() == "What?", "the other one answers"

        await until(lambda: len(found.pids()) == 2 and found.pids() != before, "the dead one to be replaced")
        await until(both_are_at_work, "its shards to be taken over")
        assert "ended (SIGKILL)" in found.log.read_text()

        before = found.pids()
        joined = asyncio.Event()
        live = asyncio.create_task(closed(found, joined))
        await joined.wait()
        found.process.send_signal(signal.SIGHUP)

        async def replaced() -> bool:
            assert (await get(found.port, "/healthz"))[0] == 200, "no request is refused meanwhile"
            return "the workers are replaced" in found.log.read_text() and len(found.pids()) == 2

        await until(replaced, "them to be replaced")
        assert not before & found.pids()
        assert await live == (1012, "drained"), "its client comes back to another process"

        await until(lambda: found.files() <= files, f"no more than {files} open files")
        assert await asha.reply("bread") == "bread"
        lines = [json.loads(line) for line in found.log.read_text().splitlines() if line.startswith("{")]
        assert {line["worker"] for line in lines} == {1, 2}
    finally:
        assert found.end() == 0
    assert not found.pids()


async def polls_whoever_answers(found: Workers) -> None:
    """A client without WebSocket: each request is a connection of its own, and reaches any worker."""

    async def page(scope: Any, receive: Any) -> Response:
        body = (await receive())["body"]
        path = f"{scope['path']}?{scope['query_string'].decode()}"
        status, answer = parsed(await raw(found.port, request(path, body, method=scope["method"])))
        return Response(status, (), answer)

    ada = Poller(page, found.token("ada"))
    assert (await ada.open())["status"] == 410
    assert await ada.post(["1", "1", "room:1", "phx_join", {}]) == 200
    for n in range(20):
        assert await ada.post(["1", f"r{n}", "room:1", "echo", {"n": n}]) == 200
    heard: list[Any] = []
    while len(heard) < 20:
        heard += [frame[4]["response"]["n"] for frame in await ada.frames() if str(frame[1])[0] == "r"]
    assert heard == list(range(20))


async def closed(found: Workers, joined: asyncio.Event) -> Closed:
    """How a socket ends."""
    async with wired(found.port, found.token("bob")) as wire:
        await wire.join("room:1")
        joined.set()
        return await wire.closed()


def test_an_app_that_cannot_be_loaded_ends_with_2(tmp_path: Path, store: str) -> None:
    (tmp_path / "workers_app.py").write_text("import os\nos._exit(7)\n")
    found = Workers(tmp_path, store, 3)
    assert found.process.wait(PATIENCE) == 2
    assert "worker 1 ended before it answered (exit code 7)" in found.log.read_text()
    assert found.process.stdout is not None
    found.process.stdout.close()


def test_workers_that_die_young_one_after_the_other_end_all(tmp_path: Path, store: str) -> None:
    (tmp_path / "workers_app.py").write_text(DYING)
    found = Workers(tmp_path, store, 2).up()
    (tmp_path / "die").touch()
    assert found.process.wait(PATIENCE) == 1
    assert "as 5 did in a row: all end" in found.log.read_text()
    assert found.process.stdout is not None
    found.process.stdout.close()


def test_a_second_signal_is_not_waited_for() -> None:
    with _Told() as told:
        signal.raise_signal(signal.SIGTERM)
        assert told.end
        with pytest.raises(SystemExit) as ended:
            signal.raise_signal(signal.SIGINT)
        assert ended.value.code == 128 + signal.SIGINT


APP: Final = """
from kikao import App, Chat, Flows, Text, t
from kikao.live import Live, anyone

flows = Flows()
live = Live(users=anyone)
room = live.channel("room:{name}")


@room.on("echo")
async def echo(channel, payload):
    return payload


@flows.flow("buy")
async def buy(chat: Chat) -> None:
    what = await chat.ask("what", Text(), t("What?"))
    await chat.end(t("{what}", what=what))


app = App(flows, entry="buy", members=False, live=live)
"""

DYING: Final = """
import os, threading, time
from pathlib import Path

if Path("die").exists():
    os._exit(3)

from kikao import App, Flows

flows = Flows()


@flows.flow("buy")
async def buy(chat): ...


def die():
    while not Path("die").exists():
        time.sleep(0.02)
    os._exit(3)


threading.Thread(target=die, daemon=True).start()
app = App(flows, entry="buy", members=False)
"""
