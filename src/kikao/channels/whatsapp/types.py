"""What the Cloud API writes, as far as it is read. All of it may be missing, and more may be there.

What a message holds is kept as it came (`Raw`) until its type is known: a piece that cannot be read spoils no other.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw, Struct, field

NOTHING: Final = Raw()


class Body(Struct, frozen=True, gc=False):
    """Of a webhook."""

    object: str = ""
    entry: tuple[Raw, ...] = ()


class Entry(Struct, frozen=True, gc=False):
    """What happened in one business account."""

    id: str = ""
    changes: tuple[Raw, ...] = ()


class Change(Struct, frozen=True, gc=False):
    """One thing that was subscribed to."""

    field: str = ""
    value: Raw = NOTHING


class Metadata(Struct, frozen=True, gc=False):
    """The number of ours."""

    phone_number_id: str = ""


class Value(Struct, frozen=True, gc=False):
    """Of a change of `messages`, and of others that are about a number."""

    metadata: Metadata = Metadata()
    messages: tuple[Raw, ...] | None = None
    statuses: tuple[Raw, ...] | None = None
    errors: tuple[Raw, ...] | None = None
    calls: tuple[Raw, ...] | None = None
    message_echoes: tuple[Raw, ...] | None = None
    user_preferences: tuple[Raw, ...] | None = None
    event: str = ""
    """What became of an account or a template."""
    message_template_name: str = ""


class WholeChange(Struct, frozen=True, gc=False):
    """A change of which all can be read."""

    field: str = ""
    value: Value = Value()


class WholeEntry(Struct, frozen=True, gc=False):
    """An entry of which all changes can be read."""

    changes: tuple[WholeChange, ...] = ()


class Whole(Struct, frozen=True, gc=False):
    """A webhook of which all but its messages can be read at once: so it is, as a rule."""

    object: str = ""
    entry: tuple[WholeEntry, ...] = ()


class Said(Struct, frozen=True, gc=False):
    """A message of a member."""

    id: str = ""
    sender: str = field(name="from", default="")
    """Digits; empty where the member hides their number."""
    from_user_id: str = ""
    """What names them to this business alone (`UG.1349120865`)."""
    timestamp: str | int = ""
    type: str = ""
    group_id: str = ""
    context: Raw = NOTHING
    referral: Raw = NOTHING
    text: Raw = NOTHING
    button: Raw = NOTHING
    interactive: Raw = NOTHING
    location: Raw = NOTHING
    contacts: Raw = NOTHING
    image: Raw = NOTHING
    audio: Raw = NOTHING
    video: Raw = NOTHING
    document: Raw = NOTHING
    sticker: Raw = NOTHING
    system: Raw = NOTHING
    errors: Raw = NOTHING


class Text(Struct, frozen=True, gc=False):
    body: str = ""


class Button(Struct, frozen=True, gc=False):
    """Below a template."""

    payload: str = ""
    text: str = ""


class Picked(Struct, frozen=True, gc=False):
    """A button, or a row of a list."""

    id: str = ""
    title: str = ""


class Interactive(Struct, frozen=True, gc=False):
    type: str = ""
    button_reply: Picked | None = None
    list_reply: Picked | None = None


class Location(Struct, frozen=True, gc=False):
    latitude: float
    longitude: float


class Phone(Struct, frozen=True, gc=False):
    phone: str = ""
    wa_id: str = ""


class Card(Struct, frozen=True, gc=False):
    """A contact that was shared."""

    phones: tuple[Phone, ...] = ()


class Media(Struct, frozen=True, gc=False):
    id: str = ""
    mime_type: str = ""
    sha256: str = ""
    caption: str = ""
    filename: str = ""


class System(Struct, frozen=True, gc=False):
    type: str = ""
    wa_id: str = ""
    new_wa_id: str = ""


class Context(Struct, frozen=True, gc=False):
    """What a message answers."""

    id: str = ""


class Referral(Struct, frozen=True, gc=False):
    """The advertisement that a member came from."""

    source_type: str = ""


class Error(Struct, frozen=True, gc=False):
    code: int = 0


class Status(Struct, frozen=True, gc=False):
    """How far a message of ours came."""

    id: str = ""
    status: str = ""
    timestamp: str | int = ""
    recipient_id: str = ""
    recipient_user_id: str = ""
    errors: tuple[Error, ...] = ()


class Preference(Struct, frozen=True, gc=False):
    """What a member wants, and does not."""

    wa_id: str = ""
    user_id: str = ""
    category: str = ""
    value: str = ""
    timestamp: str | int = ""


class Called(Struct, frozen=True, gc=False):
    event: str = ""


class Refusal(Struct, frozen=True, gc=False):
    """What an answer to a call of ours says against it."""

    code: int = 0
    error_subcode: int = 0


class Taken(Struct, frozen=True, gc=False):
    """A message that was taken."""

    id: str = ""


class Answered(Struct, frozen=True, gc=False):
    """The answer to a message that was sent."""

    messages: tuple[Taken, ...] = ()
    error: Refusal | None = None


WHOLE: Final = msgspec.json.Decoder(Whole)
BODY: Final = msgspec.json.Decoder(Body)
ENTRY: Final = msgspec.json.Decoder(Entry)
CHANGE: Final = msgspec.json.Decoder(Change)
VALUE: Final = msgspec.json.Decoder(Value)
SAID: Final = msgspec.json.Decoder(Said)
STATUS: Final = msgspec.json.Decoder(Status)
PREFERENCE: Final = msgspec.json.Decoder(Preference)
CALLED: Final = msgspec.json.Decoder(Called)
ERROR: Final = msgspec.json.Decoder(Error)
ERRORS: Final = msgspec.json.Decoder(tuple[Error, ...])
TEXT: Final = msgspec.json.Decoder(Text)
BUTTON: Final = msgspec.json.Decoder(Button)
INTERACTIVE: Final = msgspec.json.Decoder(Interactive)
LOCATION: Final = msgspec.json.Decoder(Location)
CARDS: Final = msgspec.json.Decoder(tuple[Card, ...])
MEDIA: Final = msgspec.json.Decoder(Media)
SYSTEM: Final = msgspec.json.Decoder(System)
CONTEXT: Final = msgspec.json.Decoder(Context)
REFERRAL: Final = msgspec.json.Decoder(Referral)
ANSWERED: Final = msgspec.json.Decoder(Answered)

UNREADABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""What decoders raise."""
