"""`examples/live_room.py` as it is run by hand: by the command, with its tokens, and the official client in node."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.http.forked import run, serving
from tests.http.servers import ServerProcess, environment
from tests.live.client.cable import cable
from tests.live.client.devices import device
from tests.live.client.hosts import Hosts
from tests.live.frames import refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOM = "examples.live_room:app"


async def test_the_example_shows_the_protocol(hosts: Hosts, tmp_path: Path) -> None:
    node, data = await hosts.get("node"), tmp_path / "data"
    async with cable(0) as line:
        with serving(data, ROOM, KIKAO_SIMULATOR="off") as server:
            line.to = server.port
            ada, ben = token(data, "ada"), token(data, "ben")
            phone = await device(node, "phone", line.port, auth_token=ada)
            laptop = await device(node, "laptop", line.port, token=ada)
            watcher = await device(node, "watcher", line.port, token=ben)
            for each in (phone, laptop, watcher):
                await each.connect()
            await watcher.join("room:lobby", {"device": "desk"}, resumes=True)
            assert (await phone.join("room:lobby", {"device": "phone"}, resumes=True))["room"] == "lobby"
            await laptop.join("room:lobby", {"device": "laptop"})
            await laptop.try_to_join("room:locked", {"deny": True}, leaves=True)
            assert (await laptop.sees("refused"))["response"] == {"reason": "denied"}
            while len((await watcher.present("room:lobby")).get("ada", [])) < 2:
                await watcher.sees("sync")

            assert (await phone.push("room:lobby", "echo", {"n": 1}))["response"] == {"n": 1}
            assert (await phone.push("room:lobby", "bin", b"\0\xff"))["response"] == b"\0\xff"
            await phone.push("room:lobby", "shout", {"n": 2})
            assert (await watcher.sees("event", event="shout"))["payload"] == {"n": 2, "seq": 1}
            await laptop.push("room:lobby", "crash", timeout=1)
            await laptop.sees("channel error", topic="room:lobby")
            await laptop.sees("joined", topic="room:lobby")
            assert (await laptop.push("room:lobby", "stop"))["status"] == "ok"
            await laptop.sees("channel closed", topic="room:lobby")
            line.plugged = False
            assert await asyncio.to_thread(server.stop) == 0
            for each in (phone, laptop, watcher):
                assert (await each.sees("close"))["code"] == 1012

        with serving(data, ROOM, KIKAO_SIMULATOR="off") as again:
            line.to, line.plugged = again.port, True
            back = (await phone.sees("joined", topic="room:lobby"))["response"]
            assert (back["recovered"], back["seq"], back["messages"]) == (True, 1, [])
            await watcher.sees("joined", topic="room:lobby")
            await phone.push("room:lobby", "shout", {"n": 3})
            assert (await watcher.sees("event", event="shout", payload={"n": 3}))["payload"]["seq"] == 2

            await phone.push("room:lobby", "log_out", timeout=1)

            ended = await phone.sees("event", topic="room:lobby", event="session_ended")
            assert ended["payload"] == {"reason": "logged_out"}
            await phone.disconnect()
            assert (await refused(again.port, ada)).status == 403
            assert await watcher.connected()
            assert quiet(again)
            await node.forget()


def token(data: Path, user: str) -> str:
    """As somebody at a keyboard gets one."""
    done = run(("live", "token", "--user", user), folder=data.parent, env=environment(data))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def quiet(server: ServerProcess) -> bool:
    """Whether the log has no more of an error than that a function raised, as it was asked to."""
    lines = server.log.read_text().splitlines()
    return not [
        line for line in lines if "Traceback" in line or ("ERROR" in line and "error.uncaught" not in line)
    ]
