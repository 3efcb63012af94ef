"""`parse_mode: HTML`, as the Bot API reads it: tags it knows, closed in order, and everything else escaped.

https://core.telegram.org/bots/api#html-style
"""

from __future__ import annotations

import re
from typing import Any, Final

from kikao.channels.emulating.chats import utf16
from kikao.channels.telegram.emulated.rules import Breach

TAGS: Final = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    **dict.fromkeys(("span", "tg-spoiler"), "spoiler"),
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
"""Names of tags, and what they make of a text."""

NAMED: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


def resolved(text: str) -> tuple[str, list[dict[str, Any]]]:
    """The text that members see, and its entities. Raises `Breach` for what cannot be read."""
    plain: list[str] = []
    entities: list[dict[str, Any]] = []
    open_tags: list[tuple[str, int, dict[str, Any]]] = []
    place, length = 0, 0
    for found in _SIGNS.finditer(text):
        between = text[place : found.start()]
        plain.append(between)
        length += utf16(between)
        place = found.end()
        sign = found[0]
        at = len(text[: found.start()].encode())
        if sign.startswith("&"):
            character = _character(sign)
            plain.append(character)
            length += utf16(character)
        elif sign.startswith("</"):
            name = found["end"].lower()
            if not open_tags:
                raise _unreadable(f"Unexpected end tag at byte offset {at}")
            tag, since, extra = open_tags.pop()
            if name and name != tag:
                raise _unreadable(
                    f'Unmatched end tag at byte offset {at}, expected "</{tag}>", found "</{name}>"'
                )
            if length > since:
                entities.append({"type": TAGS[tag], "offset": since, "length": length - since, **extra})
        else:
            name = (found["start"] or "").lower()
            if not sign.endswith(">"):
                raise _unreadable(f"Unclosed start tag at byte offset {at}")
            if name not in TAGS or (name == "span" and 'class="tg-spoiler"' not in sign):
                raise _unreadable(f'Unsupported start tag "{name}" at byte offset {at}')
            open_tags.append((name, length, _extra(name, found["attributes"] or "")))
    if open_tags:
        raise _unreadable(f'Can\'t find end tag corresponding to start tag "{open_tags[-1][0]}"')
    plain.append(text[place:])
    return "".join(plain), sorted(entities, key=lambda each: (each["offset"], -each["length"]))


def _extra(name: str, attributes: str) -> dict[str, Any]:
    found = {key.lower(): value for key, value in _ATTRIBUTE.findall(attributes)}
    if name == "a":
        return {"url": found.get("href", "")}
    if name == "tg-emoji":
        return {"custom_emoji_id": found.get("emoji-id", "")}
    return {}


def _character(sign: str) -> str:
    name = sign[1:-1]
    if name.startswith("#"):
        number = int(f"0{name[1:]}" if name[1] in "xX" else name[1:], 0)
        return chr(number) if 0 < number < 0x110000 else sign
    return NAMED.get(name.lower(), sign)


def _unreadable(what: str) -> Breach:
    return Breach(400, f"Bad Request: can't parse entities: {what}")


_SIGNS: Final = re.compile(
    r"</(?P<end>[^>\s]*)\s*>"
    r"|<(?P<start>[A-Za-z0-9-]*)(?P<attributes>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>?"
    r"|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]+);"
)
_ATTRIBUTE: Final = re.compile(r"([\w-]+)\s*=\s*[\"']([^\"']*)[\"']")
