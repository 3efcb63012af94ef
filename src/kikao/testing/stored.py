"""What a store holds, opened: what an attacker with the keys would see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from kikao.conversation.journal import Run
from kikao.events import Event
from kikao.i18n.dates import Day, Moment
from kikao.i18n.money import Amount, format_amount
from kikao.sessions.keeper import Sessions
from kikao.sessions.session import Session


async def stored(sessions: Sessions) -> list[Session]:
    """Every stored session."""
    return [sessions.session_of(record) async for record in sessions.store.scan()]


async def holds(text: str, sessions: Sessions, events: Iterable[Event]) -> bool:
    """Whether a stored session or an event has it: in a text, or as a number that the app or a service gave.

    Random ids, which are hexadecimal, are left out: they hold any four digits by chance. So do times and kikao's own
    counts: a number is the text only if it is the whole of it, and if it is in what a flow keeps. An `Amount` is looked
    at as minor units and as it is written.
    """
    found = await stored(sessions)
    plain = [msgspec.to_builtins(item) for item in (*found, *events)]
    if any(text in each for item in plain for each in texts(item) if not _HEX(each)):
        return True
    kept = [item for session in found for item in _kept(session)]
    return any(_is_written(text, each) for item in kept for each in numbers(item))


def texts(data: Any) -> Iterator[str]:
    """Every text in plain data."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from texts(key)
            yield from texts(value)
    elif isinstance(data, list | tuple):
        for item in data:
            yield from texts(item)


def numbers(data: Any) -> Iterator[str]:
    """Every number in plain data, as it may be written. Days and moments are left out."""
    if isinstance(data, int | float) and not isinstance(data, bool):
        yield from _forms(data)
    elif isinstance(data, dict):
        if data.get("type") in _DATES:
            return
        if data.get("type") == _tag(Amount):
            yield from _amount_forms(data)
        for key, value in data.items():
            yield from numbers(key)
            yield from numbers(value)
    elif isinstance(data, list | tuple):
        for item in data:
            yield from numbers(item)


def _kept(session: Session) -> Iterator[Any]:
    """What of a session comes from the app, its services or the member, as plain data."""
    conversation = session.conversation
    ours = [conversation.data, conversation.notices, conversation.farewell, conversation.error]
    for run in conversation.runs():
        ours += _of_run(run)
    yield from map(msgspec.to_builtins, ours)


def _of_run(run: Run) -> list[Any]:
    entries = [intent.entry for intent in run.intents]
    pending = [] if run.pending is None else [run.pending.screen, run.pending.error]
    return [run.args, run.journal, run.receipts, run.notices, entries, *pending]


def _forms(number: float) -> Iterator[str]:
    """A number's digits without its sign."""
    size = abs(number)
    yield str(size)
    yield f"{size:,}"
    if isinstance(size, float) and size.is_integer():
        yield str(int(size))


def _amount_forms(data: dict[str, Any]) -> Iterator[str]:
    """As members read it, and the same without its currency, its separators and its cents."""
    try:
        written = format_amount(msgspec.convert(data, Amount)).lstrip("-")
    except msgspec.ValidationError:  # an app's own type
        return
    _, _, digits = written.partition(" ")
    yield from (written, digits, plain := digits.replace(",", ""), plain.partition(".")[0])


def _is_written(text: str, number: str) -> bool:
    """Whether a number is this text; what begins with zeros lost them when it became one."""
    return text == number or (text.isascii() and text.isdigit() and text.lstrip("0") == number != "")


def _tag(kind: type[msgspec.Struct]) -> Any:
    return kind.__struct_config__.tag


_DATES = frozenset({_tag(Day), _tag(Moment)})

_HEX = re.compile(r"[0-9a-f]{12,32}").fullmatch
