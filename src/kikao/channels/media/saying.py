"""What is attached, as text: for a channel that cannot show it, and for who reads a transcript."""

from __future__ import annotations

from typing import Final

from kikao.conversation.attached import Attached, Link, Person, Shows
from kikao.conversation.inputs import Place
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
