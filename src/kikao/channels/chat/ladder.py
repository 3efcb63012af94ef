"""One ladder decides how options are shown, the same for sending and for reading an answer back.

Buttons where all fit; else a list; else numbered text, on as many pages as that takes. Nothing is ever cut so that two
options look the same, and a label that has to be cut stands in full beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from kikao.channels.chat.message import Choice, Layout, Message
from kikao.channels.media.limits import CAPTION
from kikao.conversation.answers import ascii_digits
from kikao.conversation.screens import Option, Screen
from kikao.i18n.messages import Translate, t

OPEN: Final = t("Choose")
"""On the button that opens a list."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider takes in one message; lengths are characters."""

    text: int
    """Of a message without choices."""
    body: int
    """Of one with choices."""
    buttons: int = 0
    """How many below a message."""
    title: int = 0
    """Of a button."""
    rows: int = 0
    """How many of a list, all together."""
    row: int = 0
    """Of the title of a row."""
    described: int = 0
    """Of what stands below it."""
    opens: int = 0
    """Of the button that opens a list."""
    numbered: int = 20
    """Options on a page of numbered text."""


def laid_out(screen: Screen, translate: Translate, limits: Limits) -> list[Message]:
    """A screen as pages, of which a member sees one at a time; almost always one.

    Only options make further pages: a text that is too long for one message goes out as several. What is shown besides
    text goes with the first.
    """
    pages = _laid_out(screen, translate, limits)
    if screen.shows:
        pages[0] = _showing(pages[0], screen, translate)
    return pages


def _showing(page: Message, screen: Screen, translate: Translate) -> Message:
    """A page with what it shows; a caption that is too long for one stands in its text."""
    shows, lines = [], []
    for each in screen.shows:
        caption = translate(each.caption)
        if len(caption.encode("utf-16-le")) // 2 > CAPTION:
            lines.append(caption)
            caption = ""
        shows.append(msgspec.structs.replace(each, caption=caption))
    text = "\n".join(filter(None, [*lines, page.text]))
    return msgspec.structs.replace(page, text=text, shows=tuple(shows))


def _laid_out(screen: Screen, translate: Translate, limits: Limits) -> list[Message]:
    text = "\n".join(filter(None, map(translate, screen.body)))
    options = [Choice(option.key, translate(option.label)) for option in screen.options]
    turns: dict[object, Option] = {
        option.value: option for option in screen.navigation if option.value in _TURNS
    }
    moves = [
        Choice(option.key, translate(option.label))
        for option in screen.navigation
        if option.value not in _TURNS
    ]
    opens = translate(OPEN)
    layout = layout_of(options, limits)
    if layout != "text":
        room = limits.buttons if layout == "buttons" else limits.rows
        both = [*options, *moves]
        if len(both) <= room and layout_of(both, limits) != "text":
            layout = layout_of(both, limits)
            return [_message(text, both, layout, opens, screen)]
        return [_message(_with_lines(text, moves), options, layout, opens, screen)]
    if len(options) <= limits.numbered or screen.whole:
        lines = _with_lines(text, options)
        if layout_of(moves, limits) == "buttons" and len(lines) <= limits.body:
            return [_message(lines, moves, "buttons", opens, screen)]
        return [_message(_with_lines(lines, moves), [], "text", opens, screen)]
    pages = [options[at : at + limits.numbered] for at in range(0, len(options), limits.numbered)]
    return [
        _page(text, page, number, len(pages), turns, moves, translate, limits, screen)
        for number, page in enumerate(pages)
    ]


def layout_of(choices: Sequence[Choice], limits: Limits) -> Layout:
    """The lowest step of the ladder on which all of these are told apart, and can be read in full."""
    labels = [choice.label for choice in choices]
    if not all(map(_plain, labels)) or len({_plain(label) for label in labels}) < len(labels) or not labels:
        return "text"
    if len(labels) <= limits.buttons and all(len(label) <= limits.title for label in labels):
        return "buttons"
    titles = {_plain(row_title(label, limits)) for label in labels}
    if len(titles) == len(labels) <= limits.rows and all(len(label) <= limits.described for label in labels):
        return "list"
    return "text"


def row_title(label: str, limits: Limits) -> str:
    """The title of a row; where a label is cut for it, all of it stands below as the description."""
    return label if len(label) <= limits.row else label[: limits.row - 1].rstrip() + "…"


def parts(text: str, most: int, last: int | None = None) -> list[str]:
    """A text in pieces of at most `most` characters, the last of at most `last`: between paragraphs, or between words.

    A longer word is cut. Characters are those of Python: no letter of any script is torn, as it would be by octets.
    """
    last = most if last is None else last
    pieces: list[str] = []
    while len(text) > last:
        limit = most if len(text) > most else last
        cut = max(text.rfind("\n", 0, limit + 1), 0) or max(text.rfind(" ", 0, limit + 1), 0) or limit
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*pieces, text]


def meant(typed: str, screen: Screen, translate: Translate, limits: Limits) -> str:
    """The key of what was typed, where that is a label on the screen, in full or as it is cut; else what was typed."""
    wanted = _plain(typed)
    if not wanted or ascii_digits(wanted).isdecimal():
        return typed
    found = [
        option.key
        for option in (*screen.options, *screen.navigation)
        if wanted in _readings(option, translate, limits)
    ]
    return found[0] if len(found) == 1 else typed


def _readings(option: Option, translate: Translate, limits: Limits) -> tuple[str, ...]:
    label = translate(option.label)
    full = _plain(label)
    return (full, _plain(row_title(label, limits)), f"{option.key} {full}".casefold())


def _page(
    text: str,
    options: Sequence[Choice],
    number: int,
    pages: int,
    turns: dict[object, Option],
    moves: Sequence[Choice],
    translate: Translate,
    limits: Limits,
    screen: Screen,
) -> Message:
    here = [("more", number < pages - 1), ("previous", number > 0)]
    lines = [
        Choice(turns[name].key, translate(turns[name].label))
        for name, is_there in here
        if is_there and name in turns
    ]
    keys = {line.key for line in lines}
    lines += [move for move in moves if move.key not in keys]
    body = _with_lines(text, options)
    if layout_of(lines, limits) == "buttons" and len(body) <= limits.body:
        return _message(body, lines, "buttons", "", screen)
    return _message(_with_lines(body, lines), [], "text", "", screen)


def _message(text: str, choices: Sequence[Choice], layout: Layout, opens: str, screen: Screen) -> Message:
    return Message(text, tuple(choices), layout, opens if layout == "list" else "", wants=screen.wants)


def _with_lines(text: str, choices: Sequence[Choice]) -> str:
    return "\n".join(filter(None, [text, *(f"{choice.key} {choice.label}" for choice in choices)]))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


_TURNS: Final = frozenset({"more", "previous"})
