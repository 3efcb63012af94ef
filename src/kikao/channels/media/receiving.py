"""A file that a member sent, from where the provider says it lies to where it is kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final, NamedTuple

from kikao.channels.media.checking import Fetch
from kikao.channels.media.errors import FileError, NotFetched, TooLarge
from kikao.channels.media.kinds import kind_of
from kikao.channels.media.provider import Provider
from kikao.channels.media.remote import Remote
from kikao.channels.media.store import FileStore
from kikao.conversation.inputs import File
from kikao.events import FileFetched, FileLost, Publish

MOST: Final = 20 * 1024 * 1024
"""Octets of a file that is fetched, unless the settings say otherwise: as many as Telegram gives a bot."""


class Source(NamedTuple):
    """Where files of one line come from."""

    provider: Provider
    fetch: Fetch


class Receiving:
    """Fetches files of members and keeps them. `sources` are by the name of a line (`telegram/bot-api`)."""

    def __init__(
        self, store: FileStore, sources: Mapping[str, Source], publish: Publish, *, most: int = MOST
    ) -> None:
        self._store = store
        self._sources = dict(sources)
        self._publish = publish
        self._most = most

    def knows(self, line: str) -> bool:
        """Whether there is somebody to fetch from."""
        return line in self._sources

    async def receive(self, line: str, remote: Remote, owner: str, *, within: float) -> File:
        """A file, kept for its owner; all of it takes about `within` seconds at most.

        Raises `NotFetched`, which says whether another try may do better, and `FileError` where it cannot be kept.
        """
        source, began = self._sources[line], time.perf_counter()
        try:
            if remote.size > self._most:
                raise TooLarge(self._most)
            located = await source.provider.locate(remote)
            async with self._store.receive(owner) as incoming:
                await source.fetch(located, incoming.write, most=self._most, within=within)
                file = await incoming.keep(mime=remote.mime, filename=remote.filename)
        except FileError as problem:
            again = isinstance(problem, NotFetched) and problem.again
            self._publish(FileLost(**_named(line), reason=str(problem), again=again))
            raise
        ms = round((time.perf_counter() - began) * 1000, 1)
        self._publish(FileFetched(**_named(line), what=kind_of(file.mime), size=file.size, ms=ms))
        return file


def _named(line: str) -> dict[str, str]:
    channel, _, gateway = line.partition("/")
    return {"channel": channel, "gateway": gateway}
