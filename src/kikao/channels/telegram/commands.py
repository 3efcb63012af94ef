"""The menu of a bot's commands: https://core.telegram.org/bots/api#botcommand.

An app's commands are its words, see `Shortcut`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from kikao.channels.chat.gateway import Served
from kikao.channels.telegram.formatting import cut

MOST: Final = 100
"""Commands of a bot."""

DESCRIPTION: Final = 256
"""Characters of what a command is described with."""


class Command(msgspec.Struct, frozen=True):
    """One line of a menu."""

    command: str
    description: str


Menu = list[Command]


def menus(app: Served) -> dict[str, Menu]:
    """By language, two letters; that of everybody else by an empty text, in the app's first language."""
    found: dict[str, Menu] = {"": _menu(app, app.locales[0])}
    for locale in app.locales:
        language = locale.replace("_", "-").partition("-")[0].lower()
        if len(language) == 2:  # Telegram takes ISO 639-1, https://core.telegram.org/bots/api#setmycommands
            found.setdefault(language, _menu(app, locale))
    return found


def _menu(app: Served, locale: str) -> Menu:
    translate = app.translate(locale)
    return [
        Command(word, cut(translate(title), DESCRIPTION) or word)
        for word, title in list(app.commands.items())[:MOST]
    ]
