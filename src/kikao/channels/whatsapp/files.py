"""Files at the Cloud API: where those of members lie, uploads, and what a message says of a file.

developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media: a file of a member is
looked up by its id, which gives an address for five minutes; the address wants the token, too. What is uploaded has an
id for 30 days.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import msgspec

from kikao.channels.calling import Answer, Call, Make
from kikao.channels.media.errors import NotAsAnnounced
from kikao.channels.media.limits import WHATSAPP_MEDIA_ID
from kikao.channels.media.multipart import Field, form
from kikao.channels.media.provider import Uploaded, asked, said
from kikao.channels.media.remote import Located, Remote, digest_of
from kikao.channels.media.store import FileStore, store_of
from kikao.config import Hidden
from kikao.conversation.attached import Attached, Link, Person
from kikao.conversation.inputs import File, Place

TIME: Final = 8.0
"""Seconds in which the provider says where a file lies."""

SPARE: Final = 86400.0
"""Seconds before its end that an id is not used any more: what is sent with it may wait in the outbox."""


class CloudFiles:
    """Files of one number. `api` is the address of the API with its version: `https://graph.facebook.com/v23.0`."""

    def __init__(
        self,
        make: Make,
        api: str,
        phone_number_id: str,
        token: Hidden,
        *,
        store: FileStore | None,
        clock: Callable[[], float],
    ) -> None:
        self._make = make
        self._api = api.rstrip("/")
        self._number = phone_number_id
        self._token = token
        self._store = store
        self._uploaded = Uploaded(WHATSAPP_MEDIA_ID - SPARE, clock)

    async def locate(self, remote: Remote) -> Located:
        """See `Provider.locate`."""
        url = f"{self._api}/{quote(remote.id, safe='')}?phone_number_id={quote(self._number, safe='')}"
        call = Call(Hidden(url.encode()), self._headers(), b"", "GET")
        found: _Found = said(await asked(self._make, call, within=TIME), _Found)
        if not found.url:
            raise NotAsAnnounced("the provider does not say where it lies")
        # What the webhook said is signed; what is said here comes from the same provider, and may be all there is.
        digest = digest_of(remote.sha256) or digest_of(found.sha256)
        return Located(Hidden(found.url.encode()), self._headers(), found.file_size or remote.size, digest)

    async def content(self, attached: Attached) -> dict[str, Any] | Answer:
        """What a message with it has besides its recipient; the provider's answer where an upload was refused.

        Raises `FileGone` and `FileError` for a file that is not kept, `Unanswered` where nobody answered.
        """
        what = attached.what
        if isinstance(what, Place):
            name = {"name": str(attached.caption)} if attached.caption else {}
            return _message("location", {"latitude": what.latitude, "longitude": what.longitude, **name})
        if isinstance(what, Person):
            person = {
                "name": {"formatted_name": what.name, "first_name": what.name},
                "phones": [{"phone": what.msisdn, "wa_id": what.msisdn.removeprefix("+")}],
            }
            return _message("contacts", [person])
        source: dict[str, Any]
        if isinstance(what, Link):
            source = {"link": what.url}
        else:
            found = await self._id_of(what)
            if isinstance(found, Answer):
                return found
            source = {"id": found}
        if attached.caption and attached.kind != "audio":
            source["caption"] = str(attached.caption)
        if attached.filename and attached.kind == "document":
            source["filename"] = attached.filename
        return _message(attached.kind, source)

    def has(self, attached: Attached) -> bool:
        """Whether the provider has its file, as far as is known here."""
        return isinstance(attached.what, File) and self._uploaded.name(_key(attached.what)) != ""

    def forget(self, attached: Attached) -> None:
        """The provider does not know the id of its file any more: the next message uploads it again."""
        if isinstance(attached.what, File):
            self._uploaded.forget(_key(attached.what))

    async def _id_of(self, file: File) -> str | Answer:
        key = _key(file)
        async with self._uploaded.one_at_a_time(key):
            if name := self._uploaded.name(key):
                return name
            answer = await self._upload(file)
            if answer.status != 200:
                return answer
            name = _id_in(answer)
            if name:
                self._uploaded.remember(key, name)
            return name or Answer(502)

    async def _upload(self, file: File) -> Answer:
        data = await store_of(self._store).read(file)
        made = form(
            [
                Field.text("messaging_product", "whatsapp"),
                Field.text("type", file.mime),
                Field("file", data, file.filename or "file", file.mime),
            ]
        )
        url = Hidden(f"{self._api}/{quote(self._number, safe='')}/media".encode())
        return await self._make(Call(url, (*self._headers(), ("Content-Type", made.content_type)), made.body))

    def _headers(self) -> tuple[tuple[str, str], ...]:
        return (
            ("Authorization", f"Bearer {self._token.reveal().decode()}"),
            ("User-Agent", "kikao"),
            ("Accept-Encoding", "identity"),
        )

    def __repr__(self) -> str:
        return "<files at the Cloud API>"


class _Found(msgspec.Struct):
    """What is said of a file, as far as it is read."""

    url: str = ""
    sha256: str = ""
    file_size: int = 0


class _Uploaded(msgspec.Struct):
    id: str


def _key(file: File) -> str:
    return f"{file.sha256} {file.mime}"


def _message(kind: str, content: object) -> dict[str, Any]:
    return {"type": kind, kind: content}


def _id_in(answer: Answer) -> str:
    try:
        return msgspec.json.decode(answer.body, type=_Uploaded).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
