"""What the events of a web chat come to: an inbound each, and a turn of it or a place in the inbox before the reply.

A reply without a reason means that it is done or kept. With `UNAVAILABLE` nothing of it was taken, and it is welcome
again under the same id. What is secret is never kept: its turn is done, or it was not taken.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from typing import Any, Final

from kikao.channels.channel import Response
from kikao.channels.inbound import Inbound
from kikao.channels.media.errors import FileError
from kikao.channels.media.store import FileStore, Incoming
from kikao.channels.socket.said import LONGEST_SECRET, LONGEST_TEXT, PIECE, Enter, Piece, Said, inbound, sent
from kikao.channels.socket.showing import GOOD_FOR, Showing
from kikao.conversation.inputs import File
from kikao.i18n.messages import Translate
from kikao.live.words import words
from kikao.records import CommitUnknown as RecordsUnknown
from kikao.records import RecordsAway
from kikao.sessions.store import CommitUnknown, StoreUnavailable

UNAVAILABLE: Final = "unavailable"
NOT_WANTED: Final = "not wanted"
"""The open question asks for no file, or no files are kept here."""
TOO_LARGE: Final = "too large"
START_AGAIN: Final = "start again"
"""A piece that does not follow the one before it: the file is sent anew."""
NO_BASE64: Final = "invalid payload"
GONE: Final = "gone"

AWAY: Final = (StoreUnavailable, CommitUnknown, RecordsAway, RecordsUnknown, TimeoutError)
"""What keeps anybody from knowing whether a file is wanted."""

Take = Callable[[Inbound], Awaitable[Response]]
"""Deals with an inbound; of 200 it is done, or kept."""


class Upload:
    """A file on its way in over one channel; one at a time. `drop` it when the channel is over."""

    def __init__(self) -> None:
        self.id = ""
        self.size = 0
        self._incoming: Incoming | None = None
        self._stack = AsyncExitStack()

    def follows(self, piece: Piece) -> bool:
        """Whether a piece is the next one of it."""
        return self._incoming is not None and (piece.id, piece.start) == (self.id, self.size)

    async def begin(self, id_: str, store: FileStore, owner: str) -> None:
        """Another file comes; what there was of one before is gone. Raises `FileError`."""
        await self.drop()
        self._incoming = await self._stack.enter_async_context(store.receive(owner))
        self.id, self.size = id_, 0

    async def write(self, octets: bytes) -> None:
        """The next octets. Raises `FileError`."""
        assert self._incoming is not None
        await self._incoming.write(octets)
        self.size += len(octets)

    async def keep(self, piece: Piece) -> File:
        """All of it is there. Raises `FileError`."""
        assert self._incoming is not None
        file = await self._incoming.keep(mime=piece.type, filename=piece.name)
        await self.drop()
        return file

    async def drop(self) -> None:
        """Nothing is left of what did not come to its end."""
        self._incoming, self.id, self.size = None, "", 0
        await self._stack.aclose()


class Conversing:
    """The conversations of an app, as its web chat has them.

    `take` deals with what is said, or keeps it; `enter` with what is secret, and keeps nothing. `owner` says whose a
    file would be, None where the open question wants none. `files` keeps them, at most `largest` octets each.
    """

    def __init__(
        self,
        take: Take,
        enter: Take,
        *,
        translate: Callable[[str], Translate],
        locales: Collection[str],
        locale: str,
        owner: Callable[[Inbound], Awaitable[str | None]],
        files: FileStore | None = None,
        showing: Showing | None = None,
        largest: int = 0,
    ) -> None:
        self._take = take
        self._enter = enter
        self._translate = translate
        self._locales = locales
        self._locale = locale
        self._owner = owner
        self._files = files
        self._showing = showing
        self._largest = largest if files is not None else 0
        self._greetings: dict[str, dict[str, Any]] = {}
        """By language: thousands may come back at once."""

    def greeting(self, language: str) -> dict[str, Any]:
        """What a client gets when it joins: the words of its page in the user's language, and what fits."""
        said = language.partition("-")[0].lower()
        locale = said if said in self._locales else self._locale
        if locale not in self._greetings:
            limits = {"text": LONGEST_TEXT, "secret": LONGEST_SECRET, "piece": PIECE, "file": self._largest}
            texts = words(self._translate(locale))
            self._greetings[locale] = {"texts": texts, "locale": locale, "limits": limits}
        return self._greetings[locale]

    async def hear(self, user: str, language: str, said: Said) -> str:
        """Deal with an event; why it was not taken, empty where it was."""
        take = self._enter if isinstance(said, Enter) else self._take
        return _reason(await take(inbound(user, said, language=language)))

    async def piece(self, user: str, language: str, piece: Piece, upload: Upload) -> str:
        """Take a piece of a file, and with the last one deal with it; why it was not taken, empty where it was.

        Whatever is wrong, the file begins anew.
        """
        try:
            reason = await self._piece(user, language, piece, upload)
        except (FileError, *AWAY):
            reason = UNAVAILABLE
        if reason:
            await upload.drop()
        return reason

    async def _piece(self, user: str, language: str, piece: Piece, upload: Upload) -> str:
        store, octets = self._files, piece.octets
        if store is None:
            return NOT_WANTED
        if octets is None:
            return NO_BASE64
        if piece.start + len(octets) > self._largest:
            return TOO_LARGE
        if piece.start == 0:
            nothing = sent(user, piece.id, None, language=language)
            owner = await self._owner(nothing)
            if owner is None:  # or this was dealt with before
                return NOT_WANTED if piece.more else _reason(await self._take(nothing))
            await upload.begin(piece.id, store, owner)
        elif not upload.follows(piece):
            return START_AGAIN
        await upload.write(octets)
        if piece.more:
            return ""
        file = await upload.keep(piece)
        return _reason(await self._take(sent(user, piece.id, file, language=language)))

    def show(self, user: str, ref: str) -> dict[str, Any] | None:
        """An address for something that a message shows; None where the name is none of this user."""
        url = None if self._showing is None else self._showing.address(user, ref)
        return None if url is None else {"url": url, "seconds": int(GOOD_FOR)}


def _reason(response: Response) -> str:
    return "" if response.status == 200 else UNAVAILABLE
