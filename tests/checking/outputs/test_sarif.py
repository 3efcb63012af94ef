"""The report for code hosts keeps to SARIF 2.1.0: the demands of its clauses that concern what is written here."""

import json
import re
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from kikao.checking.findings import RULES
from kikao.checking.outputs import as_sarif
from kikao.checking.report import Report
from tests.checking.outputs.reports import FINDINGS, report

LEVELS = {"none", "note", "warning", "error"}
PROPERTIES = {
    "log": {"$schema", "version", "runs"},
    "run": {"tool", "invocations", "columnKind", "originalUriBaseIds", "results", "properties"},
    "driver": {"name", "version", "rules"},
    "rule": {"id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration"},
    "result": {
        "ruleId",
        "ruleIndex",
        "level",
        "message",
        "partialFingerprints",
        "locations",
        "properties",
    },
    "invocation": {"executionSuccessful", "toolExecutionNotifications"},
}
"""What an object of this report may have: a subset of what the schema of the standard allows there."""


def log_of(given: Report) -> dict[str, Any]:
    """The log, after all that the standard demands of it (clauses of SARIF 2.1.0 in brackets)."""
    log: dict[str, Any] = json.loads(as_sarif(given))
    assert set(log) <= PROPERTIES["log"]
    assert log["version"] == "2.1.0"  # 3.13.2
    (run,) = log["runs"]
    assert set(run) <= PROPERTIES["run"]
    driver = run["tool"]["driver"]  # 3.18.2
    assert set(driver) <= PROPERTIES["driver"]
    assert driver["name"]  # 3.19.8
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}  # 3.14.17
    rules = driver["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)  # 3.19.23
    for rule in rules:
        assert set(rule) <= PROPERTIES["rule"]
        assert rule["defaultConfiguration"]["level"] in LEVELS  # 3.50.3
        assert re.fullmatch(r"[A-Z]\w+", rule["name"])
        for text in ("shortDescription", "fullDescription", "help"):
            assert rule[text]["text"].endswith(".")  # 3.11.3, 3.11.8
    for invocation in run["invocations"]:
        assert set(invocation) <= PROPERTIES["invocation"]
        assert isinstance(invocation["executionSuccessful"], bool)  # 3.20.14
        for notification in invocation["toolExecutionNotifications"]:
            assert notification["level"] in LEVELS  # 3.58.6
            assert notification["message"]["text"]  # 3.58.5
    for result in run["results"]:
        assert set(result) <= PROPERTIES["result"]
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]  # 3.27.6
        assert result["level"] in LEVELS  # 3.27.10
        assert result["message"]["text"]  # 3.27.11
        assert all(isinstance(value, str) for value in result["partialFingerprints"].values())  # 3.27.17
        for location in result["locations"]:
            place = location["physicalLocation"]
            artifact = place["artifactLocation"]
            parts = urlsplit(artifact["uri"])  # 3.4.3: a valid URI reference
            assert not re.search(r"[\s\\\"<>^`{|}]", artifact["uri"])
            if "uriBaseId" in artifact:  # 3.4.4: then it is relative
                assert not parts.scheme
                assert not parts.path.startswith("/")
                assert artifact["uriBaseId"] in run["originalUriBaseIds"]  # 3.14.14
            else:
                assert parts.scheme == "file"
            if "region" in place:
                assert place["region"]["startLine"] >= 1  # 3.30.5
    return log


def test_a_log_keeps_to_the_standard() -> None:
    (run,) = log_of(report(undone=("not read: x",)))["runs"]

    results = run["results"]
    assert [(each["ruleId"], each["level"]) for each in results] == [
        ("K404", "error"),
        ("K101", "error"),
        ("K205", "error"),
        ("K304", "note"),
    ]
    assert results[0]["message"]["text"] == "reads the clock. Use `await chat.now()`."
    assert results[0]["properties"] == {"flow": "send"}
    assert results[1]["message"]["text"].startswith("too long (in sw). Cut it.")
    assert "A\nBcd" in results[1]["message"]["text"]
    places = [each["locations"][0]["physicalLocation"] for each in results]
    assert [unquote(place["artifactLocation"]["uri"]) for place in places[:3]] == [
        "shop/my flows.py",
        "file:///else/b.py",
        "locales",
    ]
    assert places[0]["region"] == {"startLine": 3}
    assert "region" not in places[2]
    assert places[3]["artifactLocation"]["uri"] == "shop/app.py"
    assert places[3]["region"] == {"startLine": 7}
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(RULES)
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == "not read: x"
    assert run["properties"]["coverage"].startswith("explored 57 of 57")


@pytest.mark.parametrize("explored", [True, False])
def test_a_log_without_results(explored: bool) -> None:
    assert log_of(report([], explored=explored))["runs"][0]["results"] == []


def test_fingerprints_are_different() -> None:
    results = log_of(report([*FINDINGS, FINDINGS[0]]))["runs"][0]["results"]

    assert len({each["partialFingerprints"]["kikaoFinding/v1"] for each in results}) == len(results)
