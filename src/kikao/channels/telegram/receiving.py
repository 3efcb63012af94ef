"""An update as an inbound, or as something that Telegram tells besides.

An update is one message, one tap or one piece of news. What is no answer of a member is told, and never runs a turn:
edited messages, channel posts, polls, reactions, kinds that nobody knows yet, and what cannot be read.

In a group only that is for the bot which is a command of its own, a reply to it, a mention of it, or a tap on its
buttons; a tap on those of another member is answered with a word about it, and changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from kikao.channels.channel import BadRequest, Response
from kikao.channels.chat.gateway import Received
from kikao.channels.chat.told import Changed, Moved, Other, Standing
from kikao.channels.chat.turning import TOASTS
from kikao.channels.inbound import Chatted, Inbound
from kikao.channels.media.kinds import Kind
from kikao.channels.media.remote import Remote
from kikao.channels.telegram.bot import CHANNEL, Bot
from kikao.channels.telegram.formatting import JOINER, cut
from kikao.channels.telegram.types import Callback, Earlier, FileOf, MembershipChange, Message, Update, User
from kikao.conversation.inputs import Attachment, Place, SharedContact
from kikao.conversation.secrets import Secret
from kikao.i18n.e164 import is_e164
from kikao.i18n.messages import Text, t

OTHERS: Final = t("These buttons are for somebody else. Write to me to get your own.")
"""Whoever taps what another member was shown."""

TOAST: Final = 200
"""Characters of what is shown for a tap (https://core.telegram.org/bots/api#answercallbackquery)."""

LEFT: Final = frozenset({"left", "kicked"})
"""What the bot is in a chat where it may not write any more."""

JSON: Final = (("content-type", "application/json"),)

_DECODER: Final = msgspec.json.Decoder(Update)
_ENCODER: Final = msgspec.json.Encoder()


def received(body: bytes, bot: Bot) -> Received:
    """What one update holds. Raises `BadRequest` for what is no update."""
    try:
        update = _DECODER.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Received(told=(Other(line=bot.line, note=f"unreadable {_kind(body, bot)}"),))
    if update.message is not None:
        return _message(update.message, update.update_id, body, bot)
    if update.callback_query is not None:
        return _tap(update.callback_query, update.update_id, bot)
    if update.my_chat_member is not None:
        return _membership(update.my_chat_member, bot)
    return _told(bot, _kind(body, bot))


def acknowledged(callback: str, text: str = "") -> Response:
    """What Telegram does with a tap: it goes on the answer to the webhook, so that it costs no call of its own."""
    said = {"method": "answerCallbackQuery", "callback_query_id": callback}
    if text:
        said["text"] = cut(text, TOAST)
    return Response(200, JSON, _ENCODER.encode(said))


def deleted(chat: int, message: str) -> Response:
    """Takes a message away, in the same way; what a member wrote alone with the bot can be for 48 hours."""
    said = {"method": "deleteMessage", "chat_id": chat, "message_id": int(message)}
    return Response(200, JSON, _ENCODER.encode(said))


# --- messages ---


def _message(message: Message, number: int, body: bytes, bot: Bot) -> Received:
    chat, sender = message.chat, message.from_
    if message.migrate_to_chat_id:
        return _moved(bot, chat.id, message.migrate_to_chat_id)
    if message.migrate_from_chat_id:
        return _moved(bot, message.migrate_from_chat_id, chat.id)
    if sender is None or sender.is_bot or chat.type == "channel":
        return _told(bot, "a message of no member")
    text = message.text or message.caption
    attachment, remote = _attached(message, sender), _file(message)
    if not text and attachment is None and remote is None:
        return _told(bot, _content(body))
    found = _COMMAND(text)
    command = found["name"].lower() if found else ""
    if found is not None:
        if found["bot"] and not _is_for(bot, found["bot"], chat.type):
            return NOTHING
        text = found["rest"].strip()
    if chat.type != "private":
        own = found is not None and (bool(found["bot"]) or command in bot.commands)
        text, named = (text, True) if own else _unnamed(text, bot)
        if not (own or named or _replies(message.reply_to_message, bot)) or (found and not own):
            return NOTHING
        if not (text or command or attachment or remote):
            command = "start"  # called by its name, and nothing else
    to, group = _where(chat.id, chat.type, message.message_thread_id if message.is_topic_message else 0)
    return Received(
        inbounds=(
            Inbound(
                channel=CHANNEL,
                gateway=bot.slug,
                identity=str(sender.id),
                happening="new" if command == "start" else "reply",
                text=Secret(text.replace(JOINER, "")),  # where a message of ours was copied
                message_id=Secret(str(number)),
                attachment=attachment,
                sent_at=float(message.date) or None,
                chat=Chatted(
                    to=to,
                    group=group,
                    command=command,
                    said=str(message.message_id),
                    order=number,
                    language=sender.language_code,
                    remote=remote,
                ),
            ),
        )
    )


def _is_for(bot: Bot, name: str, where: str) -> bool:
    """Whether a command that names a bot means this one. Alone with a member, it is whoever it is."""
    return bot.is_called(name) or (where == "private" and not bot.username)


def _unnamed(text: str, bot: Bot) -> tuple[str, bool]:
    """A text without the bot's name, and whether that stood in it."""
    for found in _MENTION(text):
        if bot.is_called(found[1]):
            before, behind = text[: found.start()].rstrip(), text[found.end() :].lstrip(" ,:")
            return f"{before} {behind}".strip(), True
    return text, False


def _replies(earlier: Earlier | None, bot: Bot) -> bool:
    return earlier is not None and earlier.from_ is not None and 0 != bot.id == earlier.from_.id


def _where(chat: int, kind: str, topic: int) -> tuple[str, str]:
    """Where a reply goes, empty for the member's own chat; and the group that it was said in, a topic apart."""
    place = f"{chat}/{topic}" if topic else str(chat)
    if kind == "private":
        return place if topic else "", ""
    return place, place


def _attached(message: Message, sender: User) -> Attachment | None:
    where = message.location or (message.venue.location if message.venue is not None else None)
    if where is not None:
        somewhere = abs(where.latitude) <= 90.0 and abs(where.longitude) <= 180.0
        return Place(where.latitude, where.longitude) if somewhere else None
    contact = message.contact
    if contact is None:
        return None
    number = f"+{contact.phone_number.removeprefix('+')}"  # Telegram writes it with or without
    # One that came through another bot, or from somebody else, may say anything.
    sent_by_them = message.forward_origin is None and message.via_bot is None
    own = is_e164(number) and sent_by_them and 0 != contact.user_id == sender.id
    return SharedContact(number if is_e164(number) else contact.phone_number, own)


def _file(message: Message) -> Remote | None:
    if message.photo:  # Telegram does not promise that they are sorted
        largest = max(message.photo, key=lambda size: (size.width * size.height, size.file_size))
        return Remote(largest.file_id, "image", "image/jpeg", largest.file_size)
    sticker = message.sticker
    if sticker is not None:
        if sticker.is_animated:
            return _remote(sticker, "document", "application/x-tgsticker")
        return (
            _remote(sticker, "video", "video/webm")
            if sticker.is_video
            else _remote(sticker, "image", "image/webp")
        )
    video = message.animation or message.video or message.video_note
    if video is not None:
        return _remote(video, "video", "video/mp4")
    sound = message.voice or message.audio
    if sound is not None:
        return _remote(sound, "audio", "audio/ogg" if message.voice is not None else "")
    return None if message.document is None else _remote(message.document, "document", "")


def _remote(file: FileOf, kind: Kind, usual: str) -> Remote:
    return Remote(file.file_id, kind, file.mime_type or usual, file.file_size, filename=file.file_name)


# --- taps ---


def _tap(callback: Callback, number: int, bot: Bot) -> Received:
    sender, message = callback.from_, callback.message
    if sender is None or sender.is_bot:
        return Received(
            told=(Other(line=bot.line, note="a tap of no member"),), answer=acknowledged(callback.id)
        )
    mark, colon, rest = callback.data.partition(":")
    if message is None or not (mark and colon) or message.chat.type == "channel":
        return _politely(callback, sender, TOASTS["old"], bot)
    alone = message.chat.type == "private"
    key, _, owner = (rest, "", str(sender.id)) if alone else rest.rpartition(OWNER)
    if owner != str(sender.id) and not bot.shares_groups:
        return _politely(callback, sender, OTHERS, bot)
    to, group = _where(
        message.chat.id, message.chat.type, message.message_thread_id if message.is_topic_message else 0
    )
    return Received(
        inbounds=(
            Inbound(
                channel=CHANNEL,
                gateway=bot.slug,
                identity=str(sender.id),
                happening="reply",
                text=Secret(key),
                message_id=Secret(str(number)),
                chat=Chatted(
                    to=to,
                    group=group,
                    pressed=mark,
                    message=str(message.message_id),
                    said=_answered_by(message, sender),
                    callback=callback.id,
                    order=number,
                    language=sender.language_code,
                ),
            ),
        )
    )


def _answered_by(message: Earlier, sender: User) -> str:
    """What the member wrote that a message of the bot answers, in a group."""
    earlier = message.reply_to_message
    if earlier is None or earlier.from_ is None or earlier.from_.id != sender.id:
        return ""
    return str(earlier.message_id)


def _politely(callback: Callback, sender: User, text: Text, bot: Bot) -> Received:
    """A tap that is no answer: whoever tapped reads why, in the language that their app is set to."""
    return Received(answer=acknowledged(callback.id, bot.translate(sender.language_code)(text)))


# --- news ---


def _membership(change: MembershipChange, bot: Bot) -> Received:
    status, alone = change.new_chat_member.status, change.chat.type == "private"
    if status in LEFT:
        what: Standing = "blocked" if alone else "gone"
    else:
        what = "unblocked"
    reason = status if _WORD(status) else ""
    changed = Changed(
        line=bot.line, identity=str(change.chat.id), what=what, at=float(change.date), reason=reason
    )
    return Received(told=(changed,))


def _moved(bot: Bot, before: int, after: int) -> Received:
    return Received(told=(Moved(line=bot.line, before=str(before), after=str(after), what="group"),))


def _told(bot: Bot, note: str) -> Received:
    return Received(told=(Other(line=bot.line, note=note),))


def _kind(body: bytes, bot: Bot) -> str:
    """Of an update that is of no kind that we know. Raises `BadRequest` for what is no update."""
    found = _loosely(body)
    number = found.get("update_id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise BadRequest(f"{bot.line}: the body is no update of Telegram: it has no update_id")
    return _name(each for each in found if each != "update_id")


def _content(body: bytes) -> str:
    """Of a message that has nothing that can be answered with."""
    message = _loosely(body).get("message")
    known = _FIELDS | _ABOUT
    return _name(each for each in message if each not in known) if isinstance(message, dict) else "message"


def _loosely(body: bytes) -> dict[str, object]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _name(names: Iterable[str]) -> str:
    """The first of some names of the Bot API that is one."""
    return next((name for name in names if _WORD(name)), "update of an unknown kind")


NOTHING: Final = Received()
"""Of a group's talk, what is not for the bot."""

OWNER: Final = "@"
"""In what a button of a group sends, before the id of the member that it is for."""

_COMMAND: Final = re.compile(
    r"/(?P<name>[A-Za-z0-9_]{1,32})(?:@(?P<bot>[A-Za-z0-9_]{1,32}))?(?P<rest>\s.*|$)", re.DOTALL
).match
_MENTION: Final = re.compile(r"(?<![\w@./])@([A-Za-z0-9_]{1,32})(?!\w)").finditer
_WORD: Final = re.compile("[a-z_]{1,40}").fullmatch
_FIELDS: Final = frozenset(field.encode_name for field in msgspec.structs.fields(Message))
_ABOUT: Final = frozenset(
    "entities caption_entities sender_chat sender_boost_count edit_date has_protected_content media_group_id "
    "author_signature "
    "reply_markup business_connection_id is_from_offline is_automatic_forward link_preview_options quote "
    "external_reply reply_to_story effect_id paid_star_count direct_messages_topic".split()
)
"""What else a message may say of itself that is not what it holds."""
