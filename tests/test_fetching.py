"""Files before turns: fetched for the question that wants one; where that takes time, kept in order, and told of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from kikao import App, Chat, Files, Flows, Media, Text, t
from kikao.channels.media.errors import TookTooLong
from kikao.channels.media.receiving import Receiving
from kikao.channels.telegram.emulator import BotApi
from kikao.events import FileFetched, FileLost
from kikao.fetching import WITHIN
from kikao.testing import Stage
from kikao.testing.chat_phone import TelegramPhone

PHOTO = b"\xff\xd8\xff\xe0photo"
flows = Flows()


@flows.flow("photos")
async def photos(chat: Chat) -> None:
    files = chat.service(Files)
    photo = await chat.ask("photo", Media(("image",)), t("Your photo?"))
    name = await chat.ask("name", Text(), t("Whose is it?"))
    size = await chat.read("size", lambda: _size(files, photo))
    await chat.end(t("{size} of {name}.", size=size, name=name))


async def _size(files: Files, photo: object) -> int:
    return len(await files.open(photo))  # type: ignore[arg-type]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with Stage(App(flows, entry="photos", channels=["telegram"])) as stage:
        yield stage


@pytest.fixture
async def asha(stage: Stage) -> TelegramPhone:
    phone = stage.telegram("Asha")
    assert "Your photo?" in await phone.write("hello")
    return phone


def api(stage: Stage) -> BotApi:
    return stage.chats.bot()


async def test_what_the_provider_cannot_give_now_is_kept_and_comes_later(
    stage: Stage, asha: TelegramPhone
) -> None:
    api(stage).fails(1)
    assert await asha.send("photo", PHOTO) == ""
    stage.clock.advance(2)
    assert "Whose is it?" in await asha.listen()
    told = [event for event in stage.events if isinstance(event, FileLost | FileFetched)]
    assert [type(event) for event in told] == [FileLost, FileFetched]
    assert told[0] == FileLost(channel="telegram", gateway="bot-api", reason="HTTP 503", again=True)
    assert "9 of Amina." in await asha.write("Amina")


async def test_after_a_while_the_member_is_told(
    stage: Stage, asha: TelegramPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kikao.fetching.PATIENCE", 0.0)
    api(stage).fails(1)
    assert "Your file did not arrive. Send it again.\nYour photo?" in await asha.send("photo", PHOTO)
    assert "Whose is it?" in await asha.send("photo", PHOTO)


async def test_a_provider_that_takes_long_holds_nobody_up(stage: Stage, asha: TelegramPhone) -> None:
    """No webhook waits for it, and what the member writes meanwhile stands behind it."""
    api(stage).slow(0.05)
    within: list[float] = []
    receive = Receiving.receive

    async def receiving(
        self: Receiving, *arguments: Any, within_: list[float] = within, **options: Any
    ) -> Any:
        within_.append(options["within"])
        if len(within_) == 1:
            raise TookTooLong(options["within"])
        return await receive(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Receiving, "receive", receiving)
        assert await asha.send("photo", PHOTO) == ""
        assert await asha.write("Amina") == "", "it is no answer to the question before"
        stage.clock.advance(2)
        assert "9 of Amina." in await asha.listen()
    assert within == [WITHIN, WITHIN]


async def test_a_caption_is_no_answer_to_another_question(stage: Stage, asha: TelegramPhone) -> None:
    await asha.send("photo", PHOTO)
    assert "9 of Amina." in await asha.send("photo", b"another", caption="Amina")
    assert len([event for event in stage.events if isinstance(event, FileFetched)]) == 1


async def test_a_redelivery_fetches_nothing_again(stage: Stage, asha: TelegramPhone) -> None:
    await asha.send("photo", PHOTO)
    assert await asha.again() == ""
    assert len([event for event in stage.events if isinstance(event, FileFetched)]) == 1


async def test_there_is_no_room(stage: Stage, asha: TelegramPhone) -> None:
    folder = stage.settings.media_folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where the folder should be")
    assert "Your file did not arrive." in await asha.send("photo", PHOTO)
    (lost,) = [event for event in stage.events if isinstance(event, FileLost)]
    assert lost.reason.startswith("KIKAO_MEDIA: files cannot be kept")
    folder.unlink()
    assert "Whose is it?" in await asha.send("photo", PHOTO)
