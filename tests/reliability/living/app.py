"""An app of rooms, inboxes and a desk from which operators ask and act. `LIVE_LEASE` in the environment shortens how
long a dead process is taken to live, and with it everything that follows from that; `AWAY` is a file with a line for
each notification that was handed over for somebody who is away.
"""

from __future__ import annotations

import os
import time
from typing import Any

import msgspec

from kikao import App, Chat, Flows, t
from kikao.live import Channel, Kept, Live, LiveLimits, Refused, anyone
from kikao.live.presence import tracking, watching
from kikao.live.stores import store
from kikao.live.stores.postgresql import PostgreSQLLive
from kikao.live.stores.redis import RedisLive
from kikao.notices.inbox import Inbox, Notification, Notifications, offer

if lease := os.environ.get("LIVE_LEASE"):  # this process only
    share = float(lease) / store.LEASE
    for module, name in (
        (tracking, "BEAT"),
        (tracking, "REAP"),
        (watching, "DOUBT"),
        (watching, "POSITION"),
    ):
        assert name in vars(module), f"{module.__name__} has no {name} any more"
        vars(module)[name] *= share
    for kind in (RedisLive, PostgreSQLLive):
        defaults = kind.__init__.__kwdefaults__
        assert defaults is not None
        assert "lease" in defaults
        defaults["lease"] = float(lease)

flows = Flows()
limits = LiveLimits(
    events=10_000.0,
    burst=10_000,
    user_connects=1000.0,
    user_burst=1000,
    connects=10_000.0,
    window=float(os.environ.get("WINDOW", "30")),
    drain=3.0,
    drained=10,
    drain_pause=0.1,
)
live = Live(users=anyone, limits=limits)


@flows.flow("menu")
async def menu(chat: Chat) -> None:
    await chat.end(t("Bye."))


class Enter(msgspec.Struct):
    """What a device says when it joins."""

    device: str = ""


@live.channel("room:{name}", presence=True, keeps=Kept(messages=1000, seconds=3600.0))
async def room(channel: Channel, params: Enter) -> None:
    if params.device:
        await channel.track({"device": params.device})


@room.on("echo")
async def echo(channel: Channel, payload: dict[str, Any]) -> dict[str, Any]:
    return payload


@room.on("shout")
async def shout(channel: Channel, payload: dict[str, Any]) -> None:
    await channel.broadcast("shout", payload)


@live.channel("desk")
async def desk(channel: Channel, params: dict[str, Any]) -> dict[str, Any]:
    return {"node": channel.hub.node}


@desk.on("notify")
async def notify(channel: Channel, payload: dict[str, Any]) -> dict[str, Any]:
    try:
        pushed = await channel.service(Inbox).push(
            payload["user"], "told", {"n": payload["n"]}, key=str(payload["n"])
        )
    except Exception as error:
        raise Refused("unavailable", what=type(error).__name__) from error
    assert pushed is not None
    return {"id": pushed.id}


@desk.on("unread")
async def unread(channel: Channel, payload: dict[str, Any]) -> dict[str, Any]:
    return (await channel.service(Inbox).unread(payload["user"])).told


@desk.on("session")
async def session(channel: Channel, payload: dict[str, Any]) -> dict[str, Any]:
    found = await channel.hub.get_session(payload["user"])
    exists = await channel.hub.session_exists(payload["user"])
    return {"exists": exists, "session": None if found is None else msgspec.to_builtins(found)}


@desk.on("stop_session")
async def stop_session(channel: Channel, payload: dict[str, Any]) -> dict[str, Any]:
    return {"existed": await channel.hub.stop_session(payload["user"])}


@desk.on("log_out")
async def log_out(channel: Channel, payload: dict[str, Any]) -> None:
    await channel.hub.log_out(payload["user"])


async def hand_over(user: str, notification: Notification) -> None:
    """Write it down, in one write, whichever process does."""
    line = f"{notification.id} {user} {os.getpid()} {time.time():.3f}\n"
    file = os.open(os.environ["AWAY"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


offer(live)
app = App(
    flows,
    entry="menu",
    members=False,
    live=live,
    channels=("socket",),
    notifications=Notifications(away=hand_over),
)
