"""The reference of events, made from their types: `python -m tests.events.events_page`.

A test fails while the page is not what this makes of it.
"""

from __future__ import annotations

import ast
import datetime as dt
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from msgspec import Meta, inspect

from kikao.events import (
    EVENTS,
    Event,
    GatewayEvent,
    LogLines,
    SessionEvent,
    addresses,
    charges,
    event,
    files,
    links,
    live,
    messages,
    name_of,
    types,
)
from kikao.events.log import DEFAULT
from kikao.events.selecting import selected
from tests.events.examples import EXAMPLES

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "events.md"

COMMON: Final = (GatewayEvent, SessionEvent)

FAMILIES: Final = {
    "turn": "Turns",
    "dialogue": "Turns",
    "limit": "Turns",
    "session": "Sessions",
    "stage": "Where members are",
    "screen": "Where members are",
    "answer": "Where members are",
    "flow": "Where members are",
    "step": "Effects",
    "secret": "Effects",
    "message": "Messages to other systems",
    "destination": "Messages to other systems",
    "recovery": "Behind the turns",
    "sweep": "Behind the turns",
    "file": "Behind the turns",
    "files": "Behind the turns",
    "keys": "Behind the turns",
    "members": "Behind the turns",
    "address": "Behind the turns",
    "addresses": "Behind the turns",
}
"""Sections of the page by the first part of names; the others are around the app."""

HEAD: Final = """# Events

One typed event for each thing that happened, in `kikao.events`. How to [listen to them](../how-to/listen-to-events.md),
and how to [read the log](../how-to/read-the-log.md), which has some of them as lines of JSON.

- **What an event says is true.** Events of a turn are published after the commit that they rest on; of a turn that lost
  against another one, or broke before its commit, only what holds all the same. A redelivery is `turn.duplicated`, and
  nothing else.
- **Once.** An event is published by the process it happened in, when it happened. A process that dies between a commit
  and its events has published less: they are for watching, not for bookkeeping.
- **In order.** Those of one session come in the order of its turns; of one turn, `step.intended` and `secret.used` come
  when they happen, then the session's, the effects', where the member is now, and `turn.committed` last.
- **Nothing of members.** No event carries an answer, a text shown, a number or a secret. Fields hold names from code,
  numbers, and a few words that are listed here; a test goes through all of them.

Fields that are empty, or as by default, are left out of lines of JSON.

"""

TAIL: Final = """## Lines that are no events

`log`: a warning or an error that a service or a library told to Python's `logging`, unless the app has set that up
itself. `level`, `logger`, `text`, and for an exception its type as `error`.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "\n".join(["## All events", overview(), "## Common fields", common(), *sections(), TAIL])


def overview() -> str:
    """Every event with its first sentence."""
    logged = selected(DEFAULT)
    rows = [
        (f"[`{name_of(kind)}`](#{anchor(kind)})", sentence(kind), "yes" if kind in logged else "")
        for kind in EVENTS
    ]
    return table("event", "", "in the log by default", rows=rows)


def common() -> str:
    """What several events have."""
    text = []
    for kind, who in zip(COMMON, ("Events at a gateway have", "Events in a session also have"), strict=True):
        text.append(f"{who} (`kikao.events.{kind.__name__}`):\n\n{fields(kind, own(kind))}")
    return "\n".join(text)


def sections() -> Iterator[str]:
    """A section of each event, by family."""
    title = ""
    for kind in EVENTS:
        family = FAMILIES.get(name_of(kind).partition(".")[0], "Around the app")
        if family != title:
            title = family
            yield f"## {title}\n"
        yield f"### {name_of(kind)}\n\n`kikao.events.{kind.__name__}`. {documented(kind)}\n"
        known = {name for each in COMMON if issubclass(kind, each) for name in each.__struct_fields__}
        if issubclass(kind, SessionEvent):
            yield "Has the common fields of a session.\n"
        elif issubclass(kind, GatewayEvent):
            yield "Has `channel` and `gateway`.\n"
        if named := [name for name in kind.__struct_fields__ if name not in known]:
            yield fields(kind, named)
        yield f"```json\n{line(EXAMPLES[kind])}\n```\n"


def fields(kind: type[Event], names: list[str]) -> str:
    """A table of fields."""
    defaults = {field.encode_name: field for field in inspect.type_info(kind).fields}  # type: ignore[attr-defined]
    rows = []
    for name in names:
        meaning, needed = documented_field(kind, name), defaults[name].required
        rows.append((f"`{name}`", kind_of(kind, name), meaning, "always" if needed else ""))
    return table("field", "kind", "", "", rows=rows)


def own(kind: type[Event]) -> list[str]:
    """Fields that a type adds to those of its base."""
    return [name for name in kind.__struct_fields__ if name in kind.__annotations__]


# --- kinds of fields ---


def kind_of(kind: type[Event], name: str) -> str:
    """What a field may hold, in words."""
    return in_words(annotation(kind, name))


def annotation(kind: type[Event], name: str) -> Any:
    """A field's type, with what annotates it."""
    import typing

    return typing.get_type_hints(kind, include_extras=True)[name]


def in_words(hint: Any) -> str:
    """Raises `TypeError` for what no field of an event may hold."""
    if get_origin(hint) is Annotated:
        (meta,) = [each for each in get_args(hint)[1:] if isinstance(each, Meta)]
        return str(meta.description)
    if get_origin(hint) is Literal:
        return " ".join(f"`{word}`" for word in get_args(hint))
    if get_origin(hint) is tuple and get_args(hint)[1:] == (...,):
        return f"a list; each {in_words(get_args(hint)[0])}"
    if hint in PLAIN:
        return PLAIN[hint]
    if set(get_args(hint)) == {int, type(None)}:
        return PLAIN[int]
    raise TypeError(f"{hint} may hold anything: use a kind of kikao.events.event")


PLAIN: Final[dict[Any, str]] = {int: "a number", bool: "true or false"}


# --- what the source says ---


def documented(kind: type[Event]) -> str:
    """The docstring of a type, its paragraphs as such."""
    return unwrapped(kind.__doc__ or "")


def sentence(kind: type[Event]) -> str:
    """The first sentence of it, or up to a colon."""
    return re.split(r"(?<=[.])\s", documented(kind))[0]


def documented_field(kind: type[Event], name: str) -> str:
    """The text below a field, where it is defined; empty where its name and kind say it."""
    for base in kind.__mro__:
        if (base.__name__, name) in TEXTS:
            return TEXTS[base.__name__, name]
    return ""


def unwrapped(text: str) -> str:
    """Paragraphs of a docstring, each on lines of its own as the source has them."""
    return "\n".join(each.strip() for each in text.strip().splitlines())


def texts() -> Iterator[tuple[tuple[str, str], str]]:
    """The text below each field of each class."""
    for module in (addresses, charges, event, files, links, live, messages, types):
        assert module.__file__ is not None
        for node in ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                for field, below in zip(node.body, node.body[1:], strict=False):
                    if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
                        assert isinstance(field.target, ast.Name)
                        assert isinstance(below.value, ast.Constant)
                        yield (node.name, field.target.id), " ".join(str(below.value.value).split())


TEXTS: Final = dict(texts())


# --- Markdown ---


def anchor(kind: type[Event]) -> str:
    """Of its section."""
    return name_of(kind).replace(".", "-")


def line(example: Event) -> str:
    """A line of the log."""
    stream = io.StringIO()
    clock = dt.datetime(2026, 11, 21, 4, 3, 31, 64000, tzinfo=dt.UTC)
    LogLines(stream, events="*", clock=lambda: clock)(example)
    return stream.getvalue().strip()


def table(*head: str, rows: Sequence[tuple[str, ...]]) -> str:
    """A table with its head; columns that hold nothing are left out."""
    kept = [place for place in range(len(head)) if any(row[place] for row in rows) or place == 0]
    lines = [f"| {' | '.join(row[place] for place in kept)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(kept), *lines[1:]]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
