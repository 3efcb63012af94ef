"""The provider's end of an asynchronous gateway, for a phone in the terminal: screens come here by calls."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from kikao.channels.calling import Answer, Call, Make
from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Client
from kikao.channels.ussd.gateway import UssdGateway
from kikao.cli.serving import give_up
from kikao.config import Hidden

PATIENCE: Final = 10.0
"""Seconds that a member waits for a screen."""

LARGEST: Final = 64 * 1024
"""Octets of a call: a screen has a few hundred."""


class Screens:
    """Screens as they come. `reader` is a client of the gateway, which knows what its provider demands of a call."""

    def __init__(self, reader: Client) -> None:
        self._reader = reader
        self._came: queue.SimpleQueue[tuple[str, Response]] = queue.SimpleQueue()

    def take(self, call: Call) -> Answer:
        """What the provider says to a call; 400 where it would refuse it."""
        try:
            shown = self._reader.read_pushed(call)
        except (ValueError, LookupError, TypeError):
            return Answer(400)
        self._came.put((shown.dialogue, Response(200, call.headers, call.body)))
        return self._reader.taken()

    def next(self, dialogue: str, patience: float = PATIENCE) -> Response | None:
        """The next screen of a dialogue, as a phone reads it; None where none comes in so many seconds."""
        with contextlib.suppress(queue.Empty):
            while True:
                of, response = self._came.get(timeout=patience)
                if of == dialogue:
                    return response
        return None

    def network(self, gateway: UssdGateway) -> Make:
        """What makes the calls of an app in this process: nothing leaves it."""

        async def make(call: Call) -> Answer:
            return self.take(call)

        return make

    @contextlib.contextmanager
    def listening(self, port: int) -> Iterator[None]:
        """Take the calls of a server of this machine, over HTTP. Exits with 2 when the port cannot be had."""
        take = self.take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = self.headers.get("content-length", "")
                size = (
                    int(length) if length.isascii() and length.isdigit() and len(length) < 7 else LARGEST + 1
                )
                if size > LARGEST:
                    self.send_error(413)
                    return
                headers = tuple((name.lower(), value) for name, value in self.headers.items())
                answer = take(Call(Hidden(self.path.encode()), headers, self.rfile.read(size), self.command))
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_PUT = do_POST  # noqa: N815 - the name that the standard library calls

            def log_message(self, *_: object) -> None:
                """Nothing: a path may hold a token."""

        try:
            server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except OSError as error:
            give_up(f"--listen {port}: {error.strerror}")
        thread = threading.Thread(target=server.serve_forever, name="kikao-screens", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
