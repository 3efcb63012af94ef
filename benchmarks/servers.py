"""The servers that are measured over HTTP, each in a process of its own: `python -m benchmarks.servers NAME FOLDER`.

Both run uvicorn as `kikao run` does, with httptools and uvloop, without access log, and put what they keep into FOLDER.
They print their port, and then answer each line on standard input with the CPU seconds used so far.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import uvicorn

from kikao.cli.http import BoundedHead

BLOB: Final = bytes(700)
"""What the bare server stores with a request: about what a sealed session has."""


def kikao(folder: Path, store: str) -> Any:
    """The wallet's menu as `kikao run` serves it: every turn claimed, sealed, committed, logged."""
    from benchmarks.turns import TIRELESS
    from benchmarks.wallet import flows
    from kikao.app import App
    from kikao.channels.ussd.registry import SLUGS
    from kikao.config import load

    environ = {"KIKAO_DATA": str(folder), **({"KIKAO_STORE": store} if store else {})}
    app = App(flows, entry="wallet", policy=TIRELESS)
    app.settings = load(environ, cwd=folder, gateways=SLUGS, makes_keys=True)
    return app


def bare(folder: Path, store: str) -> Any:
    """Starlette, and one row written in the request itself: WAL, FULL, committed before the answer."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE sessions (key BLOB PRIMARY KEY, state BLOB NOT NULL)")

    async def turn(request: Request) -> PlainTextResponse:
        body = await request.body()
        connection.execute(
            "INSERT INTO sessions VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET state = excluded.state",
            (body[:80], BLOB),
        )
        return PlainTextResponse("CON Hello. Choose an option.\n1 Buy airtime\n2 Balance")

    return Starlette(routes=[Route("/ussd/africastalking", turn, methods=["POST"])])


SERVERS: Final = {"kikao": kikao, "bare": bare}


class _Web(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)


def _tell_cpu() -> None:
    for _ in sys.stdin:
        print(time.process_time(), flush=True)


def main() -> None:
    """The child."""
    name, folder, store = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    config = uvicorn.Config(
        SERVERS[name](folder, store),
        host="127.0.0.1",
        port=0,
        loop="uvloop",
        http=BoundedHead if name == "kikao" else "httptools",
        proxy_headers=False,
        access_log=False,
        log_level="warning",
        server_header=False,
    )
    threading.Thread(target=_tell_cpu, daemon=True).start()
    _Web(config).run()


if __name__ == "__main__":
    main()
