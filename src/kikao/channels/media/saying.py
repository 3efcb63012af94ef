"""What is attached, as text: for a channel that cannot show it, and for who reads a transcript."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from kikao.channels.media.kinds import Kind, kind_of
from kikao.channels.media.limits import CHANNELS, captioned, misfit
from kikao.conversation.attached import Attached, Link, Person, Shows
from kikao.conversation.inputs import File, Place
from kikao.conversation.journal import Conversation
from kikao.conversation.runner import Turned
from kikao.conversation.screens import Screen
from kikao.i18n.messages import Message, Text, t

NOT_HERE: Final[dict[Shows, Message]] = {
    "image": t("There is a photo, which cannot be shown here."),
    "audio": t("There is a recording, which cannot be played here."),
    "video": t("There is a video, which cannot be shown here."),
    "document": t("There is a document, which cannot be shown here."),
}


def said(attached: Attached) -> tuple[Text, ...]:
    """Paragraphs that say what is attached: its caption, and the link, degrees or number there is of it."""
    what = attached.what
    shown: Text
    if isinstance(what, Link):
        shown = what.url
    elif isinstance(what, Place):
        shown = f"{what.latitude:.5f}, {what.longitude:.5f}"
    elif isinstance(what, Person):
        shown = f"{what.name} {what.msisdn}"
    else:
        shown = NOT_HERE[attached.kind]
    return (attached.caption, shown) if attached.caption else (shown,)


def fitted(turned: Turned, conversation: Conversation, channel: str) -> Screen:
    """The screen of a turn, with what this channel cannot show said in its text, captions that it cannot show, too.

    A file that a channel does not take as what it is meant to be goes as a document, or as what it is, where that fits.
    On a screen that is put again, nothing is shown a second time.
    """
    screen = turned.screen
    if not screen.shows:
        return screen
    run = conversation.run
    again = turned.what == "shown" or (run is not None and run.pending is not None and run.pending.error)
    shows, texts = [], list[Text]()
    for each in screen.shows:
        fits = _fitting(each, channel)
        if fits is None:
            texts += said(each)
        elif fits.caption and not captioned(channel, fits.kind):
            texts.append(fits.caption)
            shows.append(structs.replace(fits, caption=""))
        else:
            shows.append(fits)
    return structs.replace(screen, body=(*texts, *screen.body), shows=() if again else tuple(shows))


def _fitting(attached: Attached, channel: str) -> Attached | None:
    if attached.kind == "location" or attached.kind == "contact":
        return attached if channel in CHANNELS else None
    what = attached.what
    mime, size = (what.mime, what.size) if isinstance(what, File) else ("", 0)
    kinds: tuple[Kind, ...] = (attached.kind, "document", kind_of(mime))
    for kind in kinds:
        if not misfit(channel, kind, mime, size, linked=isinstance(what, Link)):
            return attached if kind == attached.kind else structs.replace(attached, kind=kind)
    return None
