"""Counters: every event counted once, and nothing but names from code on a label."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kikao.events import (
    AddressMarketing,
    AddressResumed,
    AddressStopped,
    AnswerRefused,
    AnswerTaken,
    DialogueClosed,
    Event,
    FileFetched,
    FileLost,
    FilesSwept,
    FlowAbandoned,
    FlowFinished,
    FlowStarted,
    LimitHit,
    LiveClosed,
    LiveEnded,
    MiddlewareFailed,
    RecoveryDone,
    RequestRefused,
    ScreenShown,
    SecretUsed,
    StepDone,
    StepRefused,
    StepUnknown,
    StepVoided,
    SweepDone,
    TurnCommitted,
    TurnDuplicated,
)
from kikao.metrics import Counters
from kikao.metrics.counters import SERIES
from kikao.metrics.declared import METRICS
from kikao.metrics.exposition import exposition
from kikao.metrics.snapshot import Snapshot, Value

DOCUMENTED = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"

EVENTS: list[Event] = [
    TurnCommitted(channel="ussd", gateway="nalo", what="asked", ms=0.9),
    TurnCommitted(channel="ussd", gateway="nalo", what="asked", ms=1.0),
    TurnCommitted(channel="ussd", gateway="nalo", what="overdue", ms=3600.0),
    TurnCommitted(channel="ussd", gateway="nalo", what="failed", ms=9000.0),
    TurnDuplicated(channel="ussd", gateway="nalo", ms=0.1),
    DialogueClosed(channel="ussd", gateway="africastalking", how="timeout"),
    RequestRefused(channel="ussd", gateway="nalo", status=404, reason="path token wrong or missing"),
    RequestRefused(channel="ussd", gateway="nalo", status=404, reason="path token wrong or missing"),
    RequestRefused(
        channel="operator", gateway="metrics", status=429, reason="operator token wrong or missing"
    ),
    LimitHit(channel="ussd", gateway="nalo", session="31bdb55c574e", kind="address", retry_after=0.5),
    LimitHit(channel="ussd", gateway="nalo", kind="overall", retry_after=0.5),
    MiddlewareFailed(channel="ussd", gateway="nalo", name="tenants", when="after", error="LookupError"),
    RecoveryDone(session="31bdb55c574e", what="late", flow="send"),
    RecoveryDone(session="", what="failed"),
    AddressStopped(channel="telegram", gateway="bot-api", what="blocked", reason="forbidden"),
    AddressStopped(channel="sms", gateway="nalo", what="stopped"),
    AddressResumed(channel="telegram", gateway="bot-api", was="blocked"),
    AddressMarketing(channel="whatsapp", gateway="cloud-api", what="refused", reason="131050"),
    SweepDone(count=7, seconds=0.25),
    SweepDone(count=5, seconds=0.5),
    FileFetched(channel="whatsapp", gateway="cloud-api", what="image", size=1000, ms=50.0),
    FileLost(channel="whatsapp", gateway="cloud-api", reason="HTTP 503", again=True),
    FileLost(channel="telegram", gateway="bot-api", reason="HTTP 404"),
    FilesSwept(count=3),
    FilesSwept(count=4, error="OSError"),
    LiveClosed(channel="socket", gateway="phoenix", reason="lost", seconds=3.0),
    LiveClosed(channel="socket", gateway="phoenix", reason="idle", seconds=1800.0),
    LiveEnded(
        channel="socket",
        gateway="phoenix",
        live="31bdb55c574e",
        reason="idle",
        seconds=1803.0,
        sockets=2,
        events=4,
        sent=9,
    ),
]


async def shown(counters: Counters) -> str:
    snapshot = Snapshot()
    counters.into(snapshot)
    return (await exposition(snapshot)).decode()


async def scraped(counters: Counters) -> dict[str, float]:
    """The samples of kikao's own, as a monitoring system reads them."""
    text = await shown(counters)
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
    assert found.pop("kikao_live_session_seconds_sum reason=idle") == 1803
    assert found["kikao_live_session_seconds_bucket le=1800.0 reason=idle"] == 0
    assert found["kikao_live_session_seconds_bucket le=3600.0 reason=idle"] == 1
    assert {name: value for name, value in found.items() if "_seconds_" not in name or "sweep" in name} == {
        "kikao_inbounds_total channel=ussd gateway=nalo what=asked": 2,
        "kikao_inbounds_total channel=ussd gateway=nalo what=overdue": 1,
        "kikao_inbounds_total channel=ussd gateway=nalo what=failed": 1,
        "kikao_inbounds_total channel=ussd gateway=nalo what=duplicate": 1,
        "kikao_inbounds_total channel=ussd gateway=africastalking what=closed": 1,
        "kikao_requests_refused_total channel=ussd gateway=nalo status=404": 2,
        "kikao_requests_refused_total channel=operator gateway=metrics status=429": 1,
        "kikao_limited_total channel=ussd gateway=nalo kind=address": 1,
        "kikao_limited_total channel=ussd gateway=nalo kind=overall": 1,
        "kikao_middleware_failures_total name=tenants when=after": 1,
        "kikao_addresses_total channel=telegram gateway=bot-api what=blocked": 1,
        "kikao_addresses_total channel=telegram gateway=bot-api what=resumed": 1,
        "kikao_addresses_total channel=sms gateway=nalo what=stopped": 1,
        "kikao_addresses_total channel=whatsapp gateway=cloud-api what=marketing_refused": 1,
        "kikao_recoveries_total what=late": 1,
        "kikao_recoveries_total what=failed": 1,
        "kikao_sweeps_total": 2,
        "kikao_sessions_swept_total": 12,
        "kikao_sweep_seconds_total": 0.75,
        "kikao_files_total channel=whatsapp gateway=cloud-api what=fetched": 1,
        "kikao_files_total channel=whatsapp gateway=cloud-api what=delayed": 1,
        "kikao_files_total channel=telegram gateway=bot-api what=lost": 1,
        "kikao_files_swept_total": 7,
        "kikao_live_closed_total reason=lost": 1,
        "kikao_live_closed_total reason=idle": 1,
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


async def test_where_members_are_and_where_they_leave() -> None:
    counters = Counters()
    for event in (
        FlowStarted(flow="send"),
        ScreenShown(
            gateway="nalo", flow="send", at="pay/amount#1", kind="question", pages=3, units=9, alphabet="gsm7"
        ),
        ScreenShown(
            gateway="nalo",
            flow="send",
            at="pay/amount#1",
            kind="question",
            page=2,
            pages=3,
            units=9,
            alphabet="gsm7",
        ),
        AnswerRefused(flow="send", at="pay/amount#1", tries=1),
        ScreenShown(
            gateway="nalo", flow="send", at="pay/amount#1", kind="question", units=9, alphabet="gsm7"
        ),
        AnswerTaken(flow="send", at="pay/amount#1"),
        ScreenShown(
            gateway="nalo", flow="send", at="pay#2/amount#2", kind="question", units=9, alphabet="gsm7"
        ),
        AnswerTaken(flow="send", at="pay#2/amount#2"),
        SecretUsed(flow="send", at="pin#1", what="refused", code="locked"),
        SecretUsed(flow="send", at="pin#1", what="done"),
        StepDone(flow="send", at="pin#1", kind="secret", source="turn"),
        StepRefused(flow="send", at="pin#1", kind="secret", source="late", code="locked"),
        StepUnknown(flow="send", at="pin#1", kind="secret", source="turn"),
        StepVoided(flow="send", at="pin#1", kind="secret", source="recovery"),
        FlowAbandoned(flow="send", at="ok#1", what="cancel"),
        FlowFinished(flow="send", what="refused"),
        ScreenShown(gateway="nalo", flow="send", kind="end", units=9, alphabet="gsm7"),
    ):
        assert type(event) in counters.listens_to
        counters(event)
    found = {
        name: value for name, value in (await scraped(counters)).items() if "flow=" in name or "pages" in name
    }
    assert {name: value for name, value in found.items() if "bucket" not in name} == {
        "kikao_flows_started_total flow=send": 1,
        "kikao_flows_finished_total flow=send what=refused": 1,
        "kikao_flows_abandoned_total flow=send question=ok what=cancel": 1,
        "kikao_questions_shown_total flow=send question=pay/amount": 3,
        "kikao_questions_answered_total flow=send question=pay/amount": 2,
        "kikao_questions_answered_total flow=send question=pin": 1,
        "kikao_answers_refused_total flow=send question=pay/amount": 1,
        **{
            f"kikao_steps_total flow=send step=pin what={w}": 1
            for w in ("done", "refused", "unknown", "voided")
        },
        "kikao_screen_pages_count gateway=nalo": 4,
        "kikao_screen_pages_sum gateway=nalo": 6,
    }
    assert found["kikao_screen_pages_bucket gateway=nalo le=2.0"] == 3


async def test_names_without_end_are_counted_together_and_that_is_told() -> None:
    counters = Counters()
    for n in range(SERIES + 5):
        counters(AnswerRefused(flow="send", at=f"made{n}#1"))
    found = await scraped(counters)
    assert sum("kikao_answers_refused_total flow" in name for name in found) == SERIES + 1
    assert found["kikao_answers_refused_total flow=send question=other"] == 5
    assert found["kikao_metrics_unnamed_total metric=kikao_answers_refused_total"] == 5


async def test_it_counts_on_from_scrape_to_scrape(counters: Counters) -> None:
    before = await scraped(counters)
    for event in EVENTS:
        counters(event)
    assert await scraped(counters) == {name: 2 * value for name, value in before.items()}


async def test_nothing_of_a_member_or_a_stranger_is_in_it(counters: Counters) -> None:
    text = await shown(counters)
    assert not [word for word in ("31bdb55c574e", "token wrong", "send") if word in text]


async def test_the_process_is_in_it_where_the_system_tells(counters: Counters) -> None:
    text = await shown(counters)
    assert ("process_cpu_seconds_total" in text) == Path("/proc/self/stat").exists()


def test_every_metric_is_documented() -> None:
    """Generate the table anew with `python -m tests.metrics.test_counters`."""
    assert table() in DOCUMENTED.read_text(encoding="utf-8")


def table() -> str:
    """The metrics as a Markdown table: made of their declarations."""
    lines = ["| name | kind | labels | |", "|---|---|---|---|"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        what = f"{metric.text[0].lower()}{metric.text[1:]}" + (f": {metric.more}" if metric.more else "")
        lines.append(f"| `{metric.shown}` | {metric.kind} | {labels} | {what} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    page = DOCUMENTED.read_text(encoding="utf-8")
    DOCUMENTED.write_text(
        re.sub(r"(?m)^\| name \|[^\n]*\n(\|[^\n]*\n)+", lambda _: table(), page, count=1), encoding="utf-8"
    )


async def test_turns_do_not_wait_while_many_numbers_are_written() -> None:
    class Watched(dict[str, list[Value]]):
        readers: ClassVar[set[int]] = set()

        def get(self, *args: Any) -> Any:
            self.readers.add(threading.get_ident())
            return super().get(*args)

    await exposition(Snapshot(counters=Watched()))
    assert Watched.readers
    assert threading.get_ident() not in Watched.readers
