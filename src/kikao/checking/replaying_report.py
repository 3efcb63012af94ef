"""What many replays came to: counted by flow, question and reason, the worst first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from kikao.checking.replaying import VERDICTS, Outcome, Verdict

PLURAL: Final[dict[Verdict, str]] = {
    "fails": "fail",
    "parked": "parked",
    "ends": "end",
    "left alone": "left alone",
    "unknown": "unknown",
    "asked again": "asked again",
    "goes on": "go on",
}


class Group(msgspec.Struct):
    """Runs that come to the same in the same place for the same reason."""

    outcome: Outcome
    count: int = 0
    dropped: int = 0
    """The most answers that one of them loses."""
    examples: list[str] = []
    """The beginnings of session keys, as `kikao sessions show` takes them."""


class Report:
    """Counts outcomes; holds at most `examples` names for each group, and no conversation."""

    def __init__(self, *, examples: int = 3) -> None:
        self.sessions = 0
        """Looked at."""
        self.idle = 0
        """Those in which nothing is open, or that have expired."""
        self.sealed: dict[str, int] = {}
        """Those that could not be opened, by reason."""
        self.verdicts: dict[Verdict, int] = dict.fromkeys(VERDICTS, 0)
        self._examples = examples
        self._groups: dict[Outcome, Group] = {}

    @property
    def runs(self) -> int:
        """Replayed."""
        return sum(self.verdicts.values())

    def add(self, outcome: Outcome, name: str) -> None:
        """Count one."""
        self.verdicts[outcome.verdict] += 1
        alike = msgspec.structs.replace(outcome, dropped=0)
        group = self._groups.get(alike)
        if group is None:
            group = self._groups[alike] = Group(alike)
        group.count += 1
        group.dropped = max(group.dropped, outcome.dropped)
        if len(group.examples) < self._examples:
            group.examples.append(name)

    def groups(self) -> list[Group]:
        """The worst first, among equals the largest."""

        def order(group: Group) -> tuple[Any, ...]:
            outcome = group.outcome
            return (
                VERDICTS.index(outcome.verdict),
                -group.count,
                outcome.flow,
                outcome.at,
                outcome.reason,
            )

        return sorted(self._groups.values(), key=order)

    def summary(self) -> str:
        """One line: `3 go on, 1 asked again`."""
        counts = [
            f"{count:,} {verdict if count == 1 else PLURAL[verdict]}"
            for verdict, count in reversed(self.verdicts.items())
            if count
        ]
        nothing = "what is in flight cannot be opened" if self.sealed else "no conversation is in flight"
        return ", ".join(counts) or nothing

    def lines(self) -> list[str]:
        """The whole report for a human."""
        lines = self.lines_of(self.groups())
        for problem, count in self.sealed.items():
            lines.append(f"{'cannot be opened':<16} {count:>7,}  {problem}")
        looked = f"{self.runs:,} replayed of {self.sessions:,} sessions ({self.idle:,} with nothing open)"
        return [*lines, "", f"{looked}: {self.summary()}"] if lines else [f"{looked}: {self.summary()}"]

    def lines_of(self, groups: Iterable[Group]) -> list[str]:
        """The lines of some groups."""
        return [line for group in groups for line in _lines(group)]

    def plain(self) -> dict[str, Any]:
        """The whole report as plain data."""
        return {
            "sessions": self.sessions,
            "idle": self.idle,
            "sealed": self.sealed,
            "replayed": self.runs,
            "verdicts": {verdict: count for verdict, count in self.verdicts.items() if count},
            "groups": [msgspec.to_builtins(group) for group in self.groups()],
        }


class Allowed(msgspec.Struct, frozen=True):
    """How many may come to something: a number, or a share of all that were replayed."""

    number: float
    percent: bool = False

    @classmethod
    def of(cls, text: str) -> Allowed:
        """`10` or `0.5%`. Raises `ValueError`."""
        if not _ALLOWED(text):
            raise ValueError(f"{text!r} is neither a number like 10 nor a share like 0.5%")
        return cls(float(text.removesuffix("%")), text.endswith("%"))

    def covers(self, count: int, of: int) -> bool:
        """Whether so many of so many are allowed."""
        return count <= (self.number * of / 100 if self.percent else self.number)


def passes(report: Report, *, asked: Allowed, unknown: Allowed, parked: Allowed) -> bool:
    """Whether a deploy may go ahead. `parked` covers conversations that end, too; nothing covers code that fails."""
    counts, of = report.verdicts, report.runs
    return (
        not report.sealed
        and not counts["fails"]
        and not counts["left alone"]
        and asked.covers(counts["asked again"], of)
        and unknown.covers(counts["unknown"], of)
        and parked.covers(counts["parked"] + counts["ends"], of)
    )


def _lines(group: Group) -> list[str]:
    outcome = group.outcome
    where = f"{outcome.flow}: {outcome.at}" if outcome.at else outcome.flow
    standing = "" if outcome.standing == "question" else f" ({outcome.standing})"
    lines = [
        f"{outcome.verdict:<12} {group.count:>11,}  {where}{standing}{', parked before' * outcome.parked}"
    ]
    if outcome.verdict == "goes on":
        return lines
    if outcome.reason:
        lines.append(outcome.reason)
    if outcome.comes_to:
        lines.append(f"comes to {outcome.comes_to}")
    if outcome.reads:
        lines.append("reads: " + " / ".join(sentence.replace("\n", " ") for sentence in outcome.reads))
    if group.dropped:
        lines.append(f"forgets {group.dropped} answer{'s' * (group.dropped > 1)}")
    if group.examples:
        lines.append("such as " + ", ".join(group.examples))
    return [lines[0], *(f"{'':<26}{line}" for line in lines[1:])]


_ALLOWED: Final = re.compile(r"\d{1,9}(\.\d{1,6})?%?").fullmatch
