"""The app whose sockets are measured: `kikao run benchmarks.live.app:app`. `BENCH_LIMITS` has its limits, as JSON."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import msgspec

from benchmarks.live.inside import CONTROL, Inside, payload
from benchmarks.turns import TIRELESS
from benchmarks.wallet import flows
from kikao.app import App
from kikao.live import Channel, Live, LiveLimits, anyone

live = Live(users=anyone, limits=msgspec.json.decode(os.environ.get("BENCH_LIMITS", "{}"), type=LiveLimits))
app = App(flows, entry="wallet", policy=TIRELESS, live=live)

_inside = Inside()


class Flood(msgspec.Struct):
    """So many broadcasts to a topic, of payloads of so many octets."""

    topic: str
    times: int
    octets: int


@live.channel("room:{name}", presence=True)
async def room(channel: Channel, params: dict[str, Any]) -> None:
    """Whoever is here is seen."""
    await channel.track({"device": "bench"})


@live.channel("crowd:{name}")
async def crowd(channel: Channel, params: dict[str, Any]) -> None:
    """Too many to be told of each other."""


@room.on("echo")
@crowd.on("echo")
async def echo(channel: Channel, said: dict[str, Any]) -> dict[str, Any]:
    """The same."""
    return said


@room.on("crash")
async def crash(channel: Channel, said: dict[str, Any]) -> None:
    """A mistake of the app's."""
    raise RuntimeError("a benchmark's handler crashed, as it was told to")


@live.channel(CONTROL)
async def control(channel: Channel, params: dict[str, Any]) -> None:
    """The benchmark's own."""


@control.on("collect")
async def collect(channel: Channel, said: dict[str, Any]) -> Mapping[str, Any]:
    """Garbage is gone."""
    return await _inside.collect()


@control.on("watch")
async def watch(channel: Channel, said: dict[str, Any]) -> Mapping[str, Any]:
    """The event loop is watched."""
    return await _inside.watch()


@control.on("lag")
async def lag(channel: Channel, said: dict[str, Any]) -> Mapping[str, Any]:
    """How late it was."""
    return await _inside.lag()


@control.on("flood")
async def flood(channel: Channel, said: Flood) -> None:
    """Broadcasts, one after the other."""
    news = payload(said.octets)
    for _ in range(said.times):
        await channel.hub.broadcast(said.topic, "news", news)
        await asyncio.sleep(0)
