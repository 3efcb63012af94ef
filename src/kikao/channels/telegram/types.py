"""What Telegram sends, as far as it is looked at: https://core.telegram.org/bots/api#available-types.

Fields that are not here are skipped, whatever they hold. Ids have up to 52 bits, and those of groups are negative.
None of these shows what it holds: a text may be a PIN, and a name is somebody's.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

Whole = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
"""Any number of theirs. A longer one is no id and no time, and neither a float nor a store takes it."""


class Wire(msgspec.Struct, frozen=True):
    """Something that Telegram sends."""

    def __repr__(self) -> str:
        return f"<a {type(self).__name__.lower()} of Telegram>"


class User(Wire, frozen=True):
    """https://core.telegram.org/bots/api#user"""

    id: Whole
    is_bot: bool = False
    username: str = ""
    language_code: str = ""


class Chat(Wire, frozen=True):
    """https://core.telegram.org/bots/api#chat"""

    id: Whole
    type: str
    """`private`, `group`, `supergroup` or `channel`."""


class FileOf(Wire, frozen=True):
    """A photo, a document, a recording; of a photo, one of its sizes."""

    file_id: str
    file_size: Whole = 0
    mime_type: str = ""
    file_name: str = ""
    width: Whole = 0
    height: Whole = 0
    is_video: bool = False
    """Of a sticker."""
    is_animated: bool = False
    """Of a sticker: it is a drawing that only Telegram can show."""


class Contact(Wire, frozen=True):
    """https://core.telegram.org/bots/api#contact"""

    phone_number: str
    user_id: Whole = 0


class Location(Wire, frozen=True):
    """https://core.telegram.org/bots/api#location"""

    latitude: float
    longitude: float


class Venue(Wire, frozen=True):
    """https://core.telegram.org/bots/api#venue"""

    location: Location


class Earlier(Wire, frozen=True):
    """The message that another one replies to, or that a button stands on; maybe too old to be more than an id."""

    message_id: Whole
    chat: Chat
    from_: User | None = msgspec.field(default=None, name="from")
    message_thread_id: Whole = 0
    is_topic_message: bool = False
    reply_to_message: Earlier | None = None


class Message(Wire, frozen=True):
    """https://core.telegram.org/bots/api#message"""

    message_id: Whole
    chat: Chat
    date: Whole = 0
    from_: User | None = msgspec.field(default=None, name="from")
    message_thread_id: Whole = 0
    is_topic_message: bool = False
    via_bot: User | None = None
    forward_origin: Any = None
    reply_to_message: Earlier | None = None
    text: str = ""
    caption: str = ""
    photo: tuple[FileOf, ...] = ()
    animation: FileOf | None = None
    """A document besides, which says the same."""
    document: FileOf | None = None
    audio: FileOf | None = None
    video: FileOf | None = None
    video_note: FileOf | None = None
    voice: FileOf | None = None
    sticker: FileOf | None = None
    contact: Contact | None = None
    location: Location | None = None
    venue: Venue | None = None
    migrate_to_chat_id: Whole = 0
    migrate_from_chat_id: Whole = 0


class Callback(Wire, frozen=True):
    """A button was tapped: https://core.telegram.org/bots/api#callbackquery"""

    id: str
    from_: User | None = msgspec.field(default=None, name="from")
    message: Earlier | None = None
    data: str = ""


class Membership(Wire, frozen=True):
    """https://core.telegram.org/bots/api#chatmember"""

    status: str


class MembershipChange(Wire, frozen=True):
    """What the bot is in a chat: https://core.telegram.org/bots/api#chatmemberupdated"""

    chat: Chat
    new_chat_member: Membership
    date: Whole = 0


class Update(Wire, frozen=True):
    """https://core.telegram.org/bots/api#update"""

    update_id: Whole
    message: Message | None = None
    callback_query: Callback | None = None
    my_chat_member: MembershipChange | None = None


WANTED = ("message", "callback_query", "my_chat_member")
"""The kinds of updates that Telegram is asked for."""
