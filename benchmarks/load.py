"""A load generator: so many members at once on keep-alive connections, each with the next request when it is answered.

Raw sockets and the least of HTTP, so that it costs less than what it measures. Loopback only; bounded in turns and in
time.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple, cast

from benchmarks.conversation import SEEN, TYPED
from benchmarks.subjects import ROOT
from kikao.channels.ussd.clients.africastalking import AfricasTalkingClient

PATIENCE: Final = 60.0
"""Seconds a round may take."""

_dials = count()


class Round(NamedTuple):
    """What so many turns took."""

    turns: int
    wall: float
    """Seconds."""
    cpu: float
    """Seconds of the server, all its threads."""
    waits: list[float]
    """Seconds from each request to its reply, sorted."""


class Server:
    """A server of `benchmarks.servers` in a process of its own."""

    def __init__(self, name: str, folder: Path, store: str) -> None:
        self._log = (folder / "log").open("wb")
        self._child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.servers", name, str(folder), store],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=ROOT,
        )
        self._checked = name == "kikao"
        self.port = int(self._answer())

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.terminate()
        self._child.communicate()
        self._log.close()

    def round(self, members: int, turns: int) -> Round:
        """So many members at once, and about so many turns in all: each holds as many whole conversations.

        They are the same members in each round, known from the second on.
        """
        before = self._cpu()
        wall, waits = asyncio.run(talk(self.port, members, turns, checked=self._checked))
        return Round(len(waits), wall, self._cpu() - before, waits)

    def _cpu(self) -> float:
        assert self._child.stdin is not None
        self._child.stdin.write("\n")
        self._child.stdin.flush()
        return float(self._answer())

    def _answer(self) -> str:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            log = Path(self._log.name).read_text(errors="replace")
            raise RuntimeError(f"the server ended early:\n{log[-2000:]}")
        return line


async def talk(port: int, members: int, turns: int, *, checked: bool = True) -> tuple[float, list[float]]:
    """Seconds that it took in all, and those of each turn, sorted."""
    phones = [_Busy(f"+25677{number:07}", checked=checked) for number in range(members)]
    loop = asyncio.get_running_loop()
    for phone in phones:
        await loop.create_connection(lambda phone=phone: phone, "127.0.0.1", port)  # type: ignore[misc]
    share = max(1, round(turns / len(phones) / len(TYPED))) * len(TYPED)
    before = time.perf_counter()
    for phone in phones:
        phone.start(share)
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(phone.done for phone in phones))
    finally:
        for phone in phones:
            phone.hang_up()
    wall = time.perf_counter() - before
    return wall, sorted(wait for phone in phones for wait in phone.waits)


class Phone(asyncio.Protocol):
    """One member: conversation after conversation, on a connection that is kept. When is a subclass's to say."""

    def __init__(self, number: str, *, checked: bool = True) -> None:
        self.waits: list[float] = []
        """Seconds from each post to its reply."""
        self.posted_at = 0.0
        """When the last turn was, by `time.perf_counter`."""
        self._number = number
        self._checked = checked
        self._received = b""
        self.begin()

    def begin(self) -> None:
        """A conversation, whatever became of the one before."""
        self._requests = _requests(self._number)

    def post(self) -> None:
        """The next turn."""
        request, self._seen = next(self._requests)
        self.posted_at = time.perf_counter()
        self._transport.write(request)

    def answered(self) -> None:
        """A turn was, with the screen that was to come."""

    def refused(self, answer: bytes) -> None:
        """It was answered otherwise."""
        self.failed(RuntimeError(f"expected {self._seen!r}, got {answer!r}"))

    def failed(self, error: Exception) -> None:
        """It goes no further."""

    def hang_up(self) -> None:
        """The connection is closed."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]):
            return
        self.waits.append(time.perf_counter() - self.posted_at)
        answer, self._received = self._received, b""
        if not head.startswith(b"HTTP/1.1 200") or (self._checked and self._seen not in body):
            self.refused(answer)
        else:
            self.answered()

    def connection_lost(self, error: Exception | None) -> None:
        self.failed(error or ConnectionError("the server closed a connection"))


class _Busy(Phone):
    """Says the next when it was answered, so often."""

    def start(self, turns: int) -> None:
        """Dial, if there is anything to say."""
        self.done = asyncio.get_running_loop().create_future()
        self._left = turns
        self.answered()

    def answered(self) -> None:
        if self._left == 0:
            self.done.set_result(None)
            return
        self._left -= 1
        self.post()

    def failed(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


def _requests(number: str) -> Iterator[tuple[bytes, bytes]]:
    while True:
        phone = AfricasTalkingClient(number, "*284#")
        exchanges = [phone.dial(f"bench/{next(_dials)}"), *map(phone.answer, TYPED[1:])]
        for exchange, seen in zip(exchanges, SEEN, strict=True):
            lines = ["POST /ussd/africastalking HTTP/1.1", "host: localhost"]
            lines += [f"{name}: {value}" for name, value in exchange.headers]
            lines += [f"content-length: {len(exchange.body)}", "", ""]
            yield "\r\n".join(lines).encode() + exchange.body, seen.encode()
