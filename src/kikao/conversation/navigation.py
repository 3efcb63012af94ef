"""Navigation is the engine's, the same on every channel: back, home, cancel, language, next and previous page.

A key moves the member only where it is not an answer: at `Number(min=0)` a "0" is a number, and the screen then does
not offer "0 Back".
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

import msgspec

from kikao.conversation.answers import Answer
from kikao.conversation.screens import Option
from kikao.i18n.messages import Text, t

Command = Literal["back", "home", "cancel", "language", "more", "previous"]


class Key(msgspec.Struct, frozen=True):
    """What a member types for a command, first the one that is shown; `label` is its text, `shown` puts it on screens.

    Words are matched without regard to case.
    """

    keys: tuple[str, ...]
    label: Text
    shown: bool = True

    def option(self, command: Command) -> Option:
        """The line on a screen."""
        return Option(self.keys[0], self.label, command)


class Navigation(msgspec.Struct, frozen=True, dict=True):
    """The keys of an app. Set `keys=()` to switch a command off."""

    back: Key = Key(("0",), t("Back"))
    home: Key = Key(("00",), t("Home"))
    more: Key = Key(("98", "#"), t("More"))
    cancel: Key = Key(("99", "cancel"), t("Cancel"), shown=False)
    language: Key = Key(("97", "language"), t("Language"), shown=False)

    def command(self, text: str, *, first_page: bool, last_page: bool) -> Command | None:
        """The command a text stands for on this page of a screen."""
        word = text.strip().lower()
        if not last_page and word in self.more.keys:
            return "more"
        if word in self.back.keys:
            return "back" if first_page else "previous"
        if word in self.home.keys:
            return "home"
        if word in self.cancel.keys:
            return "cancel"
        if word in self.language.keys:
            return "language"
        return None

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Everything that may stand for a command."""
        return tuple(
            w for key in (self.back, self.home, self.more, self.cancel, self.language) for w in key.keys
        )

    def offered(
        self, answer: Answer[Any], *, back: bool, home: bool
    ) -> tuple[tuple[Option, ...], tuple[str, ...]]:
        """The lines to show under a question, and the keys that are answers there instead of commands."""
        literal: tuple[str, ...] = ()
        if type(answer).literal is not Answer.literal:
            literal = tuple(word for word in self.words if answer.literal(word))
        lines = self._lines[back, home]
        if literal:
            lines = tuple(line for line in lines if line.key not in literal)
        return lines, literal

    @cached_property
    def _lines(self) -> dict[tuple[bool, bool], tuple[Option, ...]]:
        def lines(back: bool, home: bool) -> tuple[Option, ...]:
            offered: list[tuple[Command, Key, bool]] = [
                ("back", self.back, back),
                ("home", self.home, home),
                ("cancel", self.cancel, True),
                ("language", self.language, True),
            ]
            return tuple(key.option(name) for name, key, live in offered if live and key.shown and key.keys)

        return {(b, h): lines(b, h) for b in (False, True) for h in (False, True)}
