"""Sessions as lines for a terminal. Times are UTC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Final

from kikao.sessions.views import Detail, Explanation, Line, Observed, OpenIntent, Rules, RunView

_EVER: Final = "for ever"
_COLUMNS: Final = "{:<12}  {:<21}  {:<15}  {:<19}  {:<19}  {:<11}  {:>4}  {:>4}  {:<8}  {:<32}  {}"
HEAD: Final = _COLUMNS.format(
    "KEY",
    "WHERE",
    "ADDRESS",
    "BEGAN UTC",
    "SEEN UTC",
    "EXPIRES",
    "VERS",
    "OPEN",
    "SEALED",
    "SESSION",
    "FLOW AT",
)


def of_line(line: Line, now: float) -> str:
    """A session in one line."""
    if line.problem:
        blank = [""] * 5
        return _COLUMNS.format(line.key, *blank, line.version, "", line.kid, "", line.problem).rstrip()
    flow = f"{line.flow} {line.at}".strip()
    if line.anchor:
        flow = f"linked to {line.anchor}"
    return _COLUMNS.format(
        line.key,
        f"{line.channel}/{line.gateway}".rstrip("/"),
        line.address,
        _time(line.created_at),
        _time(line.seen_at),
        _expires(line, now),
        line.version,
        line.open,
        line.kid,
        line.id,
        flow,
    ).rstrip()


def of_detail(detail: Detail, now: float) -> Iterator[str]:
    """A session in many lines."""
    line = detail.line
    yield from _fact("key", line.key)
    if detail.through:
        yield from _fact("led here", " > ".join(detail.through))
    sizes = f"state {detail.state_size} octets, address {detail.address_size}"
    yield from _fact("record", f"version {line.version}, fence {detail.fence}, {sizes}")
    kids = (
        line.kid if line.kid == detail.address_kid else f"{line.kid}, its address under {detail.address_kid}"
    )
    yield from _fact("sealed", f"under {kids}")
    yield from _fact("kept", f"until {moment(line.kept_until)} or the next sweep after it")
    if detail.at_work:
        yield from _fact("at work", "a turn holds it just now")
    if line.problem:
        yield from _fact("problem", line.problem)
        return
    yield from _fact("session", line.id)
    yield from _fact("member", line.member or "not known yet")
    yield from _fact("address", f"{line.channel}/{line.gateway} {line.address}")
    yield from _fact("made of", " | ".join(detail.parts))
    if line.anchor:
        yield from _fact("linked", f"its dealings are kept under {line.anchor}")
        return
    yield from _fact("language", detail.locale)
    # One that was ended begins anew when that happens.
    yield from _fact("began", moment(min(line.created_at, line.seen_at)))
    yield from _fact("seen", moment(line.seen_at))
    yield from _fact("expires", _expires(line, now))
    if detail.rules is not None:
        yield from _rules(detail.rules)
    if line.waiting:
        yield from _fact("waiting", "an effect is open, or an outcome waits to be told")
    if detail.over:
        yield from _fact("over", "it was ended: the next message begins a new one")
    if detail.typed:
        yield from _fact("typed", f"{detail.typed} characters in this dialogue")
    if detail.overlay:
        yield from _fact("asks", f"kikao's own question: {detail.overlay}")
    if detail.farewell:
        yield from _fact("farewell", "a last screen of several pages is being read")
    if detail.notices:
        yield from _fact("notices", f"{detail.notices} about runs that were left")
    yield from _observed("data", detail.data)
    for run in detail.runs:
        yield ""
        yield from _run(run, now)


def of_explanation(explanation: Explanation, now: float) -> Iterator[str]:
    """How a key came about."""
    for rule, gave in explanation.rules:
        yield f"{rule:<18} {gave}"
    if explanation.rules:
        yield ""
    if explanation.parts:
        yield from _fact("parts", " | ".join(explanation.parts))
    if explanation.changed:
        yield from _fact("changed", "stored under these parts; by today's policy the key would be another")
    if explanation.key:
        yield from _fact("key", explanation.key)
    if explanation.through:
        yield from _fact("linked", " > ".join(explanation.through))
    if explanation.key:
        yield from _fact("stored", f"session {explanation.id}" if explanation.id else "nothing")
    if explanation.problem:
        yield from _fact("problem", explanation.problem)
    if explanation.policy is not None:
        yield from _rules(explanation.policy)


def moment(seconds: float) -> str:
    """A time, to the second."""
    time = _time(seconds)
    return time if time == _EVER else f"{time} UTC"


def _time(seconds: float) -> str:
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):  # anchors are kept beyond all calendars
        return _EVER


def span(seconds: float) -> str:
    """A length of time in its two largest units: `4m 10s`, `7d`."""
    left, found = round(seconds), []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count:
            found.append(f"{count}{unit}")
    return " ".join(found[:2]) or "0s"


def _expires(line: Line, now: float) -> str:
    if line.anchor:
        return "never"
    if line.expired:
        return "waiting" if line.waiting else "expired"
    if line.expires_at is None:  # only the record is known here
        return f"kept {span(line.kept_until - now)}"
    return span(line.expires_at - now)


def _rules(rules: Rules) -> Iterator[str]:
    apart = ", ".join(rules.boundaries) or "nothing"
    yield from _fact("policy", f"of {rules.channel}: apart by {apart}; identifier {rules.identifier}")
    idle = f"idle {span(rules.idle)}"
    if rules.idle_until:
        idle += f" (until {moment(rules.idle_until)})"
    absolute = "no absolute time"
    if rules.absolute is not None:
        absolute = f"absolute {span(rules.absolute)}"
        if rules.absolute_until is not None:
            absolute += f" (until {moment(rules.absolute_until)})"
    yield from _fact("times", f"{idle}, {absolute}, outcomes wait {span(rules.outcome)}")
    redial = f"goes on within {span(rules.reconnection)}, is offered to within {span(rules.resume)}"
    yield from _fact("dials", f"a new dialogue {redial}; opened by a {rules.opens}")


def _run(run: RunView, now: float) -> Iterator[str]:
    state = "parked" if run.parked else "broke in its last turn" if run.failed else "goes on"
    yield from _fact("run", f"{run.id}  flow {run.flow}, release {run.release}, {state}")
    if run.question:
        secret = ", a secret" if run.secret else ""
        wrong = f", {run.invalid} invalid answers" if run.invalid else ""
        yield from _fact("  asks", f"{run.question} ({run.accepts}{secret}{wrong})")
    if run.notices:
        yield from _fact("  notices", f"{run.notices} wait to be told")
    if run.refused or run.epoch:
        yield from _fact("  counts", f"{run.refused} refused effects, journal cut {run.epoch} times")
    yield from _observed("  arguments", run.arguments)
    for intent in run.intents:
        yield from _fact("  intent", _intent(intent, now))
    yield from _fact("  journal", f"{len(run.journal)} entries, {run.size} octets")
    for entry in run.journal:
        yield f"{'':<12} {entry.kind:<8} {entry.key:<36} {entry.type or 'plain':<24} {entry.size:>6}"


def _intent(intent: OpenIntent, now: float) -> str:
    words = [f"{intent.key} ({intent.kind}, retry {intent.retry})"]
    if intent.since:
        words.append(f"open for {span(max(now - intent.since, 0.0))}")
    words.append(f"{intent.tries} times no answer" if intent.tries else "never asked about")
    if intent.settled:
        words.append("done, waits for its group")
    if intent.lease_until is not None and intent.lease_until > now:
        words.append(f"at work, lease until {moment(intent.lease_until)}")
    elif intent.due_at is not None:
        words.append(f"recovery asks from {moment(intent.due_at)}")
    return ", ".join(words)


def _observed(name: str, values: Iterable[Observed]) -> Iterator[str]:
    for value in values:
        yield from _fact(name, f"{value.key:<36} {value.type or 'plain':<24} {value.size:>6}")
        name = ""


def _fact(name: str, text: str) -> Iterator[str]:
    yield f"{name:<12} {text}".rstrip()
