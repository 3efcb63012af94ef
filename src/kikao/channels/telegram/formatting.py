"""Texts as Telegram takes them: plain, so that nothing in them formats, and counted as it counts.

Telegram makes links of what looks like an address, a name or a command in any text. Of what an app says that is meant;
in what members typed, and other data, it is not: there a character that nobody sees is put behind what makes it one.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import structs

from kikao.i18n.messages import Message, Param, Text, Translate

JOINER: Final = "\u2060"
"""U+2060, a word joiner: of no width, and nothing that Telegram takes for a part of an address, a name or a command."""


def utf16(text: str) -> int:
    """The length of a text in UTF-16 code units, in which Telegram counts (a smiley is two)."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def at_utf16(text: str, units: int) -> int:
    """The index of the character that so many code units stand before; never beyond the end."""
    if text.isascii():
        return min(max(units, 0), len(text))
    seen = 0
    for index, char in enumerate(text):
        if seen >= units:
            return index
        seen += 2 if char > "\uffff" else 1
    return len(text)


def cut(text: str, most: int) -> str:
    """A text of at most so many code units, with an ellipsis where something is left out."""
    if utf16(text) <= most:
        return text
    kept = text[: at_utf16(text, most - 1)]
    return (kept if utf16(kept) < most else kept[:-1]).rstrip() + "…"


def parts(text: str, most: int) -> list[str]:
    """A text in pieces of at most so many code units: between paragraphs, or between words, or where it must be.

    No character is torn, of whatever script.
    """
    pieces: list[str] = []
    while utf16(text) > most:
        limit = at_utf16(text, most)
        if utf16(text[:limit]) > most:
            limit -= 1
        at = text.rfind("\n", 0, limit + 1)
        at = at if at > 0 else text.rfind(" ", 0, limit + 1)
        at = at if at > 0 else limit
        pieces.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return [*filter(str.strip, pieces), text] if text.strip() or not pieces else [*filter(str.strip, pieces)]


def unlinked(translate: Translate) -> Translate:
    """The same translation, in which data makes no links: plain texts, and the values in sentences."""

    def render(text: Text) -> str:
        if isinstance(text, str):
            return _LINKS(_marked, translate(text)).replace(_HERE, JOINER)
        if not text.params:
            return translate(text)
        return translate(structs.replace(text, params=_params(text))).replace(_HERE, JOINER)

    return render


def _params(message: Message) -> dict[str, Param]:
    return {name: _value(value) for name, value in message.params.items()}


def _value(value: Param) -> Param:
    if isinstance(value, str):
        return _LINKS(_marked, value)
    if isinstance(value, Message) and value.params:
        return structs.replace(value, params=_params(value))
    return value


def _marked(found: re.Match[str]) -> str:
    return found[0] + _HERE


_HERE: Final = "\ue000"
"""Stands for the joiner while a sentence is put together, which lets nothing through that has no width."""

_LINKS: Final = re.compile(
    r"(?<=[^\W_])\.(?=[^\W\d_])"  # example.com
    r"|:(?=//)"  # tg://resolve
    r"|(?<![^\W_])[@#$/](?=\w)"  # @name, #tag, $TAG, /command
    r"|(?<=[\w.+-])@(?=\w)"  # mail
).sub
