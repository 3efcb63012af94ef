"""Which of many events alike are worth a line: the first few of a minute, and then only their number.

A stranger can have a request refused as often as the network carries one. The log must not grow by that, nor may what
one stranger does hide what another one does.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Final, Generic, NamedTuple, TypeVar

PER: Final = 60.0
"""Seconds that lines are counted together."""

LINES: Final = 20
"""Lines of a group in that time."""

SAME: Final = 3
"""Of these, lines with the same text."""

Group = TypeVar("Group", bound=Hashable)


class Hidden(NamedTuple, Generic[Group]):
    """So many lines of a group were left out within so many seconds."""

    group: Group
    lines: int
    seconds: float


class Repeats(Generic[Group]):
    """Counts lines by group and text. Keep the groups few: they are names from code, never from a request."""

    def __init__(self, *, lines: int = LINES, same: int = SAME, per: float = PER) -> None:
        self._lines = lines
        self._same = same
        self._per = per
        self._windows: dict[Group, _Window] = {}

    def __bool__(self) -> bool:
        """Whether anything was counted that is not forgotten yet."""
        return bool(self._windows)

    def shows(self, group: Group, text: str, now: float) -> bool:
        """Whether a line with this text is worth being written at `now` (seconds since the epoch)."""
        window = self._windows.get(group)
        if window is None:
            window = self._windows[group] = _Window(now)
        alike = window.texts.get(text, 0)
        if window.shown >= self._lines or alike >= self._same:
            window.hidden += 1
            return False
        window.shown += 1
        window.texts[text] = alike + 1
        return True

    def over(self, now: float) -> Iterator[Hidden[Group]]:
        """Forget the groups whose time is over; those of them that had lines left out."""
        for group, window in list(self._windows.items()):
            if not 0 <= now - window.began < self._per:
                del self._windows[group]
                if window.hidden:
                    yield Hidden(group, window.hidden, self._per)


class _Window:
    __slots__ = ("began", "hidden", "shown", "texts")

    def __init__(self, began: float) -> None:
        self.began = began
        self.shown = 0
        self.hidden = 0
        self.texts: dict[str, int] = {}
