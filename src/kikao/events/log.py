"""One structured line per event: JSON on a stream."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from typing import Final, TextIO

import msgspec

from kikao.events.repeats import Repeats
from kikao.events.types import Event, Limited, Repeated, RequestRefused, Uncaught

_ENCODER = msgspec.json.Encoder()

Group = tuple[str, str, str, str]
"""Event, channel, gateway, and its status, kind or place."""


class LogLines:
    """Writes each event as one JSON line: `{"time": "2026-01-31T12:00:00.000Z", "event": "turn", ...}`.

    Of events that strangers or loops cause (`RequestRefused`, `Limited`, `Uncaught`) the first of a minute have lines;
    how many more there were is one line (`Repeated`), written with the first event after that minute.
    """

    def __init__(
        self, stream: TextIO | None = None, *, clock: Callable[[], dt.datetime] | None = None
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock or (lambda: dt.datetime.now(dt.UTC))
        self._repeats: Repeats[Group] = Repeats()

    def __call__(self, event: Event) -> None:
        now = self._clock()
        for (of, channel, gateway, which), lines, seconds in self._repeats.over(now.timestamp()):
            self._write(
                now,
                Repeated(of=of, channel=channel, gateway=gateway, which=which, count=lines, seconds=seconds),
            )
        if isinstance(event, _BOUNDED) and not self._repeats.shows(*_alike(event), now.timestamp()):
            return
        self._write(now, event)

    def _write(self, now: dt.datetime, event: Event) -> None:
        time = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = _ENCODER.encode(event).decode()
        self._stream.write(f'{{"time":"{time}",{line[1:]}\n')


_BOUNDED: Final = (RequestRefused, Limited, Uncaught)


def _alike(event: RequestRefused | Limited | Uncaught) -> tuple[Group, str]:
    if isinstance(event, Uncaught):
        return ("uncaught", "", "", event.where), event.error
    if isinstance(event, RequestRefused):
        return ("request_refused", event.channel, event.gateway, str(event.status)), event.reason
    return ("limited", event.channel, event.gateway, event.kind), event.session
