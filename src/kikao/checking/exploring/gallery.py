"""The screens an exploration met: one of each kind, with the longest values its parameters were seen to take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from msgspec import structs

from kikao.checking.exploring.asking import Place
from kikao.conversation.screens import Option, Screen
from kikao.i18n.gsm7 import normalise, septets, utf16_units
from kikao.i18n.messages import Message, Text
from kikao.i18n.money import Amount, format_amount

Spot = tuple[str, str, str]
"""Where a conversation stands: flow, journal key without ordinals, and what it waits for."""

Letters = Literal["gsm7", "ucs2"]

COUNTS: Final = 3
"""Counts of a plural up to this one are screens of their own."""

ERRORS: Final = 24
"""Different errors that are kept of one question."""


@dataclass(slots=True)
class Shot:
    """One kind of screen: the same sentences, whatever the values in them."""

    spot: Spot
    screen: Screen
    place: Place
    trail: tuple[str, ...]
    """The answers that led to it, when it was met first."""


@dataclass(slots=True)
class _Widest:
    values: dict[Letters, Any] = field(default_factory=dict)
    units: dict[Letters, int] = field(default_factory=dict)

    def take(self, value: Any) -> bool:
        """Keep a value if it is the longest of its alphabet."""
        written = normalise(format_amount(value) if isinstance(value, Amount) else str(value))
        cost = septets(written)
        letters: Letters = "ucs2" if cost is None else "gsm7"
        size = utf16_units(written) if cost is None else cost
        if size <= self.units.get(letters, -1):
            return False
        self.values[letters], self.units[letters] = value, size
        return True


class Gallery:
    """Screens by what they are made of."""

    def __init__(self) -> None:
        self._shots: dict[tuple[Spot, Any], Shot] = {}
        self._widest: dict[tuple[Spot, str, str], _Widest] = {}
        self._errors: dict[Spot, list[Text]] = {}

    def __len__(self) -> int:
        return len(self._shots)

    def take(self, shot: Shot, error: Text | None = None) -> bool:
        """Add a screen; True when it shows something new, a kind of screen or a longer value.

        `error` stands above a question: whatever was seen there once may stand above each of its forms.
        """
        key = (shot.spot, _kind(shot.screen))
        new = key not in self._shots
        if new:
            self._shots[key] = shot
        if error is not None:
            errors = self._errors.setdefault(shot.spot, [])
            if error not in errors and len(errors) < ERRORS:
                errors.append(error)
        for text in _texts(shot.screen):
            for message in _messages(text):
                for name, value in message.params.items():
                    if not isinstance(value, Message):
                        widest = self._widest.setdefault((shot.spot, message.msgid, name), _Widest())
                        new = widest.take(value) or new
        return new

    def shots(self) -> Iterator[tuple[Shot, Screen, Letters]]:
        """Each kind of screen with its longest values: inside GSM-7, and where there are any outside of it, those."""
        for (spot, _), shot in self._shots.items():
            kinds: list[Letters] = ["gsm7", "ucs2"] if self._has_ucs2(spot, shot.screen) else ["gsm7"]
            for letters in kinds:
                wide = self._wide(spot, shot.screen, letters)
                yield shot, wide, letters
                for error in self._errors.get(spot, ()):
                    yield shot, structs.replace(wide, body=(error, *wide.body)), letters

    def _has_ucs2(self, spot: Spot, screen: Screen) -> bool:
        return any(
            "ucs2" in widest.values
            for text in _texts(screen)
            for message in _messages(text)
            for name in message.params
            if (widest := self._widest.get((spot, message.msgid, name))) is not None
        )

    def _wide(self, spot: Spot, screen: Screen, letters: Letters) -> Screen:
        def wide(text: Text) -> Text:
            if isinstance(text, str):
                return text
            params = {}
            for name, value in text.params.items():
                if isinstance(value, Message):
                    params[name] = wide(value)
                    continue
                found = self._widest[spot, text.msgid, name].values
                params[name] = found.get(letters, found.get("gsm7", value))
            return structs.replace(text, params=params)

        options = tuple(Option(each.key, wide(each.label), each.value) for each in screen.options)
        return structs.replace(screen, body=tuple(map(wide, screen.body)), options=options)


def without_values(text: Text) -> Message | None:
    """A sentence with an `x` for each parameter: what is left is what translators wrote; None for data."""
    if isinstance(text, str):
        return None
    return structs.replace(text, params=dict.fromkeys(text.params, "x"))


def messages_of(screen: Screen) -> Iterator[Message]:
    """Every sentence of a screen, those inside of others and of navigation lines too."""
    for text in (*_texts(screen), *(line.label for line in screen.navigation)):
        yield from _messages(text)


def _texts(screen: Screen) -> Iterator[Text]:
    yield from screen.body
    for option in screen.options:
        yield option.label


def _messages(text: Text) -> Iterator[Message]:
    if isinstance(text, Message):
        yield text
        for value in text.params.values():
            if isinstance(value, Message):
                yield from _messages(value)


def _kind(screen: Screen) -> tuple[Any, ...]:
    return (
        tuple(map(_shape, screen.body)),
        tuple((option.key, _shape(option.label)) for option in screen.options),
        tuple(line.value for line in screen.navigation),
        screen.ends,
        screen.whole,
    )


def _shape(text: Any) -> Any:
    if not isinstance(text, Message):
        return ""
    inner = tuple((name, _shape(value)) for name, value in sorted(text.params.items()))
    return text.msgid, min(text.n, COUNTS + 1) if text.plural else 0, inner
