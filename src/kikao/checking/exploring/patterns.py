"""Texts that match a regular expression: a long one and a short one, where its parts are simple enough."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

MORE: Final = 3
"""How often a part that may come any number of times comes in a short text."""


def matching(pattern: str | None, most: int) -> list[str]:
    """Up to two texts of at most `most` characters; none for a pattern with parts that are not simple."""
    if pattern is None:
        return []
    try:
        parsed = list(_parse(pattern))
    except (re.error, AttributeError, ImportError):
        return []
    found = []
    for times in (most, MORE, 0):
        text = _written(parsed, times)
        if text is not None:
            text = text[:most]
            if text not in found and re.fullmatch(pattern, text):
                found.append(text)
    return found


def _parse(pattern: str) -> Iterable[tuple[Any, Any]]:
    from re import _parser  # type: ignore[attr-defined] # nothing public tells the parts of a pattern

    return _parser.parse(pattern)  # type: ignore[no-any-return]


def _written(parts: Iterable[tuple[Any, Any]], times: int) -> str | None:
    text = ""
    for kind, value in parts:
        part = _part(str(kind), value, times)
        if part is None:
            return None
        text += part
    return text


def _part(kind: str, value: Any, times: int) -> str | None:
    match kind:
        case "LITERAL":
            return chr(value)
        case "NOT_LITERAL":
            return next(each for each in "aA1" if ord(each) != value)
        case "ANY":
            return "a"
        case "AT":
            return ""
        case "IN":
            return next((c for c in "aA7 -.@_+/#" if _in(value, c)), _first(value))
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, inner = value
            written = _written(inner, times)
            return None if written is None else written * max(least, min(int(most), times))
        case "SUBPATTERN":
            return _written(value[-1], times)
        case "BRANCH":
            return _written(value[1][0], times)
    return None


def _in(parts: list[tuple[Any, Any]], character: str) -> bool:
    found, negated = False, False
    for kind, value in parts:
        match str(kind):
            case "NEGATE":
                negated = True
            case "LITERAL":
                found = found or value == ord(character)
            case "RANGE":
                found = found or value[0] <= ord(character) <= value[1]
            case "CATEGORY":
                found = found or bool(re.match(_CATEGORIES.get(str(value), "(?!)"), character))
    return found is not negated


def _first(parts: list[tuple[Any, Any]]) -> str | None:
    for kind, value in parts:
        if str(kind) == "LITERAL":
            return chr(value)
        if str(kind) == "RANGE":
            return chr(value[0])
    return None


_CATEGORIES: Final = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
}
