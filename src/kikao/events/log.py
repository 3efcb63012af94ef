"""One structured line per event: JSON on a stream."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from typing import TextIO

import msgspec

from kikao.events.types import Event

_ENCODER = msgspec.json.Encoder()


class LogLines:
    """Writes each event as one JSON line: `{"time": "2026-01-31T12:00:00.000Z", "event": "turn", ...}`."""

    def __init__(
        self, stream: TextIO | None = None, *, clock: Callable[[], dt.datetime] | None = None
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock or (lambda: dt.datetime.now(dt.UTC))

    def __call__(self, event: Event) -> None:
        time = self._clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = _ENCODER.encode(event).decode()
        self._stream.write(f'{{"time":"{time}",{line[1:]}\n')
