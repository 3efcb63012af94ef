"""The servers that are measured over HTTP, each in a process of its own (`main` has the arguments).

Both run uvicorn as `kikao run` does, with httptools and uvloop, without access log, and keep sessions at the URL.
They print their port, and then answer each line on standard input with the CPU seconds used so far.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import uvicorn

from kikao.cli.http import BoundedHead


def kikao(folder: Path, store: str) -> Any:
    """The wallet's menu as `kikao run` serves it: every turn claimed, sealed, committed, logged."""
    from benchmarks.app import app
    from kikao.channels.ussd.registry import SLUGS
    from kikao.config import load

    environ = {"KIKAO_DATA": str(folder), "KIKAO_STORE": store}
    app.settings = load(environ, cwd=folder, gateways=SLUGS, makes_keys=True)
    return app


def bare(folder: Path, store: str) -> Any:
    """Starlette with the raw client of the store: it reads and writes 700 bytes, and answers the same text, always.

    On SQLite it only writes, in the request itself, and commits before it answers.
    """
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    from benchmarks.clients import KEYS, Turn, raw

    does: Turn

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        nonlocal does
        async with raw(store, reads=False) as does:
            yield

    async def turn(request: Request) -> PlainTextResponse:
        body = await request.body()
        await does(KEYS[hash(body) % len(KEYS)])
        return PlainTextResponse("CON Hello. Choose an option.\n1 Buy airtime\n2 Balance")

    return Starlette(routes=[Route("/ussd/africastalking", turn, methods=["POST"])], lifespan=lifespan)


SERVERS: Final = {"kikao": kikao, "bare": bare}


class _Web(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)


def _tell_cpu() -> None:
    for _ in sys.stdin:
        print(time.process_time(), flush=True)


def main() -> None:
    """The child: `python -m benchmarks.servers NAME FOLDER URL`."""
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
