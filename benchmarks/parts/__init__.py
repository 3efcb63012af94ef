"""The parts of `make bench`: each gives lines of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from benchmarks.engines import Engines
from benchmarks.parts.chats import chats
from benchmarks.parts.gateways import gateways
from benchmarks.parts.http import http, members, working
from benchmarks.parts.live import live
from benchmarks.parts.process import replay, starting, turn
from benchmarks.parts.stores import claims, client, sending, sweeping
from benchmarks.table import Line

Part = Callable[[Engines], Iterator[Line]]

PARTS: Final[dict[str, Part]] = {
    "replay": replay,
    "turn": turn,
    "gateways": gateways,
    "chats": chats,
    "client": client,
    "http": http,
    "members": members,
    "store": claims,
    "sweep": sweeping,
    "outbox": sending,
    "workers": working,
    "start": starting,
    "live": live,
}
