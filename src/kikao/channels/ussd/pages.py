"""USSD pages: a screen cut into messages that each fit, in as few as possible, and lose nothing.

A page is content (a part of the body, whole options) above its navigation lines: `more`, `previous`, the footer. The
content of all pages together has every character of body and options but white space exactly once, in order.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

import msgspec

from kikao.channels.ussd.breaks import SENTENCE_ENDS, SPACES, character_break, skip_spaces, word_breaks
from kikao.i18n.gsm7 import EXTENSION, GSM7, Budget, Cost, cost, fits, septets, utf16_units

__all__ = ["Budget", "Page", "TooLong", "paginate"]

COMFORT: Final = 0.75
"""A page ends at a line or sentence, not just at a word, where that fills so much of it."""

NAVIGATION: Final = 0.75
"""The navigation lines of a page may take at most so much of it: the rest is for content."""


class Page(msgspec.Struct, frozen=True):
    """One message. `options` are the places (from 0) of the options that start on it."""

    text: str
    more: bool = False
    """Another page follows."""
    options: tuple[int, ...] = ()


class TooLong(ValueError):
    """A screen that must stay whole does not fit on one page, even without its footer."""

    def __init__(self, needed: Cost, budget: Budget) -> None:
        self.cost = needed
        self.budget = budget
        if needed.alphabet == "gsm7":
            size, hint = f"{needed.units} septets, a page holds {budget.septets}", ""
        else:
            size = f"{needed.units} UTF-16 units, a page holds {budget.units}"
            hint = f" Without characters outside of GSM-7 a page holds {budget.septets} septets."
        super().__init__(
            f"ussd: a screen that must stay whole takes {size}. Shorten its text or its labels.{hint}"
        )


def paginate(
    body: str,
    options: Sequence[str],
    footer: Sequence[str],
    *,
    budget: Budget,
    more: str,
    previous: str | None,
    whole: bool = False,
) -> tuple[Page, ...]:
    """Cut a screen into pages, at least one, none over `budget` (septets, or UTF-16 units beside GSM-7 text).

    `options` are numbered lines (`1 Send money`), `footer` navigation lines (`0 Back`) for every page; `more` stands on
    every page but the last, `previous` on every page but the first. Empty lines are left out.

    - Each page is priced in the alphabet it needs, so one `ŋ` halves its own page only.
    - A page ends before an option, else at the end of a line or sentence when that fills three quarters of it and
      makes no page more, else between words; a currency stays with its amount. A word longer than a page is cut,
      between characters as members see them; a character that is itself longer than a page, between its code points.
    - An option is cut only when it does not fit on a page of its own, without footer and `previous`. It then belongs
      to the page it starts on.
    - Navigation takes at most three quarters of a page. Where there is more of it the footer's lines are left out, from
      the last, then `previous`, then `more`, on every page alike. Their keys stay live; the caller keeps lines short.
    - `whole` is for a confirmation: one page, for which footer lines are left out, from the last, when there is no
      room. Raises `TooLong` when body and options alone do not fit.
    """
    every_option = tuple(range(len(options)))
    text = "\n".join(filter(None, (body, *options, *footer)))
    if fits(text, budget):
        return (Page(text, False, every_option),)
    if whole:
        for kept in reversed(range(len(footer))):
            text = "\n".join(filter(None, (body, *options, *footer[:kept])))
            if fits(text, budget):
                return (Page(text, False, every_option),)
        raise TooLong(cost("\n".join(filter(None, (body, *options)))), budget)
    content = _Content(body, options, budget)
    navigation = _Navigation(list(filter(None, footer)), more, previous or "", content)
    cuts = list(_cuts(content, navigation, COMFORT))
    if len(cuts) > 2:
        tight = list(_cuts(content, navigation, 1.0))
        cuts = tight if len(tight) < len(cuts) else cuts
    return tuple(content.page(cut) for cut in cuts)


class _Lines(NamedTuple):
    """Navigation lines below the content, each with the line break before it, and what they take."""

    text: str
    septets: int | None
    units: int

    @classmethod
    def of(cls, lines: Sequence[str]) -> _Lines:
        text = "".join(f"\n{line}" for line in lines)
        return cls(text, septets(text), utf16_units(text))


class _Cut(NamedTuple):
    """A page to be: `text[start:end]` of the content above its lines."""

    start: int
    end: int
    lines: _Lines


class _Content:
    """Body and options as one text, with sums that price any slice of it at once."""

    def __init__(self, body: str, options: Sequence[str], budget: Budget) -> None:
        self.budget = budget
        self.joints: list[int] = []
        """Where a line break stands before an option."""
        self.starts: list[int] = []
        """Where each option starts; an empty one, where the next does."""
        text = body.strip(SPACES)
        for option in options:
            label = option.strip(SPACES)
            if label and text:
                self.joints.append(len(text))
                text += "\n"
            self.starts.append(len(text) if label or not text else len(text) + 1)
            text += label
        self.text = text
        count = septets(text)
        self.outside = [] if count is not None else [i for i, c in enumerate(text) if c not in GSM7]
        self.septets: Sequence[int] = range(len(text) + 1)
        if count != len(text):
            self.septets = [0, *accumulate(2 if c in EXTENSION else 1 for c in text)]
        self.units: Sequence[int] = range(len(text) + 1)
        if not text.isascii() and max(text) > "\uffff":
            self.units = [0, *accumulate(2 if c > "\uffff" else 1 for c in text)]

    def fits(self, start: int, end: int, lines: _Lines) -> bool:
        # White space at the end is left out, and may be all that is not in the alphabet.
        while end > start and self.text[end - 1] in SPACES:
            end -= 1
        if lines.septets is not None and self._first_outside(start) >= end:
            return self.septets[end] - self.septets[start] + lines.septets <= self.budget.septets
        return self.units[end] - self.units[start] + lines.units <= self.budget.units

    def limits(self, start: int, lines: _Lines) -> list[int]:
        """How far a page from `start` can reach, best first: a slice up to the last always fits.

        There are two where few characters outside of the alphabet would fit, but more within it would not.
        """
        in_ucs2 = bisect_right(self.units, self.units[start] + self.budget.units - lines.units) - 1
        if lines.septets is None:
            return [in_ucs2]
        outside = self._first_outside(start)
        room = self.budget.septets - lines.septets
        in_gsm7 = min(bisect_right(self.septets, self.septets[start] + room) - 1, outside)
        if in_ucs2 <= outside:
            return [in_gsm7]
        return [in_ucs2] if in_gsm7 == outside else [in_ucs2, in_gsm7]

    def last_joint(self, limit: int) -> int:
        """The last place up to `limit` that is before an option; -1 when there is none."""
        place = bisect_right(self.joints, limit)
        return self.joints[place - 1] if place else -1

    def next_joint(self, start: int) -> int:
        """The next place after `start` that is before an option, or the end."""
        place = bisect_right(self.joints, start)
        return self.joints[place] if place < len(self.joints) else len(self.text)

    def page(self, cut: _Cut) -> Page:
        start, end, lines = cut
        more = end < len(self.text)
        until = end if more else len(self.text) + 2
        text = self.text[start:end].rstrip(SPACES) + lines.text
        shown = range(bisect_left(self.starts, start), bisect_left(self.starts, until))
        return Page(text if self.text else text[1:], more, tuple(shown))

    def _first_outside(self, start: int) -> int:
        place = bisect_left(self.outside, start)
        return self.outside[place] if place < len(self.outside) else len(self.text)


class _Navigation:
    """The lines of each kind of page, less what would leave the content no room."""

    def __init__(self, footer: list[str], more: str, previous: str, content: _Content) -> None:
        self.footer, self.more, self.previous = footer, more, previous
        while not all(self._leaves_room(lines, content) for lines in self._kinds()):
            if self.footer:
                self.footer.pop()
            elif self.previous:
                self.previous = ""
            else:
                self.more = ""

    def slimmer(self, first: bool, more: bool) -> Iterator[_Lines]:
        """The lines of a page with ever fewer, for an option that would otherwise be cut; `more` is kept."""
        head = [self.more] if more and self.more else []
        previous = [self.previous] if self.previous and not first else []
        for kept in reversed(range(len(self.footer))):
            yield _Lines.of([*head, *previous, *self.footer[:kept]])
        yield _Lines.of(head)

    def _kinds(self) -> Iterator[_Lines]:
        self.by_kind: dict[tuple[bool, bool], _Lines] = {}
        for first in (True, False):
            for more in (True, False):
                moves = (self.more if more else "", "" if first else self.previous)
                lines = self.by_kind[first, more] = _Lines.of([*filter(None, moves), *self.footer])
                yield lines

    @staticmethod
    def _leaves_room(lines: _Lines, content: _Content) -> bool:
        budget = content.budget
        if lines.septets is not None and budget.septets - lines.septets < _least(budget.septets):
            return False
        in_ucs2 = lines.septets is None or content.outside
        return not in_ucs2 or budget.units - lines.units >= _least(budget.units)


def _least(size: int) -> int:
    """What a page of `size` keeps for content: always enough for one character."""
    return max(2, size - int(size * NAVIGATION))


def _cuts(content: _Content, navigation: _Navigation, comfort: float) -> Iterator[_Cut]:
    """The pages from first to last, each as full as its breaks allow."""
    start, first = 0, True
    while True:
        cut = _next_cut(content, navigation, start, first, comfort)
        yield cut
        if cut.end == len(content.text):
            return
        start, first = skip_spaces(content.text, cut.end), False


def _next_cut(content: _Content, navigation: _Navigation, start: int, first: bool, comfort: float) -> _Cut:
    length = len(content.text)
    lines = navigation.by_kind[first, False]
    if content.fits(start, length, lines):
        return _Cut(start, length, lines)
    lines = navigation.by_kind[first, True]
    limits = [min(limit, length - 1) for limit in content.limits(start, lines)]
    for limit in limits:
        joint = content.last_joint(limit)
        if joint > start and content.fits(start, joint, lines):
            return _Cut(start, joint, lines)
    stop = content.next_joint(start)
    if start in content.starts:
        for slim in navigation.slimmer(first, more=stop < length):
            if content.fits(start, stop, slim):
                return _Cut(start, stop, slim)
    next_lines = navigation.by_kind[False, True]
    ends = (_break(content, start, limit, next_lines, comfort) for limit in limits if limit < stop)
    return _Cut(start, next(end for end in ends if content.fits(start, end, lines)), lines)


def _break(content: _Content, start: int, limit: int, next_lines: _Lines, comfort: float) -> int:
    """Where to end a page within running text, after `start` and at most at `limit`."""
    text = content.text
    line = sentence = word = start
    for word in word_breaks(text, start + 1, limit):
        if text[word] == "\n":
            line = word
        elif text[word - 1] in SENTENCE_ENDS:
            sentence = word
    enough = start + comfort * (limit - start)
    for place in (line, sentence):
        if place > start and place >= enough:
            return place
    half = (start + limit) / 2
    if word > start and (word >= half or _word_fits(content, skip_spaces(text, word), next_lines)):
        return word
    return character_break(text, start, limit)


def _word_fits(content: _Content, start: int, lines: _Lines) -> bool:
    """Whether the word at `start` fits on a page of its own."""
    limit = content.limits(start, lines)[0]
    return limit >= len(content.text) or any(word_breaks(content.text, start + 1, limit))
