"""What a message of a member says to a flow, by its type. What is no answer runs no turn: it has a note instead.

| type | |
|---|---|
| `text` | what was typed |
| `interactive`: `button_reply`, `list_reply` | the choice, of the screen that it stands on |
| `button`, below a template | the choice if kikao sent the template, else the payload as if it were typed |
| `location` | a place |
| `contacts` | the number of the first contact that has one: never vouched for, since any card can be sent |
| `image`, `video`, `audio`, `document`, `sticker` | a file that is still at the provider; the caption is the text |
| all else: `reaction`, `order`, `interactive` with `nfm_reply`, `edit`, `revoke`, what is not known yet | no answer |

A reaction is on a message, not to a question. The prices of an order come from the member's side. What a form (a Flow)
says is a text of its own shape, which no question asks for. What was understood stays so when it is edited or deleted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from kikao.channels.media.kinds import Kind
from kikao.channels.media.remote import Remote
from kikao.channels.whatsapp import types
from kikao.channels.whatsapp.types import Said
from kikao.conversation.inputs import Attachment, Place, SharedContact


class Answer(NamedTuple):
    """What a member says."""

    text: str = ""
    attachment: Attachment | None = None
    remote: Remote | None = None
    pressed: str = ""
    """The mark of the screen that the tapped choice is of."""
    message: str = ""
    """The name of the message that it stands below."""


def said(message: Said) -> Answer | str:
    """What a message says, or why that is nothing, in words that are safe to log. Raises `types.UNREADABLE`."""
    read = _KINDS.get(message.type)
    return f"no answer: {word(message.type) or 'unknown type'}" if read is None else read(message)


def word(value: str) -> str:
    """A word of the provider's contract; empty for what may be something else."""
    return value if _WORD(value) else ""


def _text(message: Said) -> Answer | str:
    body = types.TEXT.decode(message.text).body
    return Answer(body) if body.strip() else "no answer: empty text"


def _button(message: Said) -> Answer | str:
    button = types.BUTTON.decode(message.button)
    return _tapped(message, button.payload, button.payload or button.text)


def _interactive(message: Said) -> Answer | str:
    found = types.INTERACTIVE.decode(message.interactive)
    picked = {"button_reply": found.button_reply, "list_reply": found.list_reply}.get(found.type)
    if picked is None:
        return f"no answer: interactive {word(found.type)}".rstrip()
    return _tapped(message, picked.id, picked.title)


def _tapped(message: Said, name: str, shown: str) -> Answer | str:
    """A choice of ours is named `mark:key`. One that stands on a template, or that somebody else sent, is as if it had
    been typed; but nobody knows under which question, see `Chatted.message`."""
    match = _MARKED(name)
    if match is not None:
        return Answer(match[2], pressed=match[1], message=_answered(message))
    if not shown.strip():
        return "no answer: empty choice"
    return Answer(shown, message=_answered(message) or UNNAMED)


def _answered(message: Said) -> str:
    """The name of the message that this one answers; empty where that is not said."""
    try:
        return types.CONTEXT.decode(message.context).id
    except types.UNREADABLE:
        return ""


def _location(message: Said) -> Answer | str:
    where = types.LOCATION.decode(message.location)
    latitude, longitude = where.latitude, where.longitude
    if not (math.isfinite(latitude) and abs(latitude) <= 90.0 and abs(longitude) <= 180.0):
        return "no answer: a location that is nowhere"
    return Answer(attachment=Place(latitude, longitude))


def _contacts(message: Said) -> Answer | str:
    for card in types.CARDS.decode(message.contacts):
        for phone in card.phones:
            if _DIGITS(phone.wa_id):
                return Answer(attachment=SharedContact(f"+{phone.wa_id}", own=False))
            if 0 < len(phone.phone) <= LONGEST_PHONE:
                return Answer(attachment=SharedContact(phone.phone, own=False))
    return "no answer: a contact without a number"


def _media(kind: Kind, name: str) -> Callable[[Said], Answer | str]:
    def read(message: Said) -> Answer | str:
        media = types.MEDIA.decode(getattr(message, name))
        if not media.id:
            return f"no answer: {name} without an id"
        remote = Remote(media.id, kind, media.mime_type, sha256=media.sha256, filename=media.filename)
        return Answer(media.caption, remote=remote)

    return read


_KINDS: Final[dict[str, Callable[[Said], Answer | str]]] = {
    "text": _text,
    "button": _button,
    "interactive": _interactive,
    "location": _location,
    "contacts": _contacts,
    "image": _media("image", "image"),
    "sticker": _media("image", "sticker"),
    "audio": _media("audio", "audio"),
    "video": _media("video", "video"),
    "document": _media("document", "document"),
}

LONGEST_PHONE: Final = 40

UNNAMED: Final = "?"
"""A message of which it is not said which one it was."""

_MARKED = re.compile("([A-Za-z0-9_-]{8}):(.{1,100})", re.DOTALL).fullmatch
_WORD = re.compile("[A-Za-z0-9_.-]{1,64}").fullmatch
_DIGITS = re.compile("[0-9]{5,20}").fullmatch
