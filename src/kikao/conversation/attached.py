"""What a screen shows besides its text: a photo, a recording, a video, a document, a place, a contact.

    Attached.image(file, caption=t("Your card"))
    Attached.document("https://example.com/terms.pdf", filename="terms.pdf")
    Attached.location(Place(0.3476, 32.5825), caption=t("Our office"))
    Attached.contact("Help desk", "+256312000000")

It says what to show and not how: each channel shows it its own way, and says it as text where it cannot.
"""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from kikao.conversation.errors import Misuse
from kikao.conversation.inputs import File, Place
from kikao.i18n.e164 import is_e164
from kikao.i18n.messages import Text, unfit

Shows = Literal["image", "audio", "video", "document", "location", "contact"]

LONGEST_LINK: Final = 2000
"""Characters of a link."""


class Link(msgspec.Struct, frozen=True, tag="link"):
    """Where a file is that anybody may fetch: the provider of the channel does, or the member."""

    url: str
    """Begins with `https://`."""


class Person(msgspec.Struct, frozen=True, tag="person"):
    """Somebody to call."""

    name: str
    msisdn: str
    """E.164, with its `+`."""


class Attached(msgspec.Struct, frozen=True, tag="attached", omit_defaults=True):
    """One thing to show. Make it with the method of its kind, which says what each kind needs.

    Raises `Misuse`, which repeats nothing of it, where the parts do not go together.
    """

    kind: Shows
    what: File | Link | Place | Person
    caption: Text = ""
    filename: str = ""
    """What a document is called where it arrives."""

    @classmethod
    def image(cls, what: File | str, *, caption: Text = "") -> Attached:
        """A photo or picture: a file, or an https link."""
        return cls("image", _source(what), caption)

    @classmethod
    def audio(cls, what: File | str, *, caption: Text = "") -> Attached:
        """A recording. Where a channel shows no caption with it, the caption is a message of its own."""
        return cls("audio", _source(what), caption)

    @classmethod
    def video(cls, what: File | str, *, caption: Text = "") -> Attached:
        """A video."""
        return cls("video", _source(what), caption)

    @classmethod
    def document(cls, what: File | str, *, caption: Text = "", filename: str = "") -> Attached:
        """Any file, to be kept. It has the file's name where none is given."""
        return cls("document", _source(what), caption, filename or getattr(what, "filename", ""))

    @classmethod
    def location(cls, place: Place, *, caption: Text = "") -> Attached:
        """A place on a map; the caption is what it is called."""
        return cls("location", place, caption)

    @classmethod
    def contact(cls, name: str, msisdn: str, *, caption: Text = "") -> Attached:
        """Somebody to call, by a number of E.164 (`+256312000000`)."""
        return cls("contact", Person(name, msisdn), caption)

    def __post_init__(self) -> None:
        if wrong := _wrong(self) or unfit(self.caption):
            raise Misuse(f"what a screen shows: {wrong}.")

    @property
    def mime(self) -> str:
        """The media type, where it is known: of files."""
        return self.what.mime if isinstance(self.what, File) else ""


def _source(what: File | str) -> File | Link:
    return Link(what) if isinstance(what, str) else what


def _wrong(attached: Attached) -> str:
    """Why it cannot be shown; empty if it can."""
    kind, what = attached.kind, attached.what
    if kind == "location":
        if not isinstance(what, Place):
            return "a location is a Place"
        on_earth = abs(what.latitude) <= 90 and abs(what.longitude) <= 180
        return "" if on_earth else "a latitude is from -90 to 90, a longitude from -180 to 180"
    if kind == "contact":
        if not isinstance(what, Person):
            return "a contact has a name and a number"
        if not what.name.strip() or not what.name.isprintable() or len(what.name) > 100:
            return "the name of a contact is one line of at most 100 characters"
        return "" if is_e164(what.msisdn) else "the number of a contact is E.164, with its +"
    if isinstance(what, Link):
        wrong = _link_wrong(what.url)
    elif isinstance(what, File):
        main = what.mime.partition("/")[0]
        wrong = "" if kind in ("document", main) else f"a file of {what.mime} is no {kind}"
    else:
        wrong = f"{'an' if kind in ('image', 'audio') else 'a'} {kind} is a File, or an https link"
    return wrong or ("" if attached.filename.isprintable() else "a file's name is one line")


def _link_wrong(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "what should be a link is none"
    if parts.scheme != "https" or not host:
        return "a link begins with https:// and a host: phones open no other"
    if parts.username is not None or parts.password is not None:
        return "a link has a name or password before its host, which every member would see"
    if len(url) > LONGEST_LINK or not url.isascii() or not url.isprintable() or " " in url:
        return f"a link is ASCII without spaces, of at most {LONGEST_LINK} characters"
    return ""
