"""Counters: every event counted once, and nothing but names from code on a label."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kikao.events import (
    Counters,
    DialogueClosed,
    Event,
    LimitHit,
    RecoveryDone,
    RequestRefused,
    SweepDone,
    TurnCommitted,
    TurnDuplicated,
)

DOCUMENTED = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"

EVENTS: list[Event] = [
    TurnCommitted(channel="ussd", gateway="nalo", what="asked", ms=0.9),
    TurnCommitted(channel="ussd", gateway="nalo", what="asked", ms=1.0),
    TurnCommitted(channel="ussd", gateway="nalo", what="overdue", ms=3600.0),
    TurnCommitted(channel="ussd", gateway="nalo", what="failed", ms=9000.0),
    TurnDuplicated(channel="ussd", gateway="nalo", ms=0.1),
    DialogueClosed(channel="ussd", gateway="africastalking"),
    RequestRefused(channel="ussd", gateway="nalo", status=404, reason="path token wrong or missing"),
    RequestRefused(channel="ussd", gateway="nalo", status=404, reason="path token wrong or missing"),
    RequestRefused(
        channel="operator", gateway="metrics", status=429, reason="operator token wrong or missing"
    ),
    LimitHit(channel="ussd", gateway="nalo", session="31bdb55c574e", kind="address", retry_after=0.5),
    LimitHit(channel="ussd", gateway="nalo", kind="overall", retry_after=0.5),
    RecoveryDone(session="31bdb55c574e", what="late", flow="send"),
    RecoveryDone(session="", what="failed"),
    SweepDone(count=7, seconds=0.25),
    SweepDone(count=5, seconds=0.5),
]


async def scraped(counters: Counters) -> dict[str, float]:
    """The samples of kikao's own, as a monitoring system reads them."""
    text = (await counters.exposition()).decode()
    return {
        sample.name
        + "".join(f" {label}={value}" for label, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("kikao_")
    }


@pytest.fixture
def counters() -> Counters:
    found = Counters()
    for event in EVENTS:
        found(event)
    return found


async def test_every_event_is_counted(counters: Counters) -> None:
    found = await scraped(counters)
    assert {name: value for name, value in found.items() if "turn_seconds" not in name} == {
        "kikao_inbounds_total channel=ussd gateway=nalo what=asked": 2,
        "kikao_inbounds_total channel=ussd gateway=nalo what=overdue": 1,
        "kikao_inbounds_total channel=ussd gateway=nalo what=failed": 1,
        "kikao_inbounds_total channel=ussd gateway=nalo what=duplicate": 1,
        "kikao_inbounds_total channel=ussd gateway=africastalking what=closed": 1,
        "kikao_requests_refused_total channel=ussd gateway=nalo status=404": 2,
        "kikao_requests_refused_total channel=operator gateway=metrics status=429": 1,
        "kikao_limited_total channel=ussd gateway=nalo kind=address": 1,
        "kikao_limited_total channel=ussd gateway=nalo kind=overall": 1,
        "kikao_recoveries_total what=late": 1,
        "kikao_recoveries_total what=failed": 1,
        "kikao_sweeps_total": 2,
        "kikao_sessions_swept_total": 12,
        "kikao_sweep_seconds_total": 0.75,
    }


async def test_turns_are_timed_and_redeliveries_are_not(counters: Counters) -> None:
    found = await scraped(counters)
    where = "channel=ussd gateway=nalo"
    assert found[f"kikao_turn_seconds_count {where}"] == 4
    assert found[f"kikao_turn_seconds_sum {where}"] == pytest.approx(12.6019)
    by_bound = {
        bound: found[f"kikao_turn_seconds_bucket {where} le={bound}"]
        for bound in ("0.001", "2.0", "4.0", "+Inf")
    }
    assert by_bound == {"0.001": 2, "2.0": 2, "4.0": 3, "+Inf": 4}
    assert not any("turn_seconds" in name and "africastalking" in name for name in found)


async def test_it_counts_on_from_scrape_to_scrape(counters: Counters) -> None:
    before = await scraped(counters)
    for event in EVENTS:
        counters(event)
    assert await scraped(counters) == {name: 2 * value for name, value in before.items()}


async def test_nothing_of_a_member_or_a_stranger_is_in_it(counters: Counters) -> None:
    text = (await counters.exposition()).decode()
    assert not [word for word in ("31bdb55c574e", "token wrong", "send") if word in text]


async def test_the_process_is_in_it_where_the_system_tells(counters: Counters) -> None:
    text = (await counters.exposition()).decode()
    assert ("process_cpu_seconds_total" in text) == Path("/proc/self/stat").exists()


async def test_every_metric_is_documented(counters: Counters) -> None:
    text = (await counters.exposition()).decode()
    names = set(re.findall(r"^# TYPE (kikao_\w+)", text, re.MULTILINE))
    assert set(re.findall(r"^\| `(kikao_\w+)`", DOCUMENTED.read_text(), re.MULTILINE)) == names
