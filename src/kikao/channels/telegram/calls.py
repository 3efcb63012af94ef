"""A parcel as a call of the Bot API: which method, with which parameters.

Texts are plain: no `parse_mode`, so that nothing in them formats, and no preview of any link.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from kikao.channels.chat.ladder import Limits
from kikao.channels.chat.message import Choice, Message, Parcel
from kikao.channels.telegram.formatting import utf16
from kikao.channels.telegram.receiving import OWNER
from kikao.i18n.messages import t

LIMITS: Final = Limits(text=4096, body=4096, buttons=12, title=32, numbered=30)
"""Of text, what the Bot API takes (in UTF-16 code units, see `formatting.parts`). Of buttons it takes a hundred: more
than these, or longer ones, nobody reads on a phone, where they are cut in the middle."""

CAPTION: Final = 1024
"""Code units of what stands below a file."""

DATA: Final = 64
"""Octets that a button may send."""

SIDE_BY_SIDE: Final = 12
"""Characters of labels of which two stand in one row."""

SHARE: Final = {"contact": t("Share my number"), "location": t("Share my location")}
"""On the key that shares what is asked for."""


def edited(parcel: Parcel) -> dict[str, Any]:
    """The parameters of `editMessageText`, for a message that is changed into this one."""
    chat, _ = place(parcel.to)
    markup = _inline(parcel)
    return {
        "chat_id": chat,
        "message_id": int(parcel.replaces),
        "text": parcel.message.text,
        "link_preview_options": {"is_disabled": True},
        **({"reply_markup": markup} if markup else {}),
    }


def sent(parcel: Parcel) -> dict[str, Any]:
    """The parameters of `sendMessage`."""
    text = {"text": parcel.message.text, "link_preview_options": {"is_disabled": True}}
    return {**where(parcel), **text}


def where(parcel: Parcel) -> dict[str, Any]:
    """Those that any method has which sends something: where to, what it answers, what stands below it."""
    chat, topic = place(parcel.to)
    markup = _markup(parcel)
    answers = (
        {"message_id": int(parcel.answers), "allow_sending_without_reply": True} if parcel.answers else {}
    )
    return {
        "chat_id": chat,
        **({"message_thread_id": topic} if topic else {}),
        **({"reply_parameters": answers} if answers else {}),
        **({"reply_markup": markup} if markup else {}),
    }


def place(to: str) -> tuple[int, int]:
    """The chat that a parcel goes to, and the topic in it, 0 for none. Raises `ValueError` for no chat of Telegram."""
    chat, _, topic = to.partition("/")
    return int(chat), int(topic or 0)


def fits(message: Message, mark: str, owner: str) -> bool:
    """Whether all that its buttons send has room in them."""
    return all(len(_data(choice, mark, owner).encode()) <= DATA for choice in message.choices)


def _markup(parcel: Parcel) -> dict[str, Any]:
    message = parcel.message
    if not parcel.owner and message.wants in SHARE and message.opens:
        key = {"text": message.opens, f"request_{message.wants}": True}
        return {
            "keyboard": [[key], *([{"text": each.label} for each in row] for row in _rows(message.choices))],
            "resize_keyboard": True,
            "one_time_keyboard": True,
        }
    if message.choices or message.link is not None:
        return _inline(parcel)
    if message.clears:
        return {"remove_keyboard": True}
    if (
        parcel.owner and parcel.answers
    ):  # so that what they write next comes to the bot, which hears nothing else
        return {"force_reply": True, "selective": True}
    return {}


def _inline(parcel: Parcel) -> dict[str, Any]:
    message = parcel.message
    rows: list[list[dict[str, Any]]] = []
    if message.link is not None:
        rows.append([{"text": message.link.label, "url": message.link.url}])
    rows += [
        [{"text": each.label, "callback_data": _data(each, parcel.mark, parcel.owner)} for each in row]
        for row in _rows(message.choices)
    ]
    return {"inline_keyboard": rows} if rows else {}


def _data(choice: Choice, mark: str, owner: str) -> str:
    return f"{mark}:{choice.key}{OWNER}{owner}" if owner else f"{mark}:{choice.key}"


def _rows(choices: Sequence[Choice]) -> Iterator[list[Choice]]:
    """One in a row, or two where both are short."""
    row: list[Choice] = []
    for choice in choices:
        short = utf16(choice.label) <= SIDE_BY_SIDE
        if row and not short:
            yield row
            row = []
        row.append(choice)
        if not short or len(row) == 2:
            yield row
            row = []
    if row:
        yield row
