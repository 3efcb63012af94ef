"""Files at the Bot API: where those of members lie, and how one is sent. core.telegram.org/bots/api.

`getFile` says a path, good for an hour; the address it makes has the bot's token in it, and is never stored or shown. A
file that was sent once is sent again by its `file_id`, which lasts, but for this bot and this kind alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from kikao.channels.calling import Answer, Call, Make
from kikao.channels.media.errors import NotAsAnnounced
from kikao.channels.media.multipart import Field, form
from kikao.channels.media.provider import Uploaded, asked, said
from kikao.channels.media.remote import Located, Remote
from kikao.channels.media.store import FileStore, store_of
from kikao.config import Hidden
from kikao.conversation.attached import Attached, Link, Person
from kikao.conversation.inputs import Place

TIME: Final = 8.0
"""Seconds in which the provider says where a file lies."""

_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*){0,8}").fullmatch
"""What `getFile` says: `photos/file_12.jpg`. A server of one's own may give a path of its disk: of no use here."""


class _Way(NamedTuple):
    """How a kind is sent."""

    method: str
    field: str


_WAYS: Final[Mapping[str, _Way]] = {
    "image": _Way("sendPhoto", "photo"),
    "audio": _Way("sendAudio", "audio"),
    "voice": _Way("sendVoice", "voice"),
    "video": _Way("sendVideo", "video"),
    "document": _Way("sendDocument", "document"),
}


class BotFiles:
    """Files of one bot. `api` is the address of the API, without a path."""

    def __init__(
        self, make: Make, api: str, token: Hidden, *, store: FileStore | None, clock: Callable[[], float]
    ) -> None:
        self._make = make
        self._api = api.rstrip("/")
        self._token = token
        self._store = store
        self._uploaded = Uploaded(math.inf, clock)

    async def locate(self, remote: Remote) -> Located:
        """See `Provider.locate`."""
        call = self._call("getFile", msgspec.json.encode({"file_id": remote.id}), "application/json")
        found: _Found = said(await asked(self._make, call, within=TIME), _Found)
        path = found.result.file_path if found.result is not None else ""
        if _PATH(path) is None:
            raise NotAsAnnounced("the provider does not say where it lies")
        url = f"{self._api}/file/bot{self._token.reveal().decode()}/{quote(path)}"
        assert found.result is not None
        return Located(Hidden(url.encode()), (), found.result.file_size or remote.size)

    async def send(self, attached: Attached, place: Mapping[str, Any]) -> Answer:
        """Send it; `place` are the parameters that say where to (`chat_id`, `message_thread_id`, `reply_markup` …).

        Raises `FileGone` and `FileError` for a file that is not kept, `Unanswered` where nobody answered.
        """
        what = attached.what
        if isinstance(what, Place):
            return await self._json("sendLocation", place, latitude=what.latitude, longitude=what.longitude)
        if isinstance(what, Person):
            return await self._json("sendContact", place, phone_number=what.msisdn, first_name=what.name)
        kind = "voice" if attached.kind == "audio" and attached.mime == "audio/ogg" else attached.kind
        way = _WAYS[kind]
        caption = {"caption": str(attached.caption)} if attached.caption else {}
        if isinstance(what, Link):
            return await self._json(way.method, place, **{way.field: what.url}, **caption)
        key = f"{kind} {what.sha256} {attached.filename or what.filename}"
        async with self._uploaded.one_at_a_time(key):
            if name := self._uploaded.name(key):
                answer = await self._json(way.method, place, **{way.field: name}, **caption)
                if answer.status != 400:
                    return answer
                self._uploaded.forget(key)  # as after the bot has another token
            data = await store_of(self._store).read(what)
            fields = [Field.text(name, _written(value)) for name, value in {**place, **caption}.items()]
            fields.append(Field(way.field, data, attached.filename or what.filename or "file", what.mime))
            made = form(fields)
            answer = await self._make(self._call(way.method, made.body, made.content_type))
            if answer.status == 200 and (name := _id_in(answer, way.field)):
                self._uploaded.remember(key, name)
            return answer

    async def _json(self, method: str, place: Mapping[str, Any], **parameters: Any) -> Answer:
        body = msgspec.json.encode({**place, **parameters})
        return await self._make(self._call(method, body, "application/json"))

    def _call(self, method: str, body: bytes, content_type: str) -> Call:
        url = Hidden(f"{self._api}/bot{self._token.reveal().decode()}/{method}".encode())
        headers = (
            ("Content-Type", content_type),
            ("User-Agent", "kikao"),
            ("Accept-Encoding", "identity"),
        )
        return Call(url, headers, body)

    def __repr__(self) -> str:
        return "<files at the Bot API>"


class _Path(msgspec.Struct):
    file_path: str = ""
    file_size: int = 0


class _Found(msgspec.Struct):
    result: _Path | None = None


class _File(msgspec.Struct):
    file_id: str = ""
    width: int = 0


class _Message(msgspec.Struct):
    """A message that was sent, as far as it is read."""

    photo: list[_File] = []
    audio: _File | None = None
    voice: _File | None = None
    video: _File | None = None
    document: _File | None = None


class _Sent(msgspec.Struct):
    result: _Message


def _id_in(answer: Answer, field: str) -> str:
    """What a file is called from now on, of a picture its largest size; nothing where it became something else."""
    try:
        message = msgspec.json.decode(answer.body, type=_Sent).result
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    found: _File | None = getattr(message, field) if field != "photo" else None
    if message.photo:
        found = max(message.photo, key=lambda size: size.width)
    return found.file_id if found is not None else ""


def _written(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
