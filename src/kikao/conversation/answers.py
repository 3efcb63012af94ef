"""Typed answers: what a question accepts, and the one canonical form the journal keeps of it.

An answer type parses what the member typed, or raises `Invalid` with a sentence that says what would be right. The
journal keeps `encode(value)`: E.164, minor units, ISO dates, a choice's value; never a label or a formatted text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from kikao.conversation.inputs import Given
from kikao.conversation.screens import Option

T = TypeVar("T")


class Answer(Generic[T]):
    """What a question accepts. Subclass it for a type of your own: set `tag`, write `parse`."""

    tag: str = ""
    """Names the stored form; a journal entry with another tag no longer matches the question (schema change)."""
    whole: ClassVar[bool] = False
    """The question is a confirmation: never split over pages, never answered by a long dial, never resumed into."""
    decode: Callable[[Any], T] | None = None
    """Journal form → value; None when they are the same (the usual case, and the fast one)."""

    def options(self) -> tuple[Option, ...]:
        """What to choose from, in the order shown; empty for typed answers."""
        return ()

    def parse(self, given: Given, options: tuple[Option, ...]) -> T:
        """The value of what was given. `options` are those displayed, which may not be those of today's code.

        Raises `Invalid`.
        """
        raise TypeError(f"{type(self).__name__} must define parse()")

    def encode(self, value: T) -> Any:
        """Value → journal form: str, int, float, bool, None, and lists or dicts of them."""
        return value

    def literal(self, text: str) -> bool:
        """True when `text`, which is also a navigation key, is meant as an answer here ("0" children)."""
        return False
