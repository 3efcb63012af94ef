"""Navigation is the engine's, the same on every channel: back, home, cancel, language, next and previous page.

A key moves the member only where it is not an answer: at `Number(min=0)` a "0" is a number, and the screen then offers
another key, or none. What a page shows is always what happens: "98 More" there turns the page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from itertools import count, islice
from typing import Any, Final, Literal

import msgspec
from msgspec import structs

from kikao.conversation.answers import Answer, ascii_digits
from kikao.conversation.screens import Option, Screen
from kikao.i18n.messages import Text, t

Command = Literal["back", "home", "cancel", "language", "more", "previous"]


class Key(msgspec.Struct, frozen=True):
    """What a member types for a command, first the one that is shown; `label` is its text, `shown` puts it on screens.

    Words are matched without regard to case, digits in any script.
    """

    keys: tuple[str, ...]
    label: Text
    shown: bool = True


class Navigation(msgspec.Struct, frozen=True, dict=True):
    """The keys of an app. Set `keys=()` to switch a command off.

    A key that two commands have belongs to the one that has it first in its `keys`. Raises `ValueError` when two shown
    commands have the same first key, and for a key that cannot be typed.

    Without `more`, what does not fit on a first page cannot be read.
    """

    back: Key = Key(("0",), t("Back"))
    home: Key = Key(("00",), t("Home"))
    more: Key = Key(("98", "#"), t("More"))
    cancel: Key = Key(("99", "cancel"), t("Cancel"), shown=False)
    language: Key = Key(("97", "language"), t("Language"), shown=False)

    def __post_init__(self) -> None:
        firsts: dict[str, str] = {}
        for name in _COMMANDS:
            key: Key = getattr(self, name)
            for each in key.keys:
                if not word(each) or len(each) > MAX_KEY:
                    raise ValueError(
                        f"navigation: a key of {name} must have 1 to {MAX_KEY} characters to type"
                    )
            if key.keys and key.shown:
                other = firsts.setdefault(word(key.keys[0]), name)
                if other != name:
                    raise ValueError(
                        f"navigation: {key.keys[0]!r} is the key of {other} and of {name}. Give one of them another."
                    )

    def offered(
        self, answer: Answer[Any], *, back: bool, home: bool
    ) -> tuple[tuple[Option, ...], tuple[str, ...]]:
        """The lines to show under a question, and the keys that are answers there instead of commands."""
        if type(answer).literal is Answer.literal:
            options = answer.options()
            literal = (
                tuple([key for o in options if (key := word(o.key)) in self._commands]) if options else ()
            )
        else:
            literal = answer.literals(self._words)
            # Where nothing is literal no command lacks its keys, but for one that never had any.
            if (literal or not all(self._turning)) and any(
                all(each in literal for each in words) for words in self._turning
            ):
                literal += answer.literals(self._spare)
        return (self._made_lines(_live(back, home), literal) if literal else self._lines[back, home]), literal

    def with_back(self, screen: Screen) -> Screen:
        """The screen with the line that leads back."""
        lines = self._made_lines(("back",), {word(option.key) for option in screen.options})
        return structs.replace(screen, navigation=lines)

    def command(
        self, text: str, screen: Screen, literal: Collection[str] = (), *, page: int = 0, pages: int = 1
    ) -> Command | None:
        """The command a text stands for on this page (from 0) of a screen; None where it is an answer.

        `literal` are the keys that `offered` found to be answers.
        """
        typed = word(text)
        if pages > 1:
            more, previous = self.page_keys(screen, literal)
            if more is not None and page < pages - 1 and typed == word(more.key):
                return "more"
            if previous is not None and page > 0 and typed == word(previous.key):
                return "previous"
        command = self._commands.get(typed)
        if command is None or typed in literal or any(word(option.key) == typed for option in screen.options):
            return None
        if command == "more":
            return "more" if page < pages - 1 else None
        return "previous" if command == "back" and page > 0 else command

    def displayed(self, screen: Screen, literal: Collection[str] = ()) -> Screen:
        """The screen with the lines that turn its pages, for a channel that needs several."""
        if screen.whole:
            return screen
        more, previous = self.page_keys(screen, literal)
        lines = screen.navigation
        if more is not None and self.more.shown:
            lines += (more,)
        if previous is not None and self.back.shown:
            for line in lines:
                if line.key == previous.key:
                    break
            else:
                lines += (previous,)
        return screen if lines is screen.navigation else structs.replace(screen, navigation=lines)

    def page_keys(self, screen: Screen, literal: Collection[str] = ()) -> tuple[Option | None, Option | None]:
        """The lines to the next and to the previous page of a screen; None for one that is switched off.

        Each has the command's own key, unless that chooses or answers something on this screen: then another one that
        is free. "More" is needed to see all of the question: where every key is an answer it has one nevertheless, on
        all pages but the last, where that is an answer again. A last screen has no way back.
        """
        chosen = {option.key.casefold() for option in screen.options} if screen.options else _NOTHING
        more, previous = self._page_keys
        if not (chosen.isdisjoint(self._page_words) and self._page_words.isdisjoint(literal)):
            taken = chosen.union(literal)
            more = self._page_key("more", taken, chosen)
            previous = self._page_key("back", taken | ({word(more.key)} if more else set()))
        return more, None if screen.ends else previous

    def _page_key(
        self, name: Literal["more", "back"], taken: Collection[str], chosen: Collection[str] | None = None
    ) -> Option | None:
        key: Key = getattr(self, name)
        if not key.keys:
            return None
        keys = (*self._own[name], *self._spare)
        free = [each for each in keys if word(each) not in taken]
        if not free and chosen is not None and key.shown:
            free = [each for each in keys if word(each) not in chosen]
        return Option(free[0], key.label, "more" if name == "more" else "previous") if free else None

    @cached_property
    def _page_keys(self) -> tuple[Option | None, Option | None]:
        """Those of a screen on which every key is free."""
        more = self._page_key("more", ())
        return more, self._page_key("back", (word(more.key),) if more else ())

    @cached_property
    def _page_words(self) -> frozenset[str]:
        return frozenset(word(line.key) for line in self._page_keys if line is not None)

    @cached_property
    def _commands(self) -> dict[str, Command]:
        """What each word stands for: first keys first, those of shown commands before the others."""
        keys = {name: getattr(self, name) for name in _COMMANDS}
        found: dict[str, Command] = {}
        for shown in (True, False):
            for name, key in keys.items():
                if key.keys and key.shown is shown:
                    found.setdefault(word(key.keys[0]), name)
        for name, key in keys.items():
            for each in key.keys:
                found.setdefault(word(each), name)
        return found

    @cached_property
    def _words(self) -> tuple[str, ...]:
        return tuple(self._commands)

    @cached_property
    def _own(self) -> dict[Command, tuple[str, ...]]:
        """The keys of each command, as it is to be shown, without those that another command has."""
        return {
            name: tuple(key for key in getattr(self, name).keys if self._commands[word(key)] == name)
            for name in _COMMANDS
        }

    @cached_property
    def _turning(self) -> tuple[tuple[str, ...], ...]:
        """The words that turn pages, of each command that does."""
        return tuple(tuple(map(word, self._own[name])) for name in _TURNING)

    @cached_property
    def _spare(self) -> tuple[str, ...]:
        """Keys that no command has, for screens on which the command's own are answers."""
        return tuple(islice((key for key in _candidates() if key not in self._commands), SPARE))

    @cached_property
    def _lines(self) -> dict[tuple[bool, bool], tuple[Option, ...]]:
        return {(b, h): self._made_lines(_live(b, h), ()) for b in (False, True) for h in (False, True)}

    def _made_lines(self, live: Iterable[Command], taken: Collection[str]) -> tuple[Option, ...]:
        lines = []
        for name in live:
            key: Key = getattr(self, name)
            free = next((each for each in self._own[name] if word(each) not in taken), None)
            if key.shown and free is not None:
                lines.append(Option(free, key.label, name))
        return tuple(lines)


_NOTHING: Final[frozenset[str]] = frozenset()

MAX_KEY: Final = 20
"""Characters of a key."""

SPARE: Final = 4
"""How many keys that no command has are tried."""


def word(text: str) -> str:
    """What was typed, as keys are compared: without case and surplus spaces, digits of any script as 0 to 9."""
    return ascii_digits(" ".join(text.split())).casefold()


def _candidates() -> Iterator[str]:
    """What every keypad has and nobody means as a number."""
    yield from ("98", "#", "*")
    yield from ("0" * length for length in count(3))


def _live(back: bool, home: bool) -> tuple[Command, ...]:
    """The commands of a question that may have lines, in their order."""
    return (*(("back",) if back else ()), *(("home",) if home else ()), "cancel", "language")


_TURNING: Final[tuple[Command, ...]] = ("more", "back")
_COMMANDS: Final[tuple[Command, ...]] = ("more", "back", "home", "cancel", "language")
