"""The report for scripts, as `docs/reference/checks.md` describes it."""

import json
import re
from pathlib import Path

from kikao.checking.outputs import as_json
from tests.checking.outputs.reports import FINDINGS, report

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "checks.md"


def test_every_field_is_documented() -> None:
    shape = json.loads(as_json(report()))
    section = PAGE.read_text(encoding="utf-8").partition("## JSON")[2].partition("## SARIF")[0]

    assert set(shape) == set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    for part in (shape["findings"][0], shape["exploration"]):
        assert {name for name in part if f"`{name}`" not in section} == set()


def test_what_is_in_it() -> None:
    shape = json.loads(as_json(report()))

    assert [each["code"] for each in shape["findings"]] == [each.code for each in FINDINGS]
    assert shape["findings"][0]["hint"] == "Use `await chat.now()`."
    assert shape["findings"][1]["hint"] == "Cut it."
    assert (shape["exploration"]["branches"], shape["exploration"]["reached"]) == (57, 57)
    assert json.loads(as_json(report(explored=False)))["exploration"] is None
