"""Files as flows have them: `files = chat.service(Files)`."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from kikao.channels.media.store import WHOLE, FileStore
from kikao.conversation.inputs import File


class Files:
    """What members sent, and what flows show. A flow gets it with `chat.service(Files)`.

        photo = await chat.ask("photo", Media(("image",)), t("Send a photo of your ID."))
        kept = await chat.step("check", lambda key: check(await files.open(photo), key=key))

    A `File` is what the journal keeps; what is in it stays here for some days (`KIKAO_MEDIA_DAYS`), and goes with its
    member. Call `put` within `chat.read` or `chat.step`: a flow is run again at every turn.
    """

    def __init__(self, store: FileStore) -> None:
        self._store = store

    async def open(self, file: File, *, most: int = WHOLE) -> bytes:
        """What is in a file, whole. Larger ones are for `parts`.

        Raises `FileGone` when it is not kept any more, `FileDamaged` when it does not open, `FileError` when it has
        more than `most` octets.
        """
        return await self._store.read(file, most=most)

    def parts(self, file: File) -> AsyncGenerator[bytes, None]:
        """What is in a file, in pieces: `async for piece in files.parts(file)`. Raises as `open`."""
        return self._store.parts(file)

    async def put(self, data: bytes, mime: str = "", filename: str = "", *, member: str = "") -> File:
        """Keep octets, to show them. The same octets again are the same file, kept for its days from now on.

        `mime` counts where it says more than the octets do (`text/csv` of a text). With the id of a `member` it is
        removed when they are erased. Raises `FilesFull`, `FilesRefused`, `FileError`.
        """
        return await self._store.put(data, owner=member, mime=mime, filename=filename)
