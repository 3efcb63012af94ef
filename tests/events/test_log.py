"""Log lines: one an event, and a flood of refusals as a few lines and a number."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from kikao.events import LimitHit, LogLines, RequestRefused, SweepDone, TurnCommitted
from kikao.events.repeats import LINES, PER, SAME, Repeats

TURN = TurnCommitted(channel="ussd", gateway="nalo", what="asked")


class Log:
    """Log lines as they were written, and the time they are written at."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.now = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
        self.write = LogLines(self.stream, clock=lambda: self.now)

    def advance(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)

    def lines(self) -> list[dict[str, Any]]:
        """Those since the last look."""
        found = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        self.stream.seek(0)
        self.stream.truncate()
        return found


def refused(
    reason: str = "path token wrong or missing", status: int = 404, gateway: str = "nalo"
) -> RequestRefused:
    return RequestRefused(channel="ussd", gateway=gateway, status=status, reason=reason)


def limited(session: str, kind: Literal["address", "overall"] = "address") -> LimitHit:
    return LimitHit(channel="ussd", gateway="nalo", session=session, kind=kind, retry_after=1.0)


def test_a_line_says_whose_it_is_and_who_wrote_it() -> None:
    stream = io.StringIO()
    LogLines(stream, worker=2, tenant="acme")(TURN)
    line = json.loads(stream.getvalue())
    assert list(line)[1:4] == ["tenant", "worker", "event"]
    assert (line["tenant"], line["worker"]) == ("acme", 2)


def test_every_turn_has_a_line() -> None:
    log = Log()
    for _ in range(1000):
        log.write(TURN)
    assert (
        log.lines()
        == [
            {
                "time": "2026-11-21T12:00:00.000Z",
                "event": "turn.committed",
                "channel": "ussd",
                "gateway": "nalo",
                "what": "asked",
            }
        ]
        * 1000
    )


def test_a_flood_of_refusals_is_a_few_lines_and_a_number() -> None:
    log = Log()
    for _ in range(10_000):
        log.write(refused())
    assert [line["event"] for line in log.lines()] == ["request.refused"] * SAME

    log.advance(PER)
    log.write(TURN)

    assert log.lines()[0] == {
        "time": "2026-11-21T12:01:00.000Z",
        "event": "log.repeated",
        "of": "request.refused",
        "channel": "ussd",
        "gateway": "nalo",
        "which": "404",
        "count": 10_000 - SAME,
        "seconds": PER,
    }


def test_what_one_stranger_does_hides_no_other() -> None:
    log = Log()
    for _ in range(1000):
        log.write(refused("client address 192.0.2.1 is not on the allow-list", 403))
    log.write(refused("client address 203.0.113.9 is not on the allow-list", 403))
    log.write(refused(gateway="africastalking"))
    log.write(refused("field text is missing", 400))
    assert [line["reason"] for line in log.lines()][SAME:] == [
        "client address 203.0.113.9 is not on the allow-list",
        "path token wrong or missing",
        "field text is missing",
    ]


def test_reasons_that_are_all_different_are_a_few_lines_too() -> None:
    log = Log()
    for n in range(1000):
        log.write(refused(f"field x{n} is given twice", 400))
    assert len(log.lines()) == LINES


def test_members_over_the_limit_are_a_few_lines_and_a_number() -> None:
    log = Log()
    for _ in range(100):
        log.write(limited("31bdb55c574e"))
    for n in range(100):
        log.write(limited(f"{n:012x}"))
    log.write(limited("", "overall"))
    shown = log.lines()
    assert len(shown) == LINES + 1
    assert [line["session"] for line in shown[:5]] == ["31bdb55c574e"] * SAME + [f"{n:012x}" for n in (0, 1)]
    log.advance(PER)
    log.write(SweepDone(count=0, seconds=0.0))
    assert [(line["event"], line.get("which"), line["count"]) for line in log.lines()] == [
        ("log.repeated", "address", 200 - LINES),
        ("sweep.done", None, 0),
    ]


def test_the_next_minute_begins_anew() -> None:
    log = Log()
    for _ in range(3):
        for _ in range(SAME):
            log.write(refused())
        log.advance(PER)
    assert [line["event"] for line in log.lines()] == ["request.refused"] * SAME * 3


def test_a_clock_that_was_set_back_does_not_silence_the_log() -> None:
    log = Log()
    for _ in range(100):
        log.write(refused())
    log.advance(-3600)
    log.lines()
    log.write(refused())
    assert [line["event"] for line in log.lines()] == ["log.repeated", "request.refused"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 20)), max_size=300))
def test_every_line_is_shown_or_counted(events: list[tuple[str, str, int]]) -> None:
    repeats: Repeats[str] = Repeats(lines=4, same=2, per=30.0)
    now, shown, hidden = 0.0, 0, 0
    for group, text, pause in events:
        now += pause
        hidden += sum(found.lines for found in repeats.over(now))
        shown += repeats.shows(group, text, now)
    hidden += sum(found.lines for found in repeats.over(now + 30.0))
    assert shown + hidden == len(events)
    assert shown <= 2 * 4 * (now // 30 + 1)
