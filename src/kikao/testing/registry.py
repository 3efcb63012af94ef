"""The steps there are: what a line of a transcript may say, and who knows how to do it."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

NAME: Final = r"[^\W\d_a-z]\w*"
"""A member, in the pattern of a step: one word that begins with a capital, or in a script that has none."""

CLOSE: Final = 5
"""Steps that are named where a line is none."""

Act = TypeVar("Act", bound=Callable[..., Any])


class Kind(NamedTuple):
    """One step: the lines it takes, what it does, and how it reads."""

    pattern: re.Pattern[str]
    act: Callable[..., Any]
    form: str
    told: str
    """What it does, in a sentence."""
    by_member: bool = False
    """Whether a member does it on their phone, so that another may do something at the same time."""
    folder: Path | None = None
    """Where a step of a `conftest.py` is known: below this folder."""


class Match(NamedTuple):
    """A line that a step takes, and what stands in its groups."""

    kind: Kind
    groups: dict[str, str | None]


class UnknownStep(LookupError):
    """A line that is no step; the message lists those that come close."""


def step(pattern: str, *, form: str = "") -> Callable[[Act], Act]:
    """Register a step of your own: a function, `async` or not, for lines that a pattern matches as a whole.

        @step(rf"(?P<who>{NAME}) has (?P<count>\\d+) coins\\.")
        async def has_coins(play: Play, who: str, count: str) -> None:
            await play.stage.service(Purse).real.put(play.number(who), int(count))

    It gets the `Play` and, by name, the groups of the pattern: texts, or None for an optional group that is not there.
    A screen is looked for below the line when it returns something with a `screen` and whether it `ended` (a `Phone`
    is such a thing), a text, or several of them.

    `form` is how the step is written in messages, by default made from the pattern; the first line of the docstring
    says what it does. In a `conftest.py`, a step is known to the transcripts below its folder; elsewhere, to all. It
    goes before kikao's own of the same line.

    Raises `ValueError` for a pattern that is none.
    """

    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no pattern: {error}") from None

    def register(act: Act) -> Act:
        _PROJECT.insert(0, _kind(pattern, act, form, by_member=False))
        return act

    return register


def built_in(pattern: str, form: str, *, by_member: bool = False) -> Callable[[Act], Act]:
    """Register a step that comes with kikao."""

    def register(act: Act) -> Act:
        BUILT_IN.append(_kind(pattern, act, form, by_member=by_member))
        return act

    return register


def matches(line: str, path: Path | None = None) -> list[Match]:
    """What a line means: one step, or two that happen at the same time. Raises `UnknownStep`.

    `path` is the transcript it stands in.
    """
    for at in (match.start() for match in re.finditer(" while ", line)):
        both = [_one(f"{line[:at]}.", path), _one(line[at + len(" while ") :], path)]
        found = [match for match in both if match is not None and match.kind.by_member]
        if len(found) == 2:
            return found
    one = _one(line, path)
    if one is None:
        close = "\n".join(f"  {form}" for form in close_to(line, path))
        raise UnknownStep(f"nobody knows how to do this: {line}\nsteps that come close:\n{close}")
    return [one]


def close_to(line: str, path: Path | None = None) -> list[str]:
    """The forms of the steps that a line resembles most, the closest first."""
    forms = {kind.form for kind in _known(path)}
    return sorted(forms, key=lambda form: (-_likeness(line, form), form))[:CLOSE]


BUILT_IN: Final[list[Kind]] = []
"""Those of kikao, in the order in which they are tried."""

_PROJECT: Final[list[Kind]] = []
"""Those of the project at test, the last one first."""


def _kind(pattern: str, act: Callable[..., Any], form: str, *, by_member: bool) -> Kind:
    file = Path(act.__code__.co_filename)
    folder = file.parent.resolve() if file.name == "conftest.py" else None
    told = (act.__doc__ or "").strip().partition("\n")[0]
    return Kind(re.compile(pattern), act, form or form_of(pattern), told, by_member, folder)


def _known(path: Path | None) -> Iterator[Kind]:
    for kind in _PROJECT:
        if kind.folder is None or (path is not None and path.resolve().is_relative_to(kind.folder)):
            yield kind
    yield from BUILT_IN


def _one(line: str, path: Path | None) -> Match | None:
    for said in dict.fromkeys((line, _plainly(line))):
        for kind in _known(path):
            if match := kind.pattern.fullmatch(said):
                return Match(kind, match.groupdict())
    return None


def _plainly(line: str) -> str:
    """A line without what word processors put into it, and nobody sees."""
    composed = unicodedata.normalize("NFC", line)
    return re.sub(r"(?<=\w)’s ", "'s ", re.sub(r"\s+", " ", composed), count=1)


def form_of(pattern: str) -> str:
    """A pattern as people read it: `{who} has {count} coins.`, what may be left out in brackets."""
    return "".join(_read(list(_PIECES.findall(pattern)))).strip()


def _read(pieces: list[str]) -> Iterator[str]:
    """Forms of pieces up to the end of the group they are in; what was read is taken off."""
    while pieces and (piece := pieces.pop(0)) != ")":
        if piece.startswith("(?P<"):
            list(_read(pieces))
            said = f"{{{piece[4:-1]}}}"
        elif piece[0] == "(":
            said = "".join(_read(pieces))
        else:
            said = " " if piece == r"\s" else piece[1:] if piece[0] == "\\" else piece
        many = pieces[0] if pieces and pieces[0][0] in "?*+{" else ""
        if many:
            pieces.pop(0)
        yield f"[{said}]" if many in ("?", "*") and said not in ("s", "es") else said


def _likeness(line: str, form: str) -> float:
    """How much of a line a form has, with or without what may be left out of it: 0 to 1."""
    wanted, least = _skeleton(line), form
    while (shorter := _OPTIONAL.sub("", least)) != least:
        least = shorter
    ways = {_skeleton(least), _skeleton(form)}
    return max(difflib.SequenceMatcher(None, wanted, way, autojunk=False).ratio() for way in ways)


def _skeleton(text: str) -> str:
    """A line or a form without what differs from one line to the next."""
    text = re.sub(r"[\[\]]", "", re.sub(r"\{[^}]*\}", "X", text))
    return re.sub(r'"[^"]*"|\b(?!The\b)[A-Z]\w*|[\d*#+][\d,*#+]*', "X", text).casefold()


_OPTIONAL: Final = re.compile(r" ?\[[^\[\]]*\]")
_PIECES: Final = re.compile(r"\(\?P<\w+>|\(\?:|\(|\)|\\.|\[[^\]]*\]|\{[\d,]+\}|.")
