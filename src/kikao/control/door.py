"""The server's side: it listens, reads one request a connection, and writes what the command gives."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from kikao.control.commands import Asked, CommandRefused, Commands
from kikao.control.lines import MAX_LINE, MAX_REQUEST, STILL, Done, Item, Refused, line, raw, read_request
from kikao.control.place import NoDoor, Place, leave, listen, stands

AT_ONCE: Final = 8
"""Commands that are carried out at the same time."""

PATIENCE: Final = 10.0
"""Seconds for a request to arrive."""

STALL: Final = 600.0
"""Seconds that a reader may stop reading, as a pager does."""

BEAT: Final = 5.0
"""Seconds between signs of life while a command has nothing to say."""

KEPT: Final = 2.0
"""Seconds between two looks whether a door is free."""

PAUSE: Final = 1.0
"""Seconds before the next try to take a connection after one failed."""

Came = Literal["done", "refused", "failed", "left"]

Told = Callable[[str, Came, BaseException | None], None]
"""Hears of every command: its name, what came of it and the error that broke it."""


class Door:
    """Carries out `commands` for whoever may open the socket. `where` is the digest of the server's own settings."""

    def __init__(self, commands: Commands, where: str, told: Told) -> None:
        self._commands = commands
        self._where = where
        self._told = told
        self._place: Place | None = None
        self._visits: set[asyncio.Task[None]] = set()

    async def open(self, folder: Path) -> None:
        """Listen in this folder. Raises `NoDoor` where that cannot be."""
        # To its end, whoever gives up on it: a socket that nobody closes would stand in others' way.
        opening = asyncio.ensure_future(asyncio.to_thread(listen, folder))
        try:
            self._place = await asyncio.shield(opening)
        except asyncio.CancelledError:
            with contextlib.suppress(NoDoor):
                leave(await opening)
            raise
        self._place.door.setblocking(False)
        self._watch()  # by hand: the servers of asyncio lose a connection that comes in as they close

    async def keep(self, folder: Path) -> None:
        """Listen where no other process does, and wherever one stops that did: for ever; cancel it to stop.

        For processes of which any can do what is asked.
        """
        while True:
            if self._place is None or not await asyncio.to_thread(stands, self._place):
                await self.close()
                with contextlib.suppress(NoDoor):
                    await self.open(folder)
            await asyncio.sleep(KEPT)

    async def close(self) -> None:
        """Stop listening; commands that are not done end here."""
        place, self._place = self._place, None
        if place is None:
            return
        asyncio.get_running_loop().remove_reader(place.door)
        for visit in self._visits:
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)
        await asyncio.to_thread(leave, place)

    def _let_in(self, door: socket.socket) -> None:
        try:
            connection, _ = door.accept()
        except (BlockingIOError, ConnectionError):  # gone again
            return
        except OSError:  # too many open files
            loop = asyncio.get_running_loop()
            loop.remove_reader(door)
            loop.call_later(PAUSE, self._watch)
            return

        def over(visit: asyncio.Task[None]) -> None:
            self._visits.discard(visit)
            connection.close()
            if not visit.cancelled():
                visit.exception()  # the connection broke

        visit = asyncio.create_task(self._receive(connection))
        self._visits.add(visit)
        visit.add_done_callback(over)

    def _watch(self) -> None:
        if self._place is not None:
            asyncio.get_running_loop().add_reader(self._place.door, self._let_in, self._place.door)

    async def _receive(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=MAX_REQUEST)
        name = ""
        what: Came = "done"
        error: Exception | None = None
        try:
            try:
                if len(self._visits) > AT_ONCE:
                    raise CommandRefused("too many commands at once; try again")
                asked, args = await self._request(reader)
                name = asked.call.name
                await self._perform(asked, args, writer)
            except CommandRefused as refusal:
                what = "refused"
                await _send(writer, line(Refused(str(refusal))))
            except _Gone:
                what = "left"
            except Exception as problem:  # noqa: BLE001 - a command that breaks must not take the server along
                what, error = "failed", problem
                reason = f"the command failed ({type(problem).__name__}); the server's log says where"
                await _send(writer, line(Refused(reason)))
        except _Gone:
            pass  # what came of the command stands
        except asyncio.CancelledError:
            what = "left"
            raise
        finally:
            if name or what != "left":  # else somebody only looked whether a server is there
                self._told(name, what, error)
            await _part(writer, at_once=what == "left")

    async def _request(self, reader: asyncio.StreamReader) -> tuple[Asked, msgspec.Struct]:
        try:
            async with asyncio.timeout(PATIENCE):
                text = await reader.readline()
        except OSError as problem:
            if not isinstance(problem, TimeoutError):
                raise _Gone from problem
            raise CommandRefused(f"no request came within {PATIENCE:g} s") from None
        except ValueError:
            raise CommandRefused(f"a request has at most {MAX_REQUEST} octets") from None
        if not text:
            raise _Gone
        try:
            request = read_request(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise CommandRefused("that is no request of kikao") from None
        asked = self._commands.find(request.command)
        if request.where != self._where:
            raise CommandRefused(
                "the server here has other data than the settings of this command name. Give both the same KIKAO_STORE "
                "and KIKAO_RECORDS."
            )
        try:
            args = msgspec.json.decode(request.args, type=asked.call.takes)
        except (msgspec.DecodeError, ValueError) as error:
            raise CommandRefused(f"{asked.call.name}: {error}") from None
        return asked, args

    async def _perform(self, asked: Asked, args: msgspec.Struct, writer: asyncio.StreamWriter) -> None:
        items = asked.run(args)
        beat = asyncio.create_task(_beat(writer, asyncio.current_task()))
        try:
            async for item in items:
                text = line(Item(raw(item)))
                if len(text) > MAX_LINE:
                    raise CommandRefused(f"a line of {len(text)} octets, at most {MAX_LINE}")
                await _send(writer, text)
            await _send(writer, line(Done()))
        finally:
            beat.cancel()
            with contextlib.suppress(Exception):
                await items.aclose()  # now, so that what it holds is let go


class _Gone(Exception):
    """The visitor left, or does not read what is sent."""


async def _send(writer: asyncio.StreamWriter, text: bytes) -> None:
    if writer.is_closing():
        raise _Gone
    writer.write(text)
    try:
        async with asyncio.timeout(STALL):
            await writer.drain()
    except OSError as problem:  # a time-out is one
        raise _Gone from problem


async def _part(writer: asyncio.StreamWriter, *, at_once: bool) -> None:
    """Close a connection once what was said has been read, or at once."""
    if at_once:
        writer.transport.abort()
    else:
        writer.close()
    try:
        async with asyncio.timeout(STALL):
            await writer.wait_closed()
    except OSError:
        writer.transport.abort()


async def _beat(writer: asyncio.StreamWriter, command: asyncio.Task[Any] | None) -> None:
    """Show that the server is at it, and stop it when nobody is there any more."""
    while not writer.is_closing():
        await asyncio.sleep(BEAT)
        writer.write(STILL)
    if command is not None:
        command.cancel()
