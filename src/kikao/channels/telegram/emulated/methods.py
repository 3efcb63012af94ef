"""What the methods do that a bot calls, and what each refuses. https://core.telegram.org/bots/api#available-methods"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from kikao.channels.emulating.chats import Button, Chat, Media, Message
from kikao.channels.emulating.wire import Upload
from kikao.channels.telegram.emulated.bot import Bot
from kikao.channels.telegram.emulated.html import resolved
from kikao.channels.telegram.emulated.people import KINDS, Member
from kikao.channels.telegram.emulated.places import Place
from kikao.channels.telegram.emulated.rules import (
    CAPTION,
    DOWNLOAD,
    PHOTO,
    TEXT,
    TOAST,
    UPLOAD,
    Breach,
    Given,
    bad,
    commands,
    inline_rows,
    keyboard_rows,
)

Method = Callable[[Bot, Given], Any]
"""The result. Raises `Breach`."""


def get_me(api: Bot, given: Given) -> Any:
    return api.me() | {"can_join_groups": True, "can_read_all_group_messages": False}


def send_message(api: Bot, given: Given) -> Any:
    place = _place(api, given)
    text, entities = _text(given, "text", "entities", TEXT, "message")
    if not text.strip():
        raise bad("message text is empty")
    content: dict[str, Any] = {"text": text, **({"entities": entities} if entities else {})}
    return _sent(api, given, place, "text", content, text)


def sender(kind: str) -> Method:
    """Of a method that sends media."""

    def send(api: Bot, given: Given) -> Any:
        place = _place(api, given)
        caption, entities = _text(given, "caption", "caption_entities", CAPTION, "message caption")
        if caption and kind in ("sticker", "video_note"):
            caption, entities = "", []
        wire, media = _file(api, given, kind)
        content: dict[str, Any] = {kind: wire}
        content |= {"caption": caption} if caption else {}
        content |= {"caption_entities": entities} if entities else {}
        return _sent(api, given, place, kind, content, caption, media)

    return send


def send_location(api: Bot, given: Given) -> Any:
    place = _place(api, given)
    where = {"latitude": given.real("latitude"), "longitude": given.real("longitude")}
    if abs(where["latitude"]) > 90 or abs(where["longitude"]) > 180:
        raise bad("wrong location coordinates")
    return _sent(
        api, given, place, "location", {"location": where}, "{latitude}, {longitude}".format(**where)
    )


def send_contact(api: Bot, given: Given) -> Any:
    place = _place(api, given)
    contact = {"phone_number": given.text("phone_number"), "first_name": given.text("first_name")}
    if not all(contact.values()):
        raise bad("not enough parameters: phone_number and first_name")
    return _sent(api, given, place, "contact", {"contact": contact}, contact["phone_number"])


def send_chat_action(api: Bot, given: Given) -> Any:
    place = _place(api, given)
    if given.text("action") not in ACTIONS:
        raise bad("wrong parameter action in request")
    if isinstance(place, Member):
        place.typing += 1
    return True


def edit_text(api: Bot, given: Given) -> Any:
    place, message = _own(api, given, "edit")
    text, entities = _text(given, "text", "entities", TEXT, "message")
    if not text.strip():
        raise bad("message text is empty")
    if message.kind != "text":
        raise bad("there is no text in the message to edit")
    content: dict[str, Any] = {"text": text, **({"entities": entities} if entities else {})}
    return _edited(api, given, place, message, text, content, {"text", "entities"})


def edit_caption(api: Bot, given: Given) -> Any:
    place, message = _own(api, given, "edit")
    caption, entities = _text(given, "caption", "caption_entities", CAPTION, "message caption")
    if message.media is None:
        raise bad("there is no caption in the message to edit")
    content: dict[str, Any] = {"caption": caption} if caption else {}
    content |= {"caption_entities": entities} if entities else {}
    return _edited(api, given, place, message, caption, content, {"caption", "caption_entities"})


def edit_markup(api: Bot, given: Given) -> Any:
    place, message = _own(api, given, "edit")
    return _edited(api, given, place, message, message.text, {}, set())


def delete_message(api: Bot, given: Given) -> Any:
    place, message = _own(api, given, "delete")
    if not api.invisible:
        message.deleted = True
        place.chat.touch(message)
    return True


def answer_callback(api: Bot, given: Given) -> Any:
    text = given.text("text")
    given.get("show_alert"), given.get("url"), given.get("cache_time")
    if len(text) > TOAST:
        raise bad("MESSAGE_TOO_LONG")
    member = api.answered(given.text("callback_query_id"))
    if not isinstance(member, Member):
        raise bad("query is too old and response timeout expired or query ID is invalid")
    if not api.invisible:
        member.spinning.discard(given.text("callback_query_id"))
        if text:
            member.toasts.append(text)
    return True


def set_commands(api: Bot, given: Given) -> Any:
    found = commands(given.structure("commands"))
    api.commands[_scope(given)] = found
    return True


def get_commands(api: Bot, given: Given) -> Any:
    return api.commands.get(_scope(given), [])


def delete_commands(api: Bot, given: Given) -> Any:
    api.commands.pop(_scope(given), None)
    return True


def get_file(api: Bot, given: Given) -> Any:
    name = given.text("file_id")
    media = api.files.get(name)
    if media is None or media.data is None:
        raise bad("invalid file_id")
    if len(media.data) > DOWNLOAD:
        raise bad("file is too big")
    return {
        "file_id": name,
        "file_unique_id": f"u{name}",
        "file_size": len(media.data),
        "file_path": api.opens(name),
    }


def get_chat(api: Bot, given: Given) -> Any:
    return _place(api, given).wire()


def leave_chat(api: Bot, given: Given) -> Any:
    place = _place(api, given)
    place.bot_is_in = False
    return True


METHODS: Final[dict[str, Method]] = {
    "getMe": get_me,
    "sendMessage": send_message,
    **{f"send{''.join(word.title() for word in kind.split('_'))}": sender(kind) for kind in KINDS},
    "sendLocation": send_location,
    "sendContact": send_contact,
    "sendChatAction": send_chat_action,
    "editMessageText": edit_text,
    "editMessageCaption": edit_caption,
    "editMessageReplyMarkup": edit_markup,
    "deleteMessage": delete_message,
    "answerCallbackQuery": answer_callback,
    "setMyCommands": set_commands,
    "getMyCommands": get_commands,
    "deleteMyCommands": delete_commands,
    "getFile": get_file,
    "getChat": get_chat,
    "leaveChat": leave_chat,
}
"""By name, but for updates and webhooks, which `BotApi` itself has."""

ACTIONS: Final = frozenset(
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document choose_sticker "
    "find_location record_video_note upload_video_note".split()
)

OPTIONAL: Final = (
    "disable_notification protect_content link_preview_options disable_web_page_preview message_thread_id "
    "allow_sending_without_reply message_effect_id allow_paid_broadcast duration width height thumbnail performer "
    "title supports_streaming disable_content_type_detection has_spoiler show_caption_above_media emoji vcard "
    "last_name length horizontal_accuracy business_connection_id direct_messages_topic_id"
).split()
"""Taken, and nothing comes of them here."""


def _place(api: Bot, given: Given) -> Place:
    """Where a call is for, if the bot may write there. Raises `Breach`."""
    number = given.number("chat_id") if not given.text("chat_id").startswith("@") else None
    if given.get("chat_id") is None:
        raise bad("chat_id is empty")
    place = api.places.get(number or 0)
    if place is None:
        raise bad("chat not found")
    if place.moved_to is not None:
        raise Breach(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            migrate_to_chat_id=place.moved_to,
        )
    if isinstance(place, Member):
        if place.deactivated:
            raise Breach(403, "Forbidden: user is deactivated")
        if place.blocked:
            raise Breach(403, "Forbidden: bot was blocked by the user")
        if not place.started:
            raise Breach(403, "Forbidden: bot can't initiate conversation with a user")
    elif not place.bot_is_in:
        raise Breach(403, f"Forbidden: bot was kicked from the {place.kind} chat")
    return place


def _limited(api: Bot, place: Place) -> None:
    """Raises `Breach` for one message too many."""
    allowed, now = api.rates, api.clock()
    if allowed is None:
        return
    rates = {"": allowed.bot, str(place.id): allowed.chat if place.kind == "private" else allowed.group}
    waits = [api.windows.wait(key, rate, now) for key, rate in rates.items() if rate is not None]
    if any(waits):
        api.breaches += 1
        wait = math.ceil(max(waits))
        raise Breach(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
    for key in rates:
        api.windows.take(key, now)


def _text(given: Given, name: str, marks: str, most: int, what: str) -> tuple[str, list[dict[str, Any]]]:
    """A text as members see it, and its entities."""
    text, mode = given.text(name), given.text("parse_mode").lower()
    entities = given.structure(marks) or []
    if mode == "html":
        text, entities = resolved(text)
    elif mode:
        raise bad(f"parse_mode {mode} is not emulated here: send HTML, or a plain text")
    if len(text) > most:
        raise bad(f"{what} is too long")
    return text, entities


def _sent(
    api: Bot,
    given: Given,
    place: Place,
    kind: str,
    content: dict[str, Any],
    text: str,
    media: Media | None = None,
) -> dict[str, Any]:
    for name in OPTIONAL:
        given.get(name)
    rows, keyboard = _markup(given)
    answered = _answered(given, place)
    _limited(api, place)
    raw = api.message(place, api.me(), content)
    raw |= {"reply_to_message": answered.raw} if answered else {}
    if rows:
        raw["reply_markup"] = {"inline_keyboard": given.structure("reply_markup")["inline_keyboard"]}
    message = Message(str(raw["message_id"]), "", text, api.clock(), kind, rows or [], media=media, raw=raw)
    said = {key: value for key, value in given.fields.items() if not isinstance(value, Upload)}
    api.accept(str(place.id), kind, said, f"{place.id}/{message.id}")
    message.keys = keyboard or []
    if not api.invisible:
        _set_keyboard(place.chat, keyboard)
        place.chat.add(message)
    return raw


def _edited(
    api: Bot,
    given: Given,
    place: Place,
    message: Message,
    text: str,
    content: dict[str, Any],
    replaced: set[str],
) -> dict[str, Any]:
    for name in OPTIONAL:
        given.get(name)
    rows, keyboard = _markup(given)
    if keyboard is not None:
        raise bad("inline keyboard expected")
    raw = {key: value for key, value in message.raw.items() if key not in replaced | {"reply_markup"}}
    raw |= content
    if rows:
        raw["reply_markup"] = {"inline_keyboard": given.structure("reply_markup")["inline_keyboard"]}
    if raw == {key: value for key, value in message.raw.items() if key != "edit_date"} | (
        {"edit_date": message.raw["edit_date"]} if "edit_date" in message.raw else {}
    ):
        raise bad(
            "message is not modified: specified new message content and reply markup are exactly the same as a "
            "current content and reply markup of the message"
        )
    raw["edit_date"] = int(api.clock())
    if not api.invisible:
        message.text, message.rows, message.raw = text, rows or [], raw
        message.edited_at = api.clock()
        place.chat.touch(message)
    return raw


def _own(api: Bot, given: Given, doing: str) -> tuple[Place, Message]:
    """A message of the bot, and where it is."""
    place, number = _place(api, given), given.number("message_id")
    if number is None:
        raise bad("message identifier is not specified")
    message = place.chat.find(str(number))
    if message is None:
        raise bad(f"message to {doing} not found")
    if message.by and (doing == "edit" or place.kind != "private"):
        raise bad(f"message can't be {doing.removesuffix('e')}ed")
    return place, message


def _markup(given: Given) -> tuple[list[list[Button]] | None, list[list[Button]] | None]:
    """Buttons below the message, and a keyboard to be set (empty to take one away); None for neither."""
    markup = given.structure("reply_markup")
    if markup is None:
        return None, None
    if not isinstance(markup, dict):
        raise bad("object expected as reply markup")
    if "inline_keyboard" in markup:
        return inline_rows(markup), None
    if "keyboard" in markup:
        return None, keyboard_rows(markup)
    if markup.get("remove_keyboard"):
        return None, []
    if markup and not markup.get("force_reply"):
        raise bad("unknown reply markup")
    return None, None


def _set_keyboard(chat: Chat, keyboard: list[list[Button]] | None) -> None:
    if keyboard is not None:
        chat.keyboard = keyboard


def _answered(given: Given, place: Place) -> Message | None:
    """The message that this one replies to."""
    said = given.structure("reply_parameters") or {}
    number = said.get("message_id", given.number("reply_to_message_id"))
    if number is None:
        return None
    message = place.chat.find(str(number))
    if message is None and not said.get("allow_sending_without_reply"):
        raise bad("message to be replied not found")
    return message


def _file(api: Bot, given: Given, kind: str) -> tuple[Any, Media]:
    """A file that is uploaded, or named by its id or URL."""
    value = given.get(kind)
    if isinstance(value, str) and value.startswith("attach://"):
        value = given.get(value.removeprefix("attach://"))
    if value is None:
        raise bad(f"there is no {kind} in the request")
    if isinstance(value, Upload):
        if len(value.data) > UPLOAD:
            raise Breach(413, "Request Entity Too Large")
        if kind == "photo" and len(value.data) > PHOTO:
            raise bad("file is too big")
        if not value.data:
            raise bad("file must be non-empty")
        media = Media(value.name, value.mime, value.data)
        return api.file(kind, media), media
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        media = Media(value.rpartition("/")[2], KINDS[kind][0], None, value)
        return api.file(kind, media), media
    found = api.files.get(str(value))
    if found is None:
        raise bad("wrong remote file identifier specified: Wrong string length")
    return api.file(kind, found, str(value)), found


def _scope(given: Given) -> tuple[str, str]:
    """What a menu of commands is for: a scope, and a language."""
    scope = given.structure("scope") or {"type": "default"}
    if not isinstance(scope, dict) or not isinstance(scope.get("type"), str):
        raise bad("can't parse BotCommandScope")
    chat = f"/{scope['chat_id']}" if "chat_id" in scope else ""
    return f"{scope['type']}{chat}", given.text("language_code")
