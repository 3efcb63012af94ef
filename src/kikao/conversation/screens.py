"""What a member sees, channel-neutral and not yet translated. A channel renders it; the pending prompt keeps it.

A screen is kept exactly as displayed, so "2" means what the member saw even after the options changed, and a change
of language, a lost page or a redelivery shows the same question again without running the flow.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kikao.conversation.attached import Attached
from kikao.i18n.messages import Text

Value = str | int | bool | None
"""What a choice may stand for in the journal: a plain value, never a label."""


class Option(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing to choose: its label and the value the flow gets. `key` is what the member types on a keypad."""

    key: str
    label: Text
    value: Value


class Screen(msgspec.Struct, frozen=True, omit_defaults=True):
    """One screen. `body` are paragraphs in order: an error, notices, the question."""

    body: tuple[Text, ...]
    options: tuple[Option, ...] = ()
    navigation: tuple[Option, ...] = ()
    """The engine's keys that are live here, `value` being the command ("back", "home", "more" ...)."""
    whole: bool = False
    """A confirmation: a channel must never split it over pages."""
    secret: bool = False
    """The answer must not be kept or shown by the channel."""
    about: tuple[Text, ...] = ()
    """What was confirmed before, shown where a secret is entered on a page of its own."""
    wants: str = ""
    """What the member can share as the answer: "contact", "location" or "media"; empty where they type or choose."""
    shows: tuple[Attached, ...] = ()
    """What is shown with it, in order, where the channel can: photos, documents, places ..."""
    ends: bool = False
    """The conversation is over, or goes on at the next dial: the channel closes its dialogue."""


Said = Text | Attached
"""What a flow says on a screen."""


def parted(said: Iterable[Said]) -> tuple[tuple[Text, ...], tuple[Attached, ...]]:
    """The texts of what is said, and what is shown with them."""
    texts: list[Text] = []
    shows: list[Attached] = []
    for each in said:
        if isinstance(each, Attached):
            shows.append(each)
        else:
            texts.append(each)
    return tuple(texts), tuple(shows)
