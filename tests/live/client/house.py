"""An app whose channels do everything that the protocol knows, and a server of it on a port, in this event loop."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from kikao import App, Chat, Flows, t
from kikao.channels.socket.tokens import Tokens
from kikao.cli.ending import Ending
from kikao.cli.serving import listen
from kikao.cli.web_server import WebServer
from kikao.config import load
from kikao.events import Event
from kikao.live import NO_REPLY, Channel, Hub, Kept, Live, LiveLimits, Refused, Reply, Stop, anyone
from kikao.server import Server
from kikao.sessions.stores.memory import MemoryStore
from tests.waiting import until

flows = Flows()

GENEROUS: Final = LiveLimits(
    events=100_000.0,
    burst=100_000,
    user_connects=10_000.0,
    user_burst=10_000,
    connects=10_000.0,
    crashes=1000,
    sockets=1000,
)
"""For tests that are not about limits."""

_NAMES = itertools.count(1)


def topic() -> str:
    """One that no other test knows."""
    return f"room:{next(_NAMES)}"


@flows.flow("menu")
async def menu(chat: Chat) -> None:
    await chat.end(t("Bye."))


class Enter(msgspec.Struct):
    """What a join says."""

    device: str = ""
    deny: bool = False
    breaks: bool = False
    tracks: bool = False


class Meta(msgspec.Struct):
    """What somebody says of themselves."""

    status: str


class Doings:
    """What the channels of a house did, and what they wait for."""

    def __init__(self) -> None:
        self.left: list[tuple[str, str]] = []
        """Topic and reason of each channel that was over."""
        self.heard: list[Any] = []
        """Payloads of `note`, in order."""
        self.gates: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        """Opened by tests."""
        self.waiting: list[str] = []
        """Gates that somebody stands before."""

    async def wait(self, gate: str) -> None:
        self.waiting.append(gate)
        await self.gates[gate].wait()
        self.waiting.remove(gate)


def live_of(doings: Doings, limits: LiveLimits = GENEROUS, **options: Any) -> Live:
    """The channels."""
    live = Live(users=anyone, limits=limits, **options)

    @live.channel("room:{name}", presence=True)
    async def room(channel: Channel, params: Enter) -> dict[str, Any] | None:
        if params.deny:
            raise Refused("denied", why={"deep": [1, None]})
        if params.breaks:
            raise ValueError("a secret: 4711")
        if params.device:
            await channel.track({"device": params.device})
        return None

    @room.on("echo")
    async def echo(channel: Channel, payload: dict[str, Any]) -> dict[str, Any]:
        return payload

    @room.on("any")
    async def anything(channel: Channel, payload: Any) -> dict[str, Any]:
        return {"got": payload if not isinstance(payload, bytes) else len(payload)}

    @room.on("bin")
    async def binary(channel: Channel, payload: bytes) -> bytes:
        return payload

    @room.on("bins")
    async def binaries(channel: Channel, payload: bytes) -> bytes:
        await channel.push("pushed", payload)
        await channel.broadcast("told", payload)
        return payload

    @room.on("shout")
    async def shout(channel: Channel, payload: dict[str, Any]) -> None:
        await channel.broadcast("shout", payload)

    @room.on("others")
    async def others(channel: Channel, payload: dict[str, Any]) -> None:
        await channel.broadcast_others("others", payload)

    @room.on("push")
    async def push(channel: Channel, payload: dict[str, Any]) -> None:
        await channel.push("pushed", payload)

    @room.on("note")
    async def note(channel: Channel, payload: dict[str, Any]) -> None:
        doings.heard.append(payload["n"])
        await channel.push("noted", payload)

    @room.on("slow")
    async def slow(channel: Channel, payload: dict[str, str]) -> dict[str, str]:
        await doings.wait(payload["gate"])
        return payload

    @room.on("later")
    async def later(channel: Channel, payload: dict[str, str]) -> object:
        reply = channel.later()

        async def answer() -> None:
            await doings.wait(payload["gate"])
            reply({"late": True})
            reply({"late": "twice"})

        _ = channel.hub.spawn(answer())
        return NO_REPLY

    @room.on("silent")
    async def silent(channel: Channel, payload: dict[str, Any]) -> object:
        return NO_REPLY

    @room.on("custom")
    async def custom(channel: Channel, payload: dict[str, Any]) -> Reply:
        return Reply("custom", {"my": "status"})

    @room.on("refuse")
    async def refuse(channel: Channel, payload: dict[str, Any]) -> None:
        raise Refused("no", more=1)

    @room.on("crash")
    async def crash(channel: Channel, payload: dict[str, Any]) -> None:
        raise ValueError("a secret: 4711")

    @room.on("wrong")
    async def wrong(channel: Channel, payload: dict[str, Any]) -> Any:
        return ["no object"]

    @room.on("stop")
    async def stop(channel: Channel, payload: dict[str, Any]) -> None:
        await channel.stop()

    @room.on("stop_with")
    async def stop_with(channel: Channel, payload: dict[str, Any]) -> Stop:
        return Stop({"last": "word"})

    @room.on("meta")
    async def meta(channel: Channel, payload: Meta) -> None:
        await channel.update({"device": "web", "status": payload.status})

    @room.on("log_out")
    async def log_out(channel: Channel, payload: dict[str, Any]) -> None:
        await channel.log_out()

    @room.leave
    async def left(channel: Channel, reason: str) -> None:
        doings.left.append((channel.topic, reason))
        await channel.push("goodbye", {"reason": reason})
        await channel.broadcast_others("has_left", {"reason": reason})

    @live.channel("gated:{gate}")
    async def gated(channel: Channel, params: dict[str, Any]) -> dict[str, Any]:
        await channel.push("early", {})
        await doings.wait(channel.at["gate"])
        return {"was": "slow"}

    @gated.leave
    async def ungated(channel: Channel, reason: str) -> None:
        doings.left.append((channel.topic, reason))

    @live.channel("kept:{name}", keeps=Kept(messages=5, seconds=600.0), presence=True)
    async def kept(channel: Channel, params: Enter) -> None:
        if params.device:
            await channel.track({"device": params.device})

    @kept.on("say")
    async def say(channel: Channel, payload: dict[str, Any]) -> None:
        await channel.broadcast("said", payload)

    @live.channel("where")
    async def where(channel: Channel, params: dict[str, Any]) -> dict[str, Any]:
        return {"connection": msgspec.to_builtins(channel.connection), "user": channel.user.id}

    @live.channel("user:{user_id}")
    async def own(channel: Channel, params: dict[str, Any]) -> dict[str, Any]:
        return {"at": dict(channel.at)}

    @live.channel("two:{first}:{second}")
    async def two(channel: Channel, params: dict[str, Any]) -> dict[str, Any]:
        return dict(channel.at)

    return live


class Moment:
    """How far a house's clocks are ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def wall(self) -> float:
        return time.time() + self.ahead

    def clock(self) -> float:
        return time.monotonic() + self.ahead


class House:
    """A server of these channels. `told` are the events it told of."""

    def __init__(
        self,
        port: int,
        server: Server,
        doings: Doings,
        told: list[Event],
        ending: Ending,
        moment: Moment,
    ) -> None:
        self.port = port
        self._moment = moment
        self.server = server
        self.doings = doings
        self.told = told
        self.ending = ending
        tokens = Tokens.of(server.settings, clock=moment.wall)
        assert tokens is not None
        self.tokens = tokens

    @property
    def hub(self) -> Hub:
        assert self.server.hub is not None
        return self.server.hub

    def token(self, user: str, seconds: int = 3600) -> str:
        return self.tokens.sign(user, seconds)

    def later(self, seconds: float) -> None:
        """So much time passes, in which nothing happens."""
        self._moment.ahead += seconds
        self.hub.look()

    async def left(self, topic: str, reason: str) -> None:
        """Wait until a channel was over for this reason."""
        await until(lambda: (topic, reason) in self.doings.left, f"{topic} to end as {reason}")


@asynccontextmanager
async def housed(
    folder: Path,
    limits: LiveLimits = GENEROUS,
    *,
    live: Live | None = None,
    doings: Doings | None = None,
    port: int = 0,
    env: dict[str, str] | None = None,
    drain: float = 0.0,
) -> AsyncIterator[House]:
    """The house, served; drained and stopped at the end. With the same folder its tokens are good for the next one."""
    doings, moment = doings or Doings(), Moment()
    told: list[Event] = []
    app = App(flows, entry="menu", members=False, live=live or live_of(doings, limits))
    settings = load({"KIKAO_SIMULATOR": "off", **(env or {})}, folder, makes_keys=True)
    answering, ending = asyncio.Event(), Ending()
    with listen("127.0.0.1", port) as door:
        async with app.serving(
            settings, store=MemoryStore(), clock=moment.wall, subscribers=[told.append]
        ) as server:
            web = WebServer(server, ending, answering.set, drain=drain, last_call=0.0)
            serving = asyncio.create_task(web.serve([door]))
            await answering.wait()
            try:
                house = House(door.getsockname()[1], server, doings, told, ending, moment)
                house.hub.clock = moment.clock
                yield house
            finally:
                ending.told = signal.SIGTERM
                await serving
