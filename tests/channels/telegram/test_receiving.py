"""Updates as inbounds, or as what Telegram tells besides; and nothing that anybody sends makes an error of ours."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.channel import BadRequest
from kikao.channels.chat.gateway import Received
from kikao.channels.chat.told import Changed, Moved, Other, Standing
from kikao.channels.inbound import Inbound
from kikao.channels.telegram.bot import Bot
from kikao.channels.telegram.receiving import received
from kikao.channels.telegram.types import Update
from kikao.conversation.inputs import Place, SharedContact

ASHA: Final = {"id": 4711, "is_bot": False, "first_name": "Asha", "language_code": "sw"}
BOT: Final = {"id": 99, "is_bot": True, "first_name": "Shop", "username": "shop_bot"}
ALONE: Final = {"id": 4711, "type": "private", "first_name": "Asha"}
GROUP: Final = {"id": -1001234567890, "type": "supergroup", "title": "Savings"}


@pytest.fixture
def bot() -> Bot:
    bot = Bot("bot-api", 99, "shop_bot")
    bot.commands = frozenset({"balance", "start"})
    return bot


def message(**content: Any) -> dict[str, Any]:
    return {"message_id": 5, "from": ASHA, "chat": ALONE, "date": 1_790_000_000, **content}


def read(bot: Bot, number: int = 8, **kinds: Any) -> Received:
    return received(json.dumps({"update_id": number, **kinds}).encode(), bot)


def said(bot: Bot, **content: Any) -> Inbound:
    found = read(bot, message=message(**content))
    assert found.told == ()
    (inbound,) = found.inbounds
    return inbound


def notes(found: Received) -> list[str]:
    assert found.inbounds == ()
    return [told.note for told in found.told if isinstance(told, Other)]


def test_a_text(bot: Bot) -> None:
    inbound = said(bot, text="hello")
    assert (inbound.channel, inbound.gateway, inbound.identity) == ("telegram", "bot-api", "4711")
    assert (inbound.happening, inbound.text.reveal(), inbound.msisdn) == ("reply", "hello", "")
    assert inbound.message_id is not None
    assert inbound.message_id.reveal() == "8"
    assert inbound.sent_at == 1_790_000_000.0
    assert inbound.chat is not None
    assert (inbound.chat.to, inbound.chat.group, inbound.chat.order) == ("", "", 8)
    assert (inbound.chat.said, inbound.chat.language) == ("5", "sw")


@pytest.mark.parametrize(
    ("text", "happening", "command", "rest"),
    [
        ("/start", "new", "start", ""),
        ("/start send_0772_500", "new", "start", "send_0772_500"),
        ("/START@Shop_Bot x", "new", "start", "x"),
        ("/balance  2026 \n", "reply", "balance", "2026"),
        ("/balance\n2026", "reply", "balance", "2026"),
        ("/", "reply", "", "/"),
        ("/2026/11", "reply", "", "/2026/11"),
        ("1/2", "reply", "", "1/2"),
        ("/balance!", "reply", "", "/balance!"),
        ("a\u2060.com", "reply", "", "a.com"),
    ],
)
def test_commands(bot: Bot, text: str, happening: str, command: str, rest: str) -> None:
    inbound = said(bot, text=text)
    assert inbound.chat is not None
    assert (inbound.happening, inbound.chat.command, inbound.text.reveal()) == (happening, command, rest)


def test_a_command_for_another_bot_is_nobodys_business(bot: Bot) -> None:
    assert read(bot, message=message(text="/balance@other_bot")) == Received()
    bot.username = ""  # not known yet: alone with a member it can be no other bot
    assert said(bot, text="/balance@shop_bot").chat.command == "balance"  # type: ignore[union-attr]
    assert read(bot, message=message(chat=GROUP, text="/balance@shop_bot")) == Received()


@pytest.mark.parametrize(
    ("text", "more", "meant"),
    [
        ("/balance", {}, ("balance", "")),
        ("/weather", {}, None),
        ("/weather@shop_bot", {}, ("weather", "")),
        ("/weather@other_bot", {}, None),
        ("hello", {}, None),
        ("@shop_bot two, please", {}, ("", "two, please")),
        ("two, @Shop_Bot", {}, ("", "two,")),
        ("@shop_bot", {}, ("start", "")),
        ("@shop_bottle two", {}, None),
        ("asha@shop_bot", {}, None),
        ("@other_bot two", {}, None),
        ("two", {"reply_to_message": {"message_id": 3, "chat": GROUP, "from": BOT}}, ("", "two")),
        ("two", {"reply_to_message": {"message_id": 3, "chat": GROUP, "from": ASHA}}, None),
        ("two", {"reply_to_message": {"message_id": 3, "chat": GROUP}}, None),
    ],
)
def test_in_a_group(bot: Bot, text: str, more: dict[str, Any], meant: tuple[str, str] | None) -> None:
    found = read(bot, message=message(chat=GROUP, text=text, **more))
    if meant is None:
        assert found == Received()
        return
    (inbound,) = found.inbounds
    assert inbound.chat is not None
    assert (inbound.chat.command, inbound.text.reveal()) == meant
    assert (inbound.chat.to, inbound.chat.group) == ("-1001234567890", "-1001234567890")


def test_a_topic_is_a_place_of_its_own(bot: Bot) -> None:
    topic = {"message_thread_id": 7, "is_topic_message": True}
    grouped = said(bot, chat=GROUP, text="/balance", **topic).chat
    assert grouped is not None
    assert (grouped.to, grouped.group) == ("-1001234567890/7", "-1001234567890/7")
    alone = said(bot, text="hi", **topic).chat
    assert alone is not None
    assert (alone.to, alone.group) == ("4711/7", "")
    thread = said(bot, chat=GROUP, text="/balance", message_thread_id=7).chat
    assert thread is not None
    assert thread.group == "-1001234567890"


@pytest.mark.parametrize(
    ("content", "kind", "id_", "mime"),
    [
        ({"voice": {"file_id": "v", "mime_type": "audio/ogg"}}, "audio", "v", "audio/ogg"),
        ({"audio": {"file_id": "a", "mime_type": "audio/mpeg"}}, "audio", "a", "audio/mpeg"),
        ({"video": {"file_id": "w"}}, "video", "w", "video/mp4"),
        ({"video_note": {"file_id": "n"}}, "video", "n", "video/mp4"),
        (
            {"animation": {"file_id": "g"}, "document": {"file_id": "g", "mime_type": "video/mp4"}},
            "video",
            "g",
            "video/mp4",
        ),
        ({"document": {"file_id": "d", "mime_type": "text/csv"}}, "document", "d", "text/csv"),
        ({"sticker": {"file_id": "s", "emoji": "x"}}, "image", "s", "image/webp"),
        ({"sticker": {"file_id": "s", "is_video": True}}, "video", "s", "video/webm"),
        ({"sticker": {"file_id": "s", "is_animated": True}}, "document", "s", "application/x-tgsticker"),
        (
            {
                "photo": [
                    {"file_id": "big", "width": 9, "height": 9},
                    {"file_id": "small", "width": 1, "height": 1},
                ]
            },
            "image",
            "big",
            "image/jpeg",
        ),
    ],
)
def test_files(bot: Bot, content: dict[str, Any], kind: str, id_: str, mime: str) -> None:
    inbound = said(bot, caption="mine", **content)
    assert inbound.chat is not None
    remote = inbound.chat.remote
    assert remote is not None
    assert (remote.kind, remote.id, remote.mime) == (kind, id_, mime)
    assert inbound.text.reveal() == "mine"


@pytest.mark.parametrize(
    ("contact", "more", "number", "own"),
    [
        ({"phone_number": "256772000001", "user_id": 4711}, {}, "+256772000001", True),
        ({"phone_number": "+256772000001", "user_id": 4711}, {}, "+256772000001", True),
        ({"phone_number": "256772000001", "user_id": 4712}, {}, "+256772000001", False),
        ({"phone_number": "256772000001"}, {}, "+256772000001", False),
        ({"phone_number": "256772000001", "user_id": 4711}, {"forward_origin": {}}, "+256772000001", False),
        ({"phone_number": "256772000001", "user_id": 4711}, {"via_bot": BOT}, "+256772000001", False),
        ({"phone_number": "call me", "user_id": 4711}, {}, "call me", False),
    ],
)
def test_whose_a_number_is(
    bot: Bot, contact: dict[str, Any], more: dict[str, Any], number: str, own: bool
) -> None:
    shared = said(bot, contact={"first_name": "A", **contact}, **more).attachment
    assert shared == SharedContact(number, own)
    assert number not in repr(shared)


def test_places(bot: Bot) -> None:
    where = {"latitude": 0.5, "longitude": 32.25}
    assert said(bot, location=where).attachment == Place(0.5, 32.25)
    assert said(bot, venue={"location": where, "title": "Market"}).attachment == Place(0.5, 32.25)


@pytest.mark.parametrize(
    ("update", "note"),
    [
        ({"edited_message": message(text="x")}, "edited_message"),
        ({"channel_post": message(text="/start")}, "channel_post"),
        ({"poll": {"id": "1"}}, "poll"),
        ({"hologram": {}}, "hologram"),
        ({"Strange Key": {}}, "update of an unknown kind"),
        ({}, "update of an unknown kind"),
        ({"message": message(dice={"value": 6})}, "dice"),
        ({"message": message(new_chat_members=[ASHA])}, "new_chat_members"),
        ({"message": message()}, "update of an unknown kind"),
        ({"message": message(text="x") | {"from": BOT}}, "a message of no member"),
        ({"message": {"message_id": 1, "chat": GROUP, "text": "x"}}, "a message of no member"),
        ({"message": message(text=7)}, "unreadable message"),
        ({"message": {}}, "unreadable message"),
        ({"message": message(text="x", date=10**400)}, "unreadable message"),
        ({"message": message(text="x") | {"from": {"id": 2**64}}}, "unreadable message"),
        ({"message": message(photo=[{"file_id": "f", "file_size": 2**64}])}, "unreadable message"),
        ({"callback_query": {"id": "1", "from": BOT, "data": "a:1"}}, "a tap of no member"),
    ],
)
def test_what_is_no_answer_is_told(bot: Bot, update: dict[str, Any], note: str) -> None:
    assert notes(read(bot, **update)) == [note]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b'{"message": {}}', b'{"update_id": true}', b"\xff"]
)
def test_what_is_no_update_is_refused(bot: Bot, body: bytes) -> None:
    with pytest.raises(BadRequest, match="the body is no update of Telegram"):
        received(body, bot)


def test_a_number_of_an_update_that_nothing_takes_runs_no_turn(bot: Bot) -> None:
    assert notes(read(bot, 10**400, message=message(text="x"))) == ["unreadable message"]


def test_a_place_that_is_nowhere_is_no_answer(bot: Bot) -> None:
    where = {"latitude": 0.3, "longitude": 1e308}
    assert notes(read(bot, message=message(location=where))) == ["update of an unknown kind"]


def tap(**more: Any) -> dict[str, Any]:
    on = {"message_id": 10, "from": BOT, "chat": ALONE, "date": 1}
    return {"id": "77", "from": ASHA, "message": on, "chat_instance": "1", "data": "abc:2", **more}


def test_a_tap(bot: Bot) -> None:
    (inbound,) = read(bot, callback_query=tap()).inbounds
    assert inbound.chat is not None
    assert (inbound.chat.pressed, inbound.text.reveal(), inbound.chat.callback) == ("abc", "2", "77")
    assert (inbound.chat.message, inbound.sent_at) == ("10", None)


@pytest.mark.parametrize(
    "query",
    [
        tap(message=None) | {"inline_message_id": "x"},
        tap(data=""),
        tap(data="abc"),
        tap(data=":1"),
        tap(game_short_name="chess", data=""),
    ],
)
def test_a_tap_that_belongs_to_no_screen_is_acknowledged(bot: Bot, query: dict[str, Any]) -> None:
    query = {key: value for key, value in query.items() if value is not None}
    found = read(bot, callback_query=query)
    assert found.inbounds == ()
    assert found.answer is not None
    assert json.loads(found.answer.body) == {
        "method": "answerCallbackQuery",
        "callback_query_id": "77",
        "text": "That button is of an older message.",
    }


@pytest.mark.parametrize(
    ("data", "shared", "is_answer"),
    [
        ("abc:2@4711", False, True),
        ("abc:2@4712", False, False),
        ("abc:2", False, False),
        ("abc:2@4712", True, True),
    ],
)
def test_a_tap_in_a_group_is_of_whom_the_button_is_for(
    bot: Bot, data: str, shared: bool, is_answer: bool
) -> None:
    bot.shares_groups = shared
    asked = {"message_id": 9, "chat": GROUP, "from": ASHA}
    on = {"message_id": 10, "from": BOT, "chat": GROUP, "date": 1, "reply_to_message": asked}
    found = read(bot, callback_query=tap(data=data, message=on))
    assert bool(found.inbounds) is is_answer
    if is_answer:
        (inbound,) = found.inbounds
        assert inbound.chat is not None
        assert (inbound.text.reveal(), inbound.chat.said) == ("2", "9")


@pytest.mark.parametrize(
    ("chat", "status", "what"),
    [
        (ALONE, "kicked", "blocked"),
        (ALONE, "member", "unblocked"),
        (GROUP, "left", "gone"),
        (GROUP, "kicked", "gone"),
        (GROUP, "administrator", "unblocked"),
    ],
)
def test_what_becomes_of_the_bot_in_a_chat(
    bot: Bot, chat: dict[str, Any], status: str, what: Standing
) -> None:
    change = {"chat": chat, "from": ASHA, "date": 12, "new_chat_member": {"user": BOT, "status": status}}
    (told,) = read(bot, my_chat_member=change).told
    assert told == Changed(
        line="telegram/bot-api",
        identity=str(chat["id"]),
        what=what,
        at=12.0,
        reason=status,
    )


def test_a_group_that_moves_is_told_of_by_both(bot: Bot) -> None:
    moved = Moved(line="telegram/bot-api", before="-40", after="-1001234567890", what="group")
    old = {"id": -40, "type": "group", "title": "Savings"}
    assert read(bot, message=message(chat=old, migrate_to_chat_id=-1001234567890)).told == (moved,)
    assert read(bot, message=message(chat=GROUP, migrate_from_chat_id=-40)).told == (moved,)


def test_nothing_shows_what_it_holds() -> None:
    update = Update(7)
    assert repr(update) == "<a update of Telegram>"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FULL: Final = message(
    text="/balance",
    contact={"phone_number": "1", "user_id": 4711},
    reply_to_message={"message_id": 1, "chat": GROUP, "from": BOT},
)


@given(st.sampled_from([*FULL]), VALUES, st.sampled_from(["message", "callback_query", "my_chat_member"]))
def test_whatever_stands_in_an_update_it_is_taken(field: str, value: Any, kind: str) -> None:
    for held in (FULL | {field: value}, {field: value, "id": "1"}, value):
        update = {"update_id": 8, kind: held}
        found = received(json.dumps(update).encode(), Bot("bot-api", 99, "shop_bot"))
        assert all(inbound.identity for inbound in found.inbounds)
