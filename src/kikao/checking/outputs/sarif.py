"""A report in the Static Analysis Results Interchange Format, which code hosts show beside the lines of a change.

Source: SARIF 2.1.0, OASIS Standard, 27 March 2020. Paths are relative to the folder where the check ran.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec

from kikao.checking.findings import RULES, Finding, Rule
from kikao.checking.report import Report, fingerprints, severity

ROOT: Final = "%SRCROOT%"
FINGERPRINT: Final = "kikaoFinding/v1"

CODES: Final = list(RULES)


def as_sarif(report: Report) -> str:
    """The report, indented, with a line break at its end."""
    found = zip(report.findings, fingerprints(report.findings), strict=True)
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "kikao",
                "version": version("kikao"),
                "rules": [_rule(rule) for rule in RULES.values()],
            }
        },
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {"level": "warning", "message": {"text": text}} for text in report.undone
                ],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder where `kikao check` ran."}}},
        "results": [_result(report, finding, fingerprint) for finding, fingerprint in found],
        "properties": {"app": report.app, "coverage": report.coverage},
    }
    log = {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.title.replace("-", " ").split() if word.isalnum()),
        "shortDescription": {"text": f"{rule.title[0].upper()}{rule.title[1:]}."},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why} {rule.cure}"},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(report: Report, finding: Finding, fingerprint: str) -> dict[str, Any]:
    rule = RULES[finding.code]
    message = f"{finding.message} (in {finding.locale})" if finding.locale else finding.message
    text = [f"{message}.".replace("..", "."), finding.hint or rule.cure]
    if finding.screen:
        text.append(f"\n\n{finding.screen}")
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": CODES.index(finding.code),
        "level": severity(finding),
        "message": {"text": " ".join(text)},
        "partialFingerprints": {FINGERPRINT: fingerprint},
    }
    # A code host refuses a result without a place; what has none is about the app.
    file, line = (finding.file, finding.line) if finding.file else report.place
    place: dict[str, Any] = {"artifactLocation": _artifact(file)}
    if line:
        place["region"] = {"startLine": line}
    result["locations"] = [{"physicalLocation": place}]
    about = {name: getattr(finding, name) for name in ("flow", "key", "locale") if getattr(finding, name)}
    return {**result, "properties": about} if about else result


def _artifact(file: str) -> dict[str, str]:
    path = Path(file)
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": quote(path.as_posix()), "uriBaseId": ROOT}
