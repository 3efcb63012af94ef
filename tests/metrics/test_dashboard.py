"""The dashboard and the alarms ask for nothing but what there is: each metric, label and value is looked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kikao import App
from kikao.metrics.declared import METRICS
from kikao.testing import Stage
from tests.testing.shop import PIN, MemoryTill, Till, flows_of

DOCS = Path(__file__).parents[2] / "docs"
DASHBOARD = DOCS / "how-to" / "code" / "grafana.json"
GUIDE = DOCS / "how-to" / "watch-it.md"

METRIC = re.compile(r"\b(?:kikao|process)_\w+")
SELECTOR = re.compile(r"((?:kikao|process)_\w+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!=|=|!~)\s*"([^"]*)"')
GROUPED = re.compile(r"by \(([^)]*)\)")
LEGEND = re.compile(r"\{\{(\w+)\}\}")


def panels() -> Iterator[dict[str, Any]]:
    yield from json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]


def queries() -> list[tuple[str, str]]:
    """Each query of the dashboard, with its legend."""
    return [(t["expr"], t["legendFormat"]) for panel in panels() for t in panel.get("targets", ())]


def alarms() -> list[str]:
    rows = re.findall(r"^\| [^|]+ \| `(.*?)`.* \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    return [row.replace("\\|", "|") for row in rows if METRIC.search(row)]


@pytest.fixture
async def shown() -> dict[str, set[str]]:
    """Every sample's name, with its labels, after a conversation; those of metrics without a sample as declared."""
    app = App(flows_of(), entry="buy", members=False, services={Till: MemoryTill()})
    async with Stage(app) as stage:
        phone = stage.phone()
        await phone.dial()
        await phone.reply("x", "3", PIN)
        text = (await stage.server.monitor.exposition()).decode()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    for metric in METRICS:
        assert f"# TYPE {metric.shown} {metric.kind}" in text
        labels = set(metric.labels)
        names = [metric.shown]
        if metric.kind == "histogram":
            names = [f"{metric.name}_{suffix}" for suffix in ("bucket", "sum", "count")]
        for name in names:
            expected = labels | {"le"} if name.endswith("_bucket") else labels
            assert found.setdefault(name, expected) == expected
    return found


def strangers(query: str, legend: str, shown: dict[str, set[str]]) -> list[str]:
    """What a query names that there is not."""
    names = METRIC.findall(query)
    wrong = [name for name in names if name not in shown]
    for name, matchers in SELECTOR.findall(query):
        wrong += [
            f"{name}{{{label}}}" for label, _ in MATCHER.findall(matchers) if label not in shown.get(name, ())
        ]
    common = set.intersection(*(shown.get(name, set()) for name in names)) if names else set()
    grouped = {label.strip() for labels in GROUPED.findall(query) for label in labels.split(",")}
    wrong += [f"by ({label})" for label in grouped if label not in common]
    left = grouped or common
    wrong += [f"{{{{{label}}}}}" for label in LEGEND.findall(legend) if label not in left]
    return wrong


def test_the_dashboard_is_one() -> None:
    found = list(panels())
    assert len({panel["id"] for panel in found}) == len(found)
    for panel in found:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
    cells = [
        (x, y)
        for panel in found
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)  # no two panels lie over each other
    for panel in found:
        if panel["type"] != "row":
            assert panel["targets"], panel["title"]


async def test_every_query_of_the_dashboard_names_what_there_is(shown: dict[str, set[str]]) -> None:
    assert {query: wrong for query, legend in queries() if (wrong := strangers(query, legend, shown))} == {}


async def test_every_alarm_names_what_there_is(shown: dict[str, set[str]]) -> None:
    assert len(alarms()) == 12
    assert {query: wrong for query in alarms() if (wrong := strangers(query, "", shown))} == {}


def test_every_metric_has_a_place_on_the_dashboard() -> None:
    asked = {name for query, _ in queries() for name in METRIC.findall(query)}
    missing = [m.name for m in METRICS if not any(name.startswith(m.name) for name in asked)]
    assert missing == []


def test_every_word_that_a_query_looks_for_is_one() -> None:
    from kikao.events.types import What

    words = {*What.__args__, "unavailable", "older_code", "busy", "stale", "answered", "duplicate", "closed"}  # type: ignore[attr-defined]
    for query in [*(query for query, _ in queries()), *alarms()]:
        for label, value in MATCHER.findall(query):
            if label == "what" and "kikao_inbounds" in query:
                assert set(value.split("|")) <= words, query


def test_a_stranger_is_found() -> None:
    shown = {"kikao_a_total": {"flow"}, "kikao_b_bucket": {"le", "call"}}
    assert strangers("sum by (flow) (rate(kikao_a_total[5m]))", "{{flow}}", shown) == []
    assert strangers("rate(kikao_c_total[5m])", "", shown) == ["kikao_c_total"]
    assert strangers('rate(kikao_a_total{gateway="x"}[5m])', "", shown) == ["kikao_a_total{gateway}"]
    assert strangers("sum by (le, phase) (kikao_b_bucket)", "", shown) == ["by (phase)"]
    assert strangers("sum by (le) (kikao_b_bucket)", "{{call}}", shown) == ["{{call}}"]
