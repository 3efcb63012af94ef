"""A screen as numbered text, on as many pages as that takes: what USSD shows, and SMS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kikao.channels.ussd.pages import Budget, paginate
from kikao.conversation.screens import Screen
from kikao.i18n.gsm7 import fits
from kikao.i18n.messages import Translate


def numbered(
    screen: Screen, translate: Translate, spelled: Callable[[str], str], budget: Budget
) -> list[str]:
    """The screen as texts of at most one page each; see `paginate` for what is where.

    Paragraphs and options have a line each (`1 Send money`), navigation lines (`0 Back`) stand below; those that turn
    the page (`98 More`) only where there is a page to turn to. `spelled` says how a text is shown. Raises `TooLong`
    when a `whole` screen needs more than a page.
    """
    lines = [translate(text) for text in screen.body]
    lines += [f"{option.key} {translate(option.label)}" for option in screen.options]
    turns: dict[object, str] = {}
    footer: list[str] = []
    for option in screen.navigation:
        line = f"{option.key} {translate(option.label)}"
        if option.value in _TURNS:
            turns[option.value] = line
        else:
            footer.append(line)
    text = spelled("\n".join(filter(None, [*lines, *footer])))
    if fits(text, budget):
        return [text]
    body = len(screen.body)
    pages = paginate(
        spelled("\n".join(filter(None, lines[:body]))),
        [spelled(line) for line in lines[body:]],
        [spelled(line) for line in footer],
        budget=budget,
        more=spelled(turns.get("more", "")),
        previous=spelled(turns["previous"]) if "previous" in turns else None,
        whole=screen.whole,
    )
    return [page.text for page in pages]


_TURNS: Final = frozenset({"more", "previous"})
