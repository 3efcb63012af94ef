"""What Python's `logging` is told, as lines of JSON among those of the events. It would print bare texts."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import sys
from collections.abc import Iterator
from typing import Final, TextIO

import msgspec

LEVEL: Final = logging.WARNING
"""What Python prints where nobody has set anything up."""


@contextlib.contextmanager
def logged(stream: TextIO | None = None, *, worker: int = 0) -> Iterator[None]:
    """Write warnings and errors of every logger as `{"time": …, "event": "log", …}`; for whoever owns the process.

    A `worker` of several has its number in each line. What the app has set up itself is left to it. Of an exception the
    type is written, and never its text.
    """
    root = logging.getLogger()
    if root.handlers:
        yield
        return
    handler = _Lines(stream, worker)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


class _Lines(logging.Handler):
    def __init__(self, stream: TextIO | None, worker: int) -> None:
        super().__init__(LEVEL)
        self._stream = stream
        self._worker = {"worker": worker} if worker else {}

    def emit(self, record: logging.LogRecord) -> None:
        try:
            at = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
            line = {
                "time": at.replace("+00:00", "Z"),
                **self._worker,
                "event": "log",
                "level": record.levelname.lower(),
                "logger": record.name,
                "text": record.getMessage(),
            }
            if record.exc_info and record.exc_info[0] is not None:
                line["error"] = record.exc_info[0].__name__
            (self._stream or sys.stderr).write(msgspec.json.encode(line).decode() + "\n")
        except Exception:  # noqa: BLE001 - as every handler of Python's
            self.handleError(record)
