"""A bank behind a network: a server of one line per request, and a client that knows nothing of what became of a call.

The bank is the smallest honest one: it pays once per key, tells what became of a key, and refuses a key for ever that
it was asked about before it came.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from types import TracebackType
from typing import Final, Literal, Protocol

import msgspec

from kikao.conversation.errors import ErrorCode
from kikao.conversation.outcomes import Done, Refused, Unknown, Voided

PATIENCE: Final = 0.5
"""Seconds a client waits for an answer."""


class Asked(msgspec.Struct):
    what: Literal["pay", "find"]
    key: str
    amount: int = 0


class Told(msgspec.Struct):
    what: Literal["done", "voided", "refused"]
    ref: str = ""


class Till:
    """The bank: `paid` counts payments by amount, so that a second one cannot hide."""

    def __init__(self) -> None:
        self.paid: Counter[int] = Counter()
        self.port = 0
        self._refs = (f"R{n:06d}" for n in itertools.count(1))
        self._done: dict[str, str] = {}
        self._voided: set[str] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Till:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                if line.endswith(b"\n"):  # half a request is none
                    writer.write(
                        msgspec.json.encode(self._answer(msgspec.json.decode(line, type=Asked))) + b"\n"
                    )
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _answer(self, asked: Asked) -> Told:
        if asked.key in self._done:
            return Told("done", self._done[asked.key])
        if asked.key in self._voided:
            return Told("voided" if asked.what == "find" else "refused")
        if asked.what == "find":
            self._voided.add(asked.key)
            return Told("voided")
        self.paid[asked.amount] += 1
        self._done[asked.key] = next(self._refs)
        return Told("done", self._done[asked.key])


class Receipt(msgspec.Struct, frozen=True):
    ref: str


class Bank(Protocol):
    """As the flow sees it."""

    async def pay(self, amount: int, key: str) -> Done[Receipt] | Refused: ...
    async def find(self, key: str) -> Done[Receipt] | Voided | Unknown: ...


class Client:
    """Asks the till, a connection for each call. Whatever goes wrong is raised: nobody knows what happened."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def pay(self, amount: int, key: str) -> Done[Receipt] | Refused:
        told = await self._ask(Asked("pay", key, amount))
        if told.what == "done":
            return Done(Receipt(told.ref))
        return Refused(ErrorCode.REJECTED)

    async def find(self, key: str) -> Done[Receipt] | Voided | Unknown:
        try:
            told = await self._ask(Asked("find", key))
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            return Unknown(type(error).__name__)
        return Done(Receipt(told.ref)) if told.what == "done" else Voided()

    async def _ask(self, asked: Asked) -> Told:
        host, _, port = self.address.rpartition(":")
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(msgspec.json.encode(asked) + b"\n")
                return msgspec.json.decode(await reader.readuntil(b"\n"), type=Told)
            finally:
                writer.close()
