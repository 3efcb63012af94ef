"""One of the workers of `kikao run --workers`: loads the app, serves on the socket it was given, and says so.

`python -m kikao.cli.worker TARGET NUMBER SOCKET TELLS HEARS`: numbers of the listening socket and of two pipes. On
`TELLS` goes one line of JSON, a `Serving`, once it answers. When `HEARS` closes, whoever started this is gone, and so
is this.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys

import msgspec

from kikao.cli.parent import OUTLIVES, end_with_it
from kikao.config import Settings


class Serving(msgspec.Struct):
    """A worker answers."""

    url: str
    order: list[str]
    """The names of the middleware around a turn."""
    lacking: list[str] = []
    """Channels that the app is meant for, and has no line of."""
    live: list[str] = []
    """The paths of live sessions, of each app that has any."""


def main(target: str, number: int, door: int, tells: int, hears: int) -> None:
    """Load, serve, tell."""
    from kikao.cli.served import serve_on, served

    what = served(target, adapted=Settings.without_simulator)
    end_with_it(hears, outlives=what.drain + OUTLIVES)

    def announced(url: str, ahead: float) -> None:
        with contextlib.suppress(BrokenPipeError):
            told = Serving(url, list(what.order), list(what.lacking), list(what.live))
            os.write(tells, msgspec.json.encode(told) + b"\n")
        os.close(tells)

    with contextlib.closing(socket.socket(fileno=door)) as listening:
        serve_on(listening, what, announced, worker=number)


if __name__ == "__main__":
    _target, *_numbers = sys.argv[1:]
    _number, _door, _tells, _hears = map(int, _numbers)
    sys.argv = [sys.argv[0]]
    main(_target, _number, _door, _tells, _hears)
