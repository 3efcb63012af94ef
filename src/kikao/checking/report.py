"""What a check of an app came to, and how one finding is told from another."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from kikao.checking.exploring import Exploration
from kikao.checking.findings import RULES, Finding, Severity

LEVELS: Final[tuple[Severity, ...]] = ("note", "warning", "error")
"""From the least to the worst."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one check. `findings` are sorted by file, line and code."""

    app: str
    """As it was named: `module:app`."""
    place: tuple[str, int]
    """File and line where it is made."""
    findings: list[Finding]
    functions: int
    """Functions of conversations that were read."""
    sentences: int
    """Sentences of the app."""
    languages: tuple[str, ...]
    """Codes of the app's languages, the default first."""
    exploration: Exploration | None = None
    """None where the app was not explored."""
    undone: tuple[str, ...] = ()
    """What could not be looked at, one sentence each."""

    def at_least(self, level: Severity) -> list[Finding]:
        """Findings at or above a level."""
        return [found for found in self.findings if LEVELS.index(severity(found)) >= LEVELS.index(level)]

    @property
    def coverage(self) -> str:
        """How much was explored, in words."""
        if self.exploration is None:
            return "not explored: nothing is known of the screens"
        languages = len(self.languages)
        return (
            f"{self.exploration.coverage} in {counted(len(self.exploration.flows), 'flow')}, "
            f"{counted(self.exploration.screens, 'screen')} in {counted(languages, 'language')}"
        )


def severity(finding: Finding) -> Severity:
    """How bad a finding is."""
    return RULES[finding.code].severity


def counted(count: int, what: str) -> str:
    """`1 screen`, `2 screens`."""
    return f"{count} {what}" + ("" if count == 1 else "s")


def fingerprints(findings: Iterable[Finding]) -> list[str]:
    """For each finding 32 hex digits that stay when lines are put in above it.

    They are made of the rule, the file, the flow, key and language, and the text of the line; the second finding of the
    same is told from the first by its order.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    lines = cache(_lines)
    found = []
    for each in findings:
        there = lines(each.file) if each.file and each.line else ()
        line = there[each.line - 1].strip() if there and each.line <= len(there) else ""
        parts = (each.code, each.file, each.flow, each.key, each.locale, line)
        seen[parts] += 1
        digest = hashlib.sha256("\0".join((*parts, str(seen[parts]))).encode("utf-8", "replace"))
        found.append(digest.hexdigest()[:32])
    return found


def _lines(file: str) -> tuple[str, ...]:
    try:
        return tuple(Path(file).read_text(encoding="utf-8", errors="replace").splitlines())
    except OSError:
        return ()
