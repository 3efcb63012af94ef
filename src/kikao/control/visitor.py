"""The caller's side: asks a running server through its door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from kikao.control.commands import Call, CommandRefused
from kikao.control.lines import MAX_LINE, Item, Refused, Request, line, raw, read_reply
from kikao.control.place import socket_in, somebody_listens

A = TypeVar("A", bound=msgspec.Struct)
I = TypeVar("I", bound=msgspec.Struct)  # noqa: E741 - an item

PATIENCE: Final = 30.0
"""Seconds without a sign of life after which a server is given up."""


class DoorLost(Exception):
    """The server went away, or does not answer: whether the command was carried out is not known."""


class Visitor:
    """Asks the server whose door is in `folder`. `where` is the digest of the caller's own settings."""

    def __init__(self, folder: Path, where: str) -> None:
        self._folder = folder
        self._where = where

    def finds_somebody(self) -> bool:
        """Whether a server listens. Raises `NoDoor`."""
        return somebody_listens(self._folder)

    async def ask(self, call: Call[A, I], args: A) -> AsyncGenerator[I, None]:
        """See `Ask.ask`. Raises `CommandRefused`, `DoorLost` and `NoDoor`."""
        try:
            reader, writer = await asyncio.open_unix_connection(socket_in(self._folder), limit=MAX_LINE)
        except OSError as error:
            raise DoorLost(f"the server does not answer ({error.strerror})") from error
        decoder = msgspec.json.Decoder(call.gives)
        try:
            writer.write(line(Request(call.name, self._where, raw(args))))
            while True:
                reply = read_reply(await self._line(reader))
                if isinstance(reply, Refused):
                    raise CommandRefused(reply.reason)
                if not isinstance(reply, Item):
                    return
                yield decoder.decode(reply.item)
        except OSError as error:
            raise DoorLost(f"the server left ({error.strerror})") from error
        except (msgspec.DecodeError, ValueError) as error:
            raise DoorLost(f"the server does not answer as this kikao expects ({error})") from error
        finally:
            writer.close()

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    text = await reader.readline()
            except TimeoutError:
                raise DoorLost(f"the server gave no sign of life for {PATIENCE:g} s") from None
            if not text.endswith(b"\n"):
                raise DoorLost("the server left before it was done")
            if text != b"\n":
                return text
