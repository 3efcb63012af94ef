"""Hubs without a server around them: a clock to move, and sockets without a network."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final, TypeVar

from kikao.bus import Fanout, MemoryFanout
from kikao.channels.socket.tokens import Tokens
from kikao.config import Hidden
from kikao.config.jwt import JwtKey, JwtSettings
from kikao.events import Event
from kikao.live import Channel, Hub, Kept, Live, LiveLimits
from kikao.live.endpoint import Endpoint
from kikao.live.stores.memory import MemoryLive
from kikao.live.stores.store import LiveStore
from kikao.live.users import Users, anyone
from tests.live.inside import InsideSocket

E = TypeVar("E", bound=Event)

JWT: Final = JwtSettings(keys=(JwtKey("k1", "HS256", Hidden(bytes(range(32)))),))
BEGIN: Final = 1_800_000_000.0


class Time:
    """Seconds, as a test has them pass."""

    def __init__(self) -> None:
        self.passed = 0.0

    def steady(self) -> float:
        """That only grow."""
        return 1000.0 + self.passed

    def wall(self) -> float:
        """Since the epoch."""
        return BEGIN + self.passed


class AtWork:
    """A hub, and whoever connects to it."""

    def __init__(
        self,
        live: Live,
        *,
        time: Time | None = None,
        store: LiveStore | None = None,
        bus: Fanout | None = None,
        users: Users = anyone,
    ) -> None:
        self.time = time or Time()
        self.events: list[Event] = []
        self.tokens = Tokens(JWT, clock=self.time.wall)
        self.store = store or MemoryLive(clock=self.time.steady, wall=self.time.wall)
        self.hub = Hub(
            live,
            live.users or users,
            self.tokens,
            3600.0,
            self.store,
            bus or MemoryFanout(),
            self.events.append,
            clock=self.time.steady,
            wall=self.time.wall,
        )
        self.endpoint = Endpoint(self.hub, ("https://app.example",))

    def socket(self, user: str = "ada", *, seconds: int = 600, token: str | None = None) -> InsideSocket:
        """One that is not open yet."""
        token = self.tokens.sign(user, seconds) if token is None else token
        return InsideSocket(self.endpoint, "/socket/websocket", token)

    async def open(self, user: str = "ada", *, seconds: int = 600) -> InsideSocket:
        """One that is open."""
        socket = self.socket(user, seconds=seconds)
        assert await socket.open() == 101
        return socket

    def heard(self, kind: type[E]) -> list[E]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


@contextlib.asynccontextmanager
async def at_work(live: Live, **of: object) -> AsyncIterator[AtWork]:
    """A hub at work; see `AtWork`."""
    found = AtWork(live, **of)  # type: ignore[arg-type]
    await found.hub.open()
    await found.hub.start()
    try:
        yield found
    finally:
        await found.hub.stop()


class two_at_work:  # noqa: N801 - reads as `at_work`
    """Two processes of an app, on one store and one bus."""

    def __init__(self, live: Live, **of: Any) -> None:
        time, bus = Time(), MemoryFanout()
        store = MemoryLive(clock=time.steady, wall=time.wall)
        self._both = [AtWork(live, time=time, store=store, bus=bus, **of) for _ in range(2)]

    async def __aenter__(self) -> tuple[AtWork, AtWork]:
        for each in self._both:
            await each.hub.open()
            await each.hub.start()
        return self._both[0], self._both[1]

    async def __aexit__(self, *_: object) -> None:
        for each in self._both:
            await each.hub.stop()


def an_app(**limits: Any) -> Live:
    """Rooms with presence, a topic of each user, what is kept, and one to ask and to fail in."""
    live = Live(limits=LiveLimits(**limits))
    live.channel("room:{name}", presence=True)
    live.channel("user:{user_id}")
    live.channel("kept:{name}", keeps=Kept(messages=5, seconds=600))
    room = live.channel("ask:{name}")

    @room.on("hi")
    async def hi(channel: Channel, payload: dict[str, Any]) -> None: ...

    @room.on("fail")
    async def fail(channel: Channel, payload: dict[str, Any]) -> None:
        raise LookupError("as asked")

    return live
