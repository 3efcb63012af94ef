"""Texts that are translated late: a flow names what to say, the turn renders it in the member's language.

A `Message` is data (a gettext msgid and its parameters), so a journal, a pending screen or an error can
keep it and a change of language renders it again without losing anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from kikao.i18n.dates import Day, Moment
from kikao.i18n.money import Amount

SOURCE: Final = "en"
"""The language that sentences are written in, in code: it needs no catalog."""


class Message(msgspec.Struct, frozen=True, tag="t", omit_defaults=True, gc=False):
    """One sentence to show: the English msgid, its parameters, and for a plural its second form and count.

    Parameters are kept as values (`Amount`, not "UGX 500") and formatted when rendered.
    """

    msgid: str
    params: dict[str, str | int | Amount | Day | Moment | Message] = {}
    plural: str = ""
    n: int = 0


Param = str | int | Amount | Day | Moment | Message
"""What a sentence may hold: data that is put in as it is, and values that each language writes in its own way."""

Text = str | Message
"""What a screen may show: a `Message`, or a plain `str` that is not translated (a name, a reference).

A plain `str` is data: it is shown on one line, without control characters. Line breaks belong in `t(...)`.
"""

Translate = Callable[[Text], str]


def t(msgid: str, /, **params: Param) -> Message:
    """Mark a sentence for translation, whole and with named parameters: `t("Sent. Ref {ref}", ref=ref)`."""
    return Message(msgid, params)


def tn(singular: str, plural: str, n: int, /, **params: Param) -> Message:
    """Mark a sentence with a count; `{n}` is the count: `tn("{n} try left", "{n} tries left", 2)`."""
    return Message(singular, params, plural, n)


def unfit(*texts: object) -> str:
    """Why one of these cannot be shown as a `Text`; empty if all can. Names types and placeholders, never a value."""
    return next(filter(None, map(_unfit, texts)), "")


def _unfit(text: object) -> str:
    if isinstance(text, str):
        return ""
    if not isinstance(text, Message):
        return f"{_named(text)} is no text: give t(...) or a str"
    for name, value in text.params.items():
        if isinstance(value, Message):
            if inner := _unfit(value):
                return inner
        elif not isinstance(value, _SHOWN) or value is True or value is False:
            return f"{{{name}}} of {text.msgid!r} is {_named(value)}, and a member would read that as it is"
    return ""


def _named(value: object) -> str:
    forgotten = " (an `await` is missing)" if isinstance(value, Awaitable) else ""
    return "None" if value is None else f"of type {type(value).__name__}{forgotten}"


_SHOWN: Final = (str, int, Amount, Day, Moment)

EMPTY: Final = Message("")
