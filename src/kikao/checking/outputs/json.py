"""A report as JSON. `docs/reference/checks.md` describes its shape; `version` changes when a reader would break."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from kikao.checking.findings import RULES, Finding
from kikao.checking.report import Report, fingerprints, severity

VERSION: Final = 1


def as_json(report: Report) -> str:
    """The report, indented, with a line break at its end."""
    found = zip(report.findings, fingerprints(report.findings), strict=True)
    shape = {
        "version": VERSION,
        "app": report.app,
        "languages": report.languages,
        "findings": [_finding(finding, fingerprint) for finding, fingerprint in found],
        "functions": report.functions,
        "sentences": report.sentences,
        "exploration": _exploration(report),
        "undone": report.undone,
    }
    return msgspec.json.format(msgspec.json.encode(shape), indent=2).decode() + "\n"


def _finding(finding: Finding, fingerprint: str) -> dict[str, Any]:
    rule = RULES[finding.code]
    return {
        "code": finding.code,
        "severity": severity(finding),
        "title": rule.title,
        "message": finding.message,
        "hint": finding.hint or rule.cure,
        "file": finding.file,
        "line": finding.line,
        "flow": finding.flow,
        "key": finding.key,
        "locale": finding.locale,
        "screen": finding.screen,
        "fingerprint": fingerprint,
    }


def _exploration(report: Report) -> dict[str, Any] | None:
    explored = report.exploration
    if explored is None:
        return None
    return {
        "branches": explored.coverage.total,
        "reached": explored.coverage.reached,
        "flows": explored.flows,
        "screens": explored.screens,
        "turns": explored.turns,
        "bound": explored.bound,
    }
