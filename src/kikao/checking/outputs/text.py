"""A report for people: where, what, the screen as a phone shows it, what to do; at the end how much was looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kikao.checking.findings import RULES, Finding
from kikao.checking.report import LEVELS, Report, counted, severity
from kikao.testing.differences import boxed


def as_text(report: Report) -> str:
    """The report, with a line break at its end."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    for finding in report.findings:
        yield from told(finding)
        yield ""
    counts = Counter(map(severity, report.findings))
    worst_first = [counted(counts[level], level) for level in reversed(LEVELS) if counts[level]]
    yield f"{report.app}: {', '.join(worst_first) or 'nothing found'}"
    languages = ", ".join(report.languages)
    yield f"read {counted(report.functions, 'function')}, {counted(report.sentences, 'sentence')} in {languages}"
    yield report.coverage
    if report.exploration is not None and report.exploration.bound:
        yield f"exploring ended: {report.exploration.bound}"
    yield from report.undone


def told(finding: Finding) -> Iterator[str]:
    """The lines of one finding."""
    rule = RULES[finding.code]
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    yield f"{place + ': ' if place else ''}{finding.code} {rule.severity}: {finding.message}"
    about = [("flow", finding.flow), ("key", finding.key), ("language", finding.locale)]
    if any(value for _, value in about):
        yield "    " + ", ".join(f"{name} {value}" for name, value in about if value)
    if finding.screen:
        yield from (f"    {line}" for line in boxed(finding.screen.splitlines()))
    yield f"    {finding.hint or rule.cure}"
