"""What providers say of files, rightly and wrongly; and that one picture is uploaded once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kikao.channels.calling import Answer, Call, Unanswered
from kikao.channels.media.errors import Answered, FileGone, NotAnswered, NotAsAnnounced, NotFetched, TooLarge
from kikao.channels.media.provider import KEPT, Through, Uploaded, asked
from kikao.channels.media.remote import Located, Remote
from kikao.channels.media.store import FileStore
from kikao.channels.media.sweeping import FileSweeper
from kikao.channels.telegram.files import BotFiles
from kikao.channels.whatsapp.files import CloudFiles
from kikao.config import Hidden
from kikao.conversation.attached import Attached
from kikao.conversation.inputs import File
from kikao.events import Event, FilesSwept
from kikao.sessions.sealing import KeyRing
from tests.waiting import PATIENCE

TOKEN = b"7000000001:AAtoken"
PNG = b"\x89PNG\r\n\x1a\n" + b"card" * 100


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Api:
    """Answers in turn, and remembers what was asked."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.calls: list[Call] = []

    async def __call__(self, call: Call) -> Answer:
        self.calls.append(call)
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def said(value: Any, status: int = 200) -> Answer:
    return Answer(status, (), msgspec.json.encode(value))


def store_in(folder: Path) -> FileStore:
    return FileStore(folder / "media", KeyRing({"k1": bytes(32)}), days=30, most=10_000_000, clock=Clock())


def whatsapp(api: Api, store: FileStore | None = None, clock: Clock | None = None) -> CloudFiles:
    return CloudFiles(
        api, "https://graph.example/v23.0", "1045", Hidden(TOKEN), store=store, clock=clock or Clock()
    )


def telegram(api: Api, store: FileStore | None = None) -> BotFiles:
    return BotFiles(api, "https://api.example", Hidden(TOKEN), store=store, clock=Clock())


# --- where files lie ---


async def test_where_whatsapp_says_a_file_lies() -> None:
    api = Api(said({"url": "https://lookaside.example/f?x=1", "sha256": "00" * 32, "file_size": 77}))
    located = await whatsapp(api).locate(Remote("../evil?x", "image"))
    assert api.calls[0].url.reveal() == b"https://graph.example/v23.0/..%2Fevil%3Fx?phone_number_id=1045"
    assert (located.size, located.sha256) == (77, bytes(32))
    assert ("Authorization", f"Bearer {TOKEN.decode()}") in located.headers


async def test_the_hash_of_the_signed_webhook_comes_first() -> None:
    api = Api(said({"url": "https://lookaside.example/f", "sha256": "00" * 32}))
    assert (await whatsapp(api).locate(Remote("1", sha256="11" * 32))).sha256 == bytes([0x11]) * 32


async def test_where_telegram_says_a_file_lies() -> None:
    api = Api(said({"ok": True, "result": {"file_path": "photos/file_1.jpg", "file_size": 5}}))
    located = await telegram(api).locate(Remote("AgAC"))
    assert located.url.reveal() == b"https://api.example/file/bot" + TOKEN + b"/photos/file_1.jpg"
    assert (located.size, located.headers) == (5, ())


@pytest.mark.parametrize(
    "path",
    [
        "",
        "../../etc/passwd",
        "/var/lib/telegram/f",
        "a/../b",
        "a//b",
        "a?b",
        "a b",
        "a/.ssh",
        "a\\b",
        "a/" * 20,
    ],
)
async def test_a_path_of_telegram_is_one_below_its_files(path: str) -> None:
    with pytest.raises(NotAsAnnounced, match="where it lies"):
        await telegram(Api(said({"ok": True, "result": {"file_path": path}}))).locate(Remote("AgAC"))


@pytest.mark.parametrize(
    ("answer", "kind", "again"),
    [
        (Answer(200, (), b"<html>"), NotAsAnnounced, False),
        (Answer(200, (), b"\xff\xfe"), NotAsAnnounced, False),
        (said({}), NotAsAnnounced, False),
        (said({"url": 5}), NotAsAnnounced, False),
        (Answer(404), Answered, False),
        (Answer(401), Answered, False),
        (Answer(429, (("retry-after", "30"),)), Answered, True),
        (Answer(500), Answered, True),
        (Unanswered("no answer in time"), NotAnswered, True),
    ],
)
async def test_what_else_a_provider_may_say(
    answer: Answer | Exception, kind: type[NotFetched], again: bool
) -> None:
    for provider in (whatsapp(Api(answer)), telegram(Api(answer))):
        with pytest.raises(kind) as caught:
            await provider.locate(Remote("1"))
        assert caught.value.again is again
        assert TOKEN.decode() not in str(caught.value) + repr(provider)


async def test_a_provider_that_says_nothing_is_given_up() -> None:
    async def silent(call: Call) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(NotAnswered, match="in time"):
        await asked(silent, Call(Hidden(b"https://x.example"), (), b"", "GET"), within=0.01)


async def test_what_an_emulator_gives_is_looked_at_as_well() -> None:
    found: list[bytes] = []

    async def take(part: bytes) -> None:
        found.append(part)

    fetch = Through(Api(Answer(200, (), b"octets")))
    await fetch(Located(Hidden(b"https://x.example")), take, most=6, within=1.0)
    assert found == [b"octets"]
    with pytest.raises(TooLarge):
        await fetch(Located(Hidden(b"https://x.example")), take, most=5, within=1.0)
    with pytest.raises(NotAsAnnounced):
        await fetch(Located(Hidden(b"https://x.example"), sha256=bytes(32)), take, most=6, within=1.0)


# --- what was uploaded ---


async def test_one_picture_for_a_thousand_is_uploaded_once(tmp_path: Path) -> None:
    store, api = store_in(tmp_path), Api(said({"id": "media-1"}))
    files = whatsapp(api, store)
    picture = Attached.image(await store.put(PNG, filename="kadi.png"), caption="Yours")
    found = await asyncio.gather(*(files.content(picture) for _ in range(1000)))
    assert len(api.calls) == 1
    assert found[0] == {"type": "image", "image": {"id": "media-1", "caption": "Yours"}}
    assert all(each == found[0] for each in found)
    assert PNG in api.calls[0].body


async def test_what_was_uploaded_is_good_for_as_long_as_the_provider_keeps_it(tmp_path: Path) -> None:
    store, clock, api = store_in(tmp_path), Clock(), Api(said({"id": "media-1"}))
    files, picture = whatsapp(api, store, clock), Attached.image(await store.put(PNG))
    for days, uploads in ((0, 1), (28, 1), (2, 2)):
        clock.now += days * 86400
        await files.content(picture)
        assert len(api.calls) == uploads


async def test_an_upload_that_fails_is_tried_again_by_the_next(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    api = Api(said({"error": {"code": 131053}}, 400), Answer(200, (), b"?"), said({"id": "media-1"}))
    files, picture = whatsapp(api, store), Attached.image(await store.put(PNG))
    refused = await files.content(picture)
    assert isinstance(refused, Answer)
    assert refused.status == 400
    assert await files.content(picture) == Answer(502)
    assert await files.content(picture) == {"type": "image", "image": {"id": "media-1"}}
    assert files.has(picture)
    files.forget(picture)
    assert not files.has(picture)


async def test_without_files_a_file_is_gone_and_a_link_is_not() -> None:
    api = Api(said({"ok": True, "result": {}}))
    file = File("m", "image/png", 3, "ab" * 32, f"{'a' * 32}/{'b' * 32}")
    with pytest.raises(FileGone):
        await whatsapp(api).content(Attached.image(file))
    with pytest.raises(FileGone):
        await telegram(api).send(Attached.image(file), {"chat_id": 1})
    assert await whatsapp(api).content(Attached.document("https://a.example/t.pdf", filename="t.pdf")) == {
        "type": "document",
        "document": {"link": "https://a.example/t.pdf", "filename": "t.pdf"},
    }
    assert api.calls == []


async def test_telegram_sends_by_the_id_that_it_gave(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    sent = said(
        {
            "ok": True,
            "result": {"photo": [{"file_id": "small", "width": 90}, {"file_id": "big", "width": 900}]},
        }
    )
    api = Api(sent, sent, said({"ok": False}, 400), sent)
    files, picture = telegram(api, store), Attached.image(await store.put(PNG), caption="Yours")
    for _ in range(3):
        assert (await files.send(picture, {"chat_id": 7, "reply_markup": {"a": 1}})).status == 200
    multipart, by_id, refused, again = api.calls
    assert PNG in multipart.body
    assert b'{"a":1}' in multipart.body
    assert msgspec.json.decode(by_id.body)["photo"] == "big"
    assert msgspec.json.decode(refused.body)["photo"] == "big"
    assert PNG in again.body, "the id was not taken any more"


async def test_what_telegram_made_something_else_of_has_no_id(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    for answer in (said({"ok": True, "result": {"document": {"file_id": "d"}}}), Answer(200, (), b"?")):
        api = Api(answer)
        files, video = telegram(api, store), Attached.video(await store.put(b"\0\0\0\x18ftypmp42"))
        for _ in range(2):
            await files.send(video, {"chat_id": 7})
        assert all(b"ftypmp42" in call.body for call in api.calls)


async def test_a_process_remembers_so_many_names() -> None:
    uploaded = Uploaded(10.0, Clock())
    for n in range(KEPT + 1):
        uploaded.remember(str(n), "name")
    assert (uploaded.name("0"), uploaded.name("1"), uploaded.name("none")) == ("", "name", "")


async def test_those_who_wait_for_an_upload_go_one_by_one() -> None:
    uploaded, inside, most = Uploaded(10.0, Clock()), 0, 0

    async def upload() -> None:
        nonlocal inside, most
        async with uploaded.one_at_a_time("key"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(upload() for _ in range(5)))
    assert most == 1
    uploaded.remember("key", "name")
    await asyncio.gather(*(upload() for _ in range(5)))
    assert most == 5, "once its name is known nobody waits"


# --- sweeping ---


async def test_a_sweep_is_told_of_also_where_it_fails(tmp_path: Path) -> None:
    store, events = store_in(tmp_path), list[Event]()
    sweeper = FileSweeper(store, events.append)
    await sweeper.once()
    assert events == [], "where no file ever was"
    await store.put(PNG)
    await sweeper.once()
    await FileSweeper(store, events.append, mine=lambda: False).once()
    (tmp_path / "media" / "names").write_bytes(b"damaged")
    await FileSweeper(store_in(tmp_path), events.append).once()
    good, bad = events
    assert isinstance(good, FilesSwept)
    assert isinstance(bad, FilesSwept)
    assert (good.count, good.kept, good.error) == (0, 1, "")
    assert "FilesRefused" in bad.error


async def test_the_sweeper_sweeps_now_and_then(tmp_path: Path) -> None:
    store, told = store_in(tmp_path), asyncio.Queue[Event]()
    await store.put(PNG)
    task = asyncio.create_task(FileSweeper(store, told.put_nowait, every=0.01).run())
    for _ in range(2):
        assert isinstance(await asyncio.wait_for(told.get(), PATIENCE), FilesSwept)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
