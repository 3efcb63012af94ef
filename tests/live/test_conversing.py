"""What the events of a web chat come to: turns, places in the inbox, files in pieces, and words in one's language."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from kikao import Chat, Flows, Media, Text
from kikao.channels.media.store import FileStore
from kikao.channels.socket.said import PIECE, Open, Piece, inbound
from kikao.channels.socket.showing import PATH
from kikao.conversation.answers import Location
from kikao.conversation.attached import Attached
from kikao.i18n import t
from kikao.live.conversing import NO_BASE64, NOT_WANTED, START_AGAIN, TOO_LARGE, UNAVAILABLE
from kikao.sessions.keeper import Held
from kikao.sessions.policy import session_key
from kikao.sessions.sealing import KeyRing
from kikao.testing import Clock
from kikao.testing.samples import sample
from tests.channels.socket.webtalk import WebTalk, start
from tests.talk import KEY

flows = Flows()


@flows.flow("photo", title=t("Photo"))
async def photo(chat: Chat) -> None:
    name = await chat.ask("name", Text(), t("Your name?"))
    file = await chat.ask("photo", Media(("image",)), t("Send a photo."))
    await chat.show(Attached.image(file, caption=t("You, {name}", name=name)))
    await chat.end(t("{size} octets.", size=str(file.size)))


@flows.flow("where", title=t("Where"))
async def where(chat: Chat) -> None:
    place = await chat.ask("place", Location(), t("Where are you?"))
    await chat.end(t("At {latitude}.", latitude=str(place.latitude)))


@pytest.fixture
async def asha(tmp_path: Path) -> WebTalk:
    store = FileStore(tmp_path / "files", KeyRing({"test": KEY}), days=3, most=10_000_000, clock=Clock())
    asha = await start(flows, "photo", files=store)
    await asha.says("hi")
    await asha.says("Asha")
    return asha


def piece(octets: bytes, id_: str = "f1", *, at: int = 0, more: bool = False) -> Piece:
    data = base64.b64encode(octets).decode()
    return Piece(id_, data, "me.jpg", "image/jpeg", at, more)


async def test_a_file_is_an_answer_and_other_devices_see_it(asha: WebTalk) -> None:
    assert asha.screen["wants"] == "media"
    mine, *_, said = await asha.sends(piece(sample("photo")))
    assert (mine["id"], mine["mine"], mine["shows"][0]["kind"]) == ("f1", True, "image")
    assert said["text"].endswith(f"{len(sample('photo'))} octets.")
    shown = [each for message in asha.stream if not message.get("mine") for each in message.get("shows", ())]
    assert [(each["kind"], each["caption"]) for each in shown] == [("image", "You, Asha")]
    found = asha.conversing.show("asha", shown[0]["ref"])
    assert found is not None
    assert (found["url"].startswith(PATH), found["seconds"]) == (True, 300)
    assert asha.conversing.show("brian", shown[0]["ref"]) is None


async def test_a_large_file_comes_in_pieces(asha: WebTalk) -> None:
    whole = sample("photo") + bytes(100_000)
    starts = range(0, len(whole), PIECE)
    for at in starts[:-1]:
        assert await asha.sends(piece(whole[at : at + PIECE], at=at, more=True)) == []
        assert asha.reason == ""
    said = await asha.sends(piece(whole[starts[-1] :], at=starts[-1]))
    assert said[-1]["text"].endswith(f"{len(whole)} octets.")


async def test_a_piece_out_of_its_place_has_the_file_begin_anew(asha: WebTalk) -> None:
    half = piece(b"\xff\xd8\xff" + bytes(97), more=True)
    for wrong in (
        piece(bytes(9), at=99), piece(bytes(9), at=101), piece(bytes(9), "other", at=100),
    ):  # fmt: skip
        assert await asha.sends(half) == []
        assert asha.reason == ""
        await asha.sends(wrong)
        assert asha.reason == START_AGAIN
        await asha.sends(piece(bytes(9), at=100))  # nothing is left of it
        assert asha.reason == START_AGAIN
    await asha.sends(half)
    await asha.sends(piece(sample("photo")))
    assert asha.reason == ""


async def test_a_file_sent_again_is_one_answer(asha: WebTalk) -> None:
    first = await asha.sends(piece(sample("photo")))
    assert len(first) > 1
    assert await asha.sends(piece(sample("photo"))) == []
    assert asha.reason == ""


async def test_a_file_that_the_open_question_does_not_want_is_no_answer(asha: WebTalk) -> None:
    await asha.sends(piece(sample("photo")))
    await asha.opens()
    said = await asha.sends(piece(sample("photo"), "f2"))
    assert (asha.reason, said[-1]["text"].endswith("Your name?")) == ("", True)
    await asha.sends(piece(bytes(9), "f3", more=True))
    assert asha.reason == NOT_WANTED  # and no more of it is sent


async def test_a_file_that_is_too_large_or_none_is_not_taken(asha: WebTalk) -> None:
    await asha.sends(piece(bytes(200_001)))
    assert asha.reason == TOO_LARGE
    await asha.sends(piece(bytes(2), at=200_000))
    assert asha.reason == TOO_LARGE
    await asha.sends(Piece("f1", "no base64"))
    assert asha.reason == NO_BASE64
    assert asha.screen["wants"] == "media"


async def test_a_file_that_nobody_asked_for_is_not_kept(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "files", KeyRing({"test": KEY}), days=3, most=10_000_000, clock=Clock())
    asha = await start(flows, "photo", files=store)
    await asha.says("hi")
    await asha.sends(piece(sample("photo")))
    assert (asha.reason, store.has_any) == ("", False)
    asha = await start(flows, "photo")
    await asha.sends(piece(sample("photo")))
    assert asha.reason == NOT_WANTED  # nor where no files are kept


async def test_what_cannot_be_dealt_with_now_is_welcome_again(asha: WebTalk) -> None:
    asha.process.store.unavailable = True
    await asha.sends(piece(sample("photo")))
    assert asha.reason == UNAVAILABLE
    asha.process.store.unavailable = False
    await asha.sends(piece(sample("photo")))
    assert asha.reason == ""


async def test_a_full_disk_is_told_as_not_now(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "files", KeyRing({"test": KEY}), days=3, most=10, clock=Clock())
    asha = await start(flows, "photo", files=store)
    await asha.says("hi")
    await asha.says("Asha")
    await asha.sends(piece(sample("photo")))
    assert asha.reason == UNAVAILABLE


async def test_a_file_that_does_not_come_to_its_end_leaves_nothing(asha: WebTalk, tmp_path: Path) -> None:
    await asha.sends(piece(bytes(100), more=True))
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    await asha.upload.drop()
    assert len(sorted(path for path in tmp_path.rglob("*") if path.is_file())) < len(before)


def session_of(asha: WebTalk) -> bytes:
    turns = asha.process.turns
    return session_key(turns.sessions.ring, turns.address(inbound("asha", Open("x"))).parts)


async def test_where_a_device_is_is_an_answer() -> None:
    asha = await start(flows, "where")
    await asha.opens()
    assert asha.screen["wants"] == "location"
    mine, done = await asha.is_at(0.25, 32.5)
    assert mine["mine"]
    assert done["text"] == "At 0.25."


async def test_what_comes_while_a_turn_cannot_be_is_kept_and_dealt_with_in_order() -> None:
    asha = await start(flows, "photo")
    await asha.opens()
    held = await asha.process.sessions.claim(session_of(asha), wait=0.0)
    assert isinstance(held, Held)
    budget, asha.process.turns.budget = asha.process.turns.budget, 0.1
    assert await asha.says("Asha") == []
    asha.process.turns.budget = budget
    assert asha.reason == ""
    await held.release()
    asha.process.clock.advance(2)
    assert [message["text"] for message in await asha.arrived()] == ["Asha", "Send a photo."]


@pytest.mark.parametrize(
    ("language", "locale", "word"), [("", "en", "Send"), ("sw-KE", "sw", "Tuma"), ("lg", "en", "Send")]
)
async def test_who_joins_gets_the_words_of_the_page(language: str, locale: str, word: str) -> None:
    asha = await start(flows, "where")
    greeting = asha.conversing.greeting(language)
    assert (greeting["locale"], greeting["texts"]["send"]) == (locale, word)
    assert greeting["limits"] == {"text": 4096, "secret": 256, "piece": 45_000, "file": 0}


async def test_nothing_is_shown_where_no_files_are_kept() -> None:
    asha = await start(flows, "where")
    assert asha.conversing.show("asha", "whatever") is None
