"""Rooms over WebSocket, for the official `phoenix` client, to try and to check against: a join that may be refused,
presence, a reply, a broadcast that is kept, octets, a crash, a channel that stops, a log-out.

pip install './kikao[live]'       # in the folder with a checkout of kikao
cd examples                       # of that checkout; both commands there: the key of the token lies in its data folder
kikao run live_room:app
kikao live token --user ada       # in another terminal
"""

from __future__ import annotations

from typing import Any

import msgspec

from kikao import App, Chat, Flows, t
from kikao.live import Channel, Kept, Live, Refused, Stop, anyone

flows = Flows()
live = Live(users=anyone)


@flows.flow("about", title=t("About"))
async def about(chat: Chat) -> None:
    """What a web chat with this app says."""
    await chat.end(t("The rooms are on the topics room:<name>."))


class Enter(msgspec.Struct):
    """What a client sends when it joins a room."""

    device: str = ""
    deny: bool = False


@live.channel("room:{name}", presence=True, keeps=Kept(messages=300, seconds=3600))
async def room(channel: Channel, params: Enter) -> dict[str, Any]:
    """Let somebody in, and have the others see on which device."""
    if params.deny:
        raise Refused("denied")
    await channel.track({"device": params.device})
    return {"room": channel.at["name"]}


@room.on("echo")
async def echo(channel: Channel, payload: dict[str, Any]) -> dict[str, Any]:
    """Reply what was said."""
    return payload


@room.on("shout")
async def shout(channel: Channel, payload: dict[str, Any]) -> None:
    """Say it to all in the room; who is away hears it when they are back."""
    await channel.broadcast("shout", payload)


@room.on("bin")
async def binary(channel: Channel, payload: bytes) -> bytes:
    """Reply the same octets."""
    return payload


@room.on("crash")
async def crash(channel: Channel, payload: Any) -> None:
    """Fail: this channel ends, the client joins it again, and nobody else notices."""
    raise RuntimeError("as asked")


@room.on("stop")
async def stop(channel: Channel, payload: Any) -> Stop:
    """End the channel; the client does not join again."""
    return Stop()


@room.on("log_out")
async def log_out(channel: Channel, payload: Any) -> None:
    """End all sockets of this user, everywhere; their tokens are worth nothing from now on."""
    await channel.log_out()


app = App(flows, entry="about", live=live, channels=("socket",))
