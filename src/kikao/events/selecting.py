"""Which events somebody means: by type, by name, or by a pattern of names."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from kikao.events.event import Event, name_of
from kikao.events.types import EVENTS

One: TypeAlias = str | type[Event]
Selection: TypeAlias = One | Iterable[One]
"""A type (or what several have in common, such as `SessionEvent`), a name, a pattern (`session.*`), or several."""

BY_NAME: Final = {name_of(kind): kind for kind in EVENTS}


class NoSuchEvent(ValueError):
    """A name, pattern or type that no event has; the text says what is near."""


def selected(selection: Selection) -> frozenset[type[Event]]:
    """The types of events that are meant. Raises `NoSuchEvent` for what means none."""
    several = [selection] if isinstance(selection, str | type) else [*selection]
    if not several:
        raise NoSuchEvent("no events are named. Name a type, a name or a pattern, such as '*' for all.")
    return frozenset(kind for one in several for kind in _meant(one))


def _meant(one: One) -> Sequence[type[Event]]:
    if isinstance(one, str):
        return _named(one)
    found = _of_type(one) if isinstance(one, type) else ()
    if not found or not issubclass(one, Event):
        raise NoSuchEvent(
            f"{getattr(one, '__name__', one)!r} is no event. See kikao.events for those there are."
        )
    return found


# Both are asked for the same again and again by every app that starts.


@functools.lru_cache(256)
def _of_type(base: type) -> tuple[type[Event], ...]:
    return tuple(kind for kind in EVENTS if issubclass(kind, base))


@functools.lru_cache(256)
def _named(pattern: str) -> tuple[type[Event], ...]:
    found = tuple(kind for name, kind in BY_NAME.items() if fnmatchcase(name, pattern))
    if not found:
        raise NoSuchEvent(f"no event is called {pattern!r}. {_near(pattern)}")
    return found


def _near(name: str) -> str:
    import difflib

    patterns = {f"{each.partition('.')[0]}.*" for each in BY_NAME}
    near = difflib.get_close_matches(name, [*BY_NAME, *sorted(patterns)], 3, 0.5)
    return f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(BY_NAME)}."
