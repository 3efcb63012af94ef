"""Files both ways, through the real adapters, webhooks and the emulated providers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs

from kikao import App, Attached, Chat, Choice, FileGone, Files, Flows, Media, Number, Place, t
from kikao.channels.emulating.chats import Media as File
from kikao.channels.emulating.chats import Message
from kikao.channels.media.folder import DAY
from kikao.config import load
from kikao.events import FileFetched, FileLost, FilesSwept
from kikao.members.operating import ERASE, Erased, Erasing
from kikao.testing import Stage
from kikao.testing.chat_phone import ChatPhone, TelegramPhone

PHOTO = b"\xff\xd8\xff\xe0" + b"photo of Amina" * 1000
CARD = b"\x89PNG\r\n\x1a\n" + b"card" * 2000
VOICE = b"OggS\x00\x02" + bytes(22) + b"OpusHead" + bytes(500)
flows = Flows()


@flows.flow("id", title=t("Identity"))
async def identity(chat: Chat) -> None:
    files = chat.service(Files)
    photo = await chat.ask("photo", Media(("image",), max_size=50_000), t("Send a photo of your ID."))
    size = await chat.read("size", lambda: _size(files, photo))
    what = await chat.ask("what", Choice(["Card", "Copy", "Voice", "Others"]), t("{size} octets.", size=size))
    if what == "Card":
        card = await chat.read("card", lambda: files.put(CARD, filename="kadi.png"))
        await chat.show(Attached.image(card, caption=t("Your card")))
    elif what == "Copy":
        await chat.show(Attached.document(photo, filename="copy.jpg"))
    elif what == "Voice":
        voice = await chat.read("voice", lambda: files.put(VOICE))
        await chat.show(Attached.audio(voice, caption=t("Listen")))
    else:
        await chat.show(Attached.image("https://example.com/a.png", caption="A picture"))
        await chat.show(Attached.location(Place(0.3476, 32.5825), caption="Office"))
        await chat.show(Attached.contact("Help desk", "+256312000000"))
    again = await chat.ask("again", Number(min=0, max=9), t("How was it?"))
    await chat.end(t("{again} stars.", again=again))


async def _size(files: Files, photo: object) -> str:
    try:
        return str(len(await files.open(photo)))  # type: ignore[arg-type]
    except FileGone:
        return "no"


app = App(flows, entry="id", channels=["whatsapp", "telegram"])


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with Stage(app) as stage:
        yield stage


@pytest.fixture(params=["whatsapp", "telegram"])
def phone(request: pytest.FixtureRequest, stage: Stage) -> ChatPhone:
    return stage.whatsapp("Asha") if request.param == "whatsapp" else stage.telegram("Asha")


def came(phone: ChatPhone, count: int) -> list[Message]:
    return phone.chat.heard[-count:]


async def test_a_photo_reaches_the_flow_and_a_picture_the_member(stage: Stage, phone: ChatPhone) -> None:
    assert "Send a photo" in await phone.write("hello")
    assert f"{len(PHOTO)} octets" in await phone.send("photo", PHOTO)
    await phone.tap("Card")
    picture, text = came(phone, 2)
    assert picture.media is not None
    assert (picture.media.data, picture.text) == (CARD, "Your card")
    assert "How was it?" in text.text
    assert await phone.write("nine") != ""
    assert phone.chat.heard[-1].media is None, "the picture is not sent again with the same question"
    (fetched,) = [event for event in stage.events if isinstance(event, FileFetched)]
    assert (fetched.what, fetched.size) == ("image", len(PHOTO))
    assert phone.api.refused == []


async def test_what_a_member_sent_goes_back_as_a_document(phone: ChatPhone) -> None:
    await phone.write("hello")
    await phone.send("photo", PHOTO)
    await phone.tap("Copy")
    copy, _ = came(phone, 2)
    assert copy.media is not None
    kind = (
        "document" if isinstance(phone, TelegramPhone) else "image"
    )  # which is all that WhatsApp says it takes
    assert (copy.media.data, copy.kind) in [(PHOTO, kind), (PHOTO, "photo")]
    assert phone.api.refused == []


async def test_a_recording_a_link_a_place_and_a_contact(phone: ChatPhone) -> None:
    await phone.write("hello")
    await phone.send("photo", PHOTO)
    await phone.tap("Others")
    picture, place, contact, _ = came(phone, 4)
    assert picture.media is not None
    assert picture.media.url == "https://example.com/a.png"
    assert "32.58" in place.text or place.kind == "location"
    assert "256312000000" in contact.text
    assert phone.api.refused == []


async def test_a_voice_message_has_its_caption_in_the_text_where_it_can_have_none(phone: ChatPhone) -> None:
    await phone.write("hello")
    await phone.send("photo", PHOTO)
    await phone.tap("Voice")
    voice, text = came(phone, 2)
    assert voice.media is not None
    assert voice.media.data == VOICE
    assert "Listen" in voice.text + text.text
    assert phone.api.refused == []


async def test_one_picture_for_many_is_uploaded_once(stage: Stage) -> None:
    for n in range(5):
        each = stage.whatsapp(f"Asha {n}", phone=f"25677200010{n}")
        await each.write("hello")
        await each.send("photo", PHOTO)
        await each.tap("Card")
    api = stage.chats.business()[0]
    assert api.by_method["media"] == 1
    for n in range(3):
        other = stage.telegram(f"Kato {n}")
        await other.write("hello")
        await other.send("photo", PHOTO)
        await other.tap("Card")
        media = came(other, 2)[0].media
        assert media is not None
        assert media.data == CARD
    assert stage.chats.bot().refused == []


async def test_a_file_that_the_provider_forgot_is_uploaded_once_more(stage: Stage) -> None:
    api = stage.chats.business()[0]
    for n in range(2):
        each = stage.whatsapp(f"Asha {n}", phone=f"25677200010{n}")
        await each.write("hello")
        await each.send("photo", PHOTO)
        if n:
            api.files = {name: media for name, media in api.files.items() if media.data != CARD}
        await each.tap("Card")
        media = came(each, 2)[0].media
        assert media is not None
        assert media.data == CARD
    assert api.by_method["media"] == 2


async def test_nobody_fills_the_disk_with_what_was_not_asked_for(stage: Stage, phone: ChatPhone) -> None:
    await phone.send("photo", PHOTO)
    assert not (stage.settings.data / "media").exists()
    await phone.send("photo", PHOTO)
    await phone.send("photo", PHOTO)
    assert len(lying(stage)) == 1


async def test_another_kind_and_too_large_a_file_are_told(stage: Stage, phone: ChatPhone) -> None:
    await phone.write("hello")
    assert "Send a photo." in await phone.send("photo", b"MZ no photo at all")
    assert "too large" in await phone.send("photo", PHOTO * 5)
    assert f"{len(PHOTO)} octets" in await phone.send("photo", PHOTO)


async def test_a_file_over_the_limit_is_never_stored() -> None:
    found = load({"KIKAO_MEDIA_FILE_MB": "1"}, None)
    async with Stage(app) as stage:
        stage.settings = structs.replace(stage.settings, media=found.media)
        await stage.restart()
        phone = stage.telegram("Asha")
        await phone.write("hello")
        assert "That file is too large. Send a smaller one." in await phone.send("photo", bytes(1_000_001))
        (lost,) = [event for event in stage.events if isinstance(event, FileLost)]
        assert lost == FileLost(
            channel="telegram", gateway="bot-api", reason="larger than 1,000,000 octets", again=False
        )
        assert not (stage.settings.data / "media" / "files").is_dir()


async def test_a_file_that_the_provider_does_not_have_is_asked_for_again(stage: Stage) -> None:
    phone = stage.whatsapp("Asha")
    await phone.write("hello")
    api = stage.chats.business()[0]
    kept, api.files = api.files, _Forgetful()
    assert "Your file did not arrive. Send it again." in await phone.send("photo", PHOTO)
    api.files = kept
    assert f"{len(PHOTO)} octets" in await phone.send("photo", PHOTO)


class _Forgetful(dict[str, File]):
    """Loses what is put there."""

    def __setitem__(self, key: str, value: File) -> None:
        pass


async def test_files_expire_and_flows_are_told(stage: Stage, phone: ChatPhone) -> None:
    await phone.write("hello")
    await phone.send("photo", PHOTO)
    stage.clock.advance(31 * DAY)
    assert stage.server.file_sweeper is not None
    await stage.server.file_sweeper.once()
    (swept,) = [event for event in stage.events if isinstance(event, FilesSwept)]
    assert (swept.count, swept.kept) == (1, 0)


async def test_erasing_a_member_takes_their_files(stage: Stage) -> None:
    phone, other = stage.telegram("Asha"), stage.telegram("Kato")
    for each in (phone, other):
        await each.write("hello")
        await each.send("photo", PHOTO)
    assert len(lying(stage)) == 2
    server = stage.server
    assert server.members is not None
    member = await server.members.find("telegram", str(phone.member.id))
    assert member is not None
    for before in (False, True):
        (erased,) = [each async for each in server.commands.ask(ERASE, Erasing(member))]
        assert erased == Erased(before)
    assert len(lying(stage)) == 1


def lying(stage: Stage) -> list[Path]:
    return [path for path in (stage.settings.data / "media" / "files").rglob("*") if path.is_file()]
