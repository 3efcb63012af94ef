"""Fingerprints stay when lines move; levels; the figure at the end."""

from pathlib import Path

import pytest

from kikao.checking.findings import Finding
from kikao.checking.report import LEVELS, counted, fingerprints
from tests.checking.outputs.reports import report


def found(line: int, code: str = "K404") -> Finding:
    return Finding(code=code, message=f"at {line}", file="shop.py", line=line, flow="send")


def test_fingerprints_stay_when_lines_are_put_in_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "shop.py"
    path.write_text("a()\nnow()\nnow()\n")
    before = fingerprints([found(1), found(2), found(3), found(3, "K405")])
    path.write_text("import x\n\na()\n    now()\nnow()\n")

    assert fingerprints([found(3), found(4), found(5), found(5, "K405")]) == before
    assert len(set(before)) == 4
    path.write_text("b()\nnow()\nnow()\n")
    assert fingerprints([found(1)]) != before[:1]


def test_a_finding_without_a_file_has_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert len(set(fingerprints([Finding(code="K304", message=""), found(1), found(0)]))) == 2 + 1


def test_levels() -> None:
    assert [len(report().at_least(level)) for level in LEVELS] == [4, 3, 3]


def test_counts() -> None:
    assert (counted(0, "flow"), counted(1, "flow"), counted(2, "flow")) == ("0 flows", "1 flow", "2 flows")
