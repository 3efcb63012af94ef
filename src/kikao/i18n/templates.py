"""Sentences with placeholders: how `{name}` is found in them, and whether a translation keeps to its sentence."""

from __future__ import annotations

import re

Template = tuple[str, tuple[str, ...]]
"""A sentence ready to fill: a `%s` format and the names of what goes in; without names, the sentence."""


def template(sentence: str) -> Template:
    """Split at the placeholders. Only `{name}` is one: `{0}`, `{a.b}` and `{a!r}` stay as they are."""
    pieces: list[str | None] = []
    names = []
    end = 0
    for match in _PLACEHOLDER.finditer(sentence):
        pieces.append(sentence[end : match.start()])
        end = match.end()
        if match[1]:
            pieces.append(None)
            names.append(match[1])
        else:
            pieces.append(match[0][0])
    pieces.append(sentence[end:])
    if not names:
        return "".join(piece or "" for piece in pieces), ()
    return "".join("%s" if piece is None else piece.replace("%", "%%") for piece in pieces), tuple(names)


def names_in(sentence: str) -> frozenset[str]:
    """The names of the placeholders."""
    return frozenset(template(sentence)[1])


def is_plain(sentence: str) -> bool:
    """Whether every brace belongs to a placeholder, or is written twice to stand for itself."""
    return not re.search("[{}]", _PLACEHOLDER.sub("", sentence))


def keeps_to(translated: str, singular: str, plural: str = "") -> bool:
    """Whether a translation can stand for its sentence: plain, with the same placeholders.

    A form of a plural needs what both its forms have, and may leave out or add the count `{n}`.
    """
    if not is_plain(translated):
        return False
    there, one = names_in(translated), names_in(singular)
    if not plural:
        return there == one
    many = names_in(plural)
    return (one & many) - {"n"} <= there <= one | many | {"n"}


_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")
