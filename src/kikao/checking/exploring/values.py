"""Values of a type, made up: the longest that is likely first, then a usual one, then the shortest."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import itertools
import types
import typing
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, get_args, get_origin

import msgspec

from kikao.conversation.errors import ErrorCode
from kikao.conversation.outcomes import Done, Refused, Unknown, Voided
from kikao.conversation.secrets import Secret
from kikao.i18n import Amount, Day, Message, Moment

LONGEST_TEXT: Final = "Nakalembe Nabukenya Florence M"
"""30 characters: what a service's text may take where nothing says more."""

MANY: Final = 12
"""Items of a long list."""

VARIANTS: Final = 32
"""Most values of one type."""

STRIDE: Final = 1_000
"""Between the numbers of things in a list."""

DEEPEST: Final = 5
LARGEST: Final = 99_999_999
"""Whole units of the largest amount that is sensible."""

SOME_DAY: Final = dt.datetime(2026, 12, 30, 20, 45, tzinfo=dt.UTC)
REFUSALS: Final = (
    ErrorCode.WRONG_SECRET,
    ErrorCode.LOCKED,
    ErrorCode.REJECTED,
    ErrorCode.INSUFFICIENT_BALANCE,
    *(
        code
        for code in ErrorCode
        if code.value not in ("wrong_secret", "locked", "rejected", "insufficient_balance", "unknown_outcome")
    ),
)


class Unmade(Exception):
    """Nothing is known of a type: it must be annotated, or examples be registered."""


class Maker:
    """Makes values. `currency` is that of amounts; `numbers` and `texts` are tried as values, too."""

    def __init__(self, currency: str = "UGX", numbers: Sequence[int] = (), texts: Sequence[str] = ()) -> None:
        self.currency = currency
        self._numbers = numbers
        self._texts = texts
        self._depth = 0

    def values(self, kind: Any) -> list[Any]:
        """Values of an annotation that was evaluated. Raises `Unmade`."""
        if self._depth >= DEEPEST:
            raise Unmade
        self._depth += 1
        try:
            return _distinct(self._values(kind))[:VARIANTS]
        finally:
            self._depth -= 1

    def _values(self, kind: Any) -> list[Any]:
        if kind is None or kind is type(None):
            return [None]
        if isinstance(kind, typing.TypeVar):
            return self.values(kind.__bound__) if kind.__bound__ else [None]
        if hasattr(kind, "__supertype__"):
            return self.values(kind.__supertype__)
        if type(kind).__name__ == "TypeAliasType":
            return self.values(kind.__value__)
        origin, args = get_origin(kind), get_args(kind)
        if origin is typing.Annotated:
            return self._annotated(args[0], args[1:])
        if origin is typing.Literal:
            return list(args)
        if origin in (typing.Union, types.UnionType):
            return self._any_of(args)
        if origin in _AWAITED:
            return self.values(args[-1])
        if isinstance(origin, type):
            return self._generic(origin, args)
        if isinstance(kind, type):
            return self._plain(kind)
        raise Unmade

    def _any_of(self, kinds: Iterable[Any]) -> list[Any]:
        """The first of each kind before the second of any, None behind the first of the others."""
        made = []
        for kind in sorted(kinds, key=lambda each: each is type(None)):
            try:
                made.append(self.values(kind))
            except Unmade:
                continue
        if not made:
            raise Unmade
        rows = itertools.zip_longest(*made, fillvalue=_NONE)
        return [value for row in rows for value in row if value is not _NONE]

    def _annotated(self, kind: Any, notes: tuple[Any, ...]) -> list[Any]:
        values = self.values(kind)
        for note in notes:
            if isinstance(note, msgspec.Meta):
                values = [fitted for value in values for fitted in _within(value, note)]
        return values

    def _generic(self, origin: type, args: tuple[Any, ...]) -> list[Any]:
        if origin is Done:
            return [Done(value) for value in self.values(args[0])]
        if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
            return self._fields([(str(i), each) for i, each in enumerate(args)], lambda f: tuple(f.values()))
        if issubclass(origin, collections.abc.Mapping):
            keys, values = (self.values(each) for each in args)
            return [
                dict(zip(keys[:MANY], itertools.cycle(values), strict=False)),
                dict(zip(keys[:1], values, strict=False)),
                {},
            ]
        if issubclass(origin, collections.abc.Iterable):
            items = self.values(args[0])
            build = origin if origin in (list, tuple, set, frozenset) else list
            more = (_another(items[place % len(items)], args[0], place) for place in range(1, MANY))
            many = [items[0], *more]
            return [build(many), build(items[:1]), build([]), *(build([item]) for item in items[1:])]
        return self._plain(origin)

    def _plain(self, kind: type) -> list[Any]:
        made = self._known(kind)
        if made is not None:
            return made
        if issubclass(kind, enum.Enum):
            return list(kind)
        if issubclass(kind, msgspec.Struct):
            hints = typing.get_type_hints(kind, include_extras=True)
            return self._fields([(n, hints[n]) for n in kind.__struct_fields__], lambda f: kind(**f))
        if dataclasses.is_dataclass(kind):
            hints = typing.get_type_hints(kind, include_extras=True)
            names = [each.name for each in dataclasses.fields(kind) if each.init]
            return self._fields([(name, hints[name]) for name in names], lambda f: kind(**f))
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            hints = typing.get_type_hints(kind, include_extras=True)
            return self._fields([(name, hints[name]) for name in kind._fields], lambda f: kind(**f))
        if typing.is_typeddict(kind):
            return self._fields(list(typing.get_type_hints(kind).items()), dict)
        if kind in (list, tuple, dict, set, frozenset):
            return [kind()]
        raise Unmade

    def _known(self, kind: type) -> list[Any] | None:
        """Values of the types that are made of nothing else."""
        if kind is bool:
            return [True, False]
        if kind is int:
            return [LARGEST, 1, 0, *(n + by for n in self._numbers for by in (0, 1, -1))]
        if kind is float:
            return [SOME_DAY.timestamp(), 1.0, 0.0, *map(float, self._numbers)]
        if kind is str:
            return [LONGEST_TEXT, "Asha", *self._texts, ""]
        if kind is Amount:
            return self.amounts()
        if kind is Moment:
            return [Moment(int(SOME_DAY.timestamp()), 180)]
        if kind is Day:
            return [Day.of(SOME_DAY.date())]
        if kind is Refused:
            return [Refused(code) for code in REFUSALS]
        if kind is ErrorCode:
            return list(REFUSALS)
        if kind is Message:
            return [Message(LONGEST_TEXT)]
        if kind is Done:
            return [Done(None)]
        if kind in _CONSTANT:
            return _CONSTANT[kind]
        return None

    def amounts(self) -> list[Amount]:
        """The largest amount that is sensible, a usual one, none."""
        from kikao.i18n.money import exponent

        scale = 10 ** exponent(self.currency)
        most = LARGEST * scale + (scale - 1)
        return [Amount(self.currency, minor) for minor in (most, 1_000 * scale, 0)]

    def _fields(self, fields: Sequence[tuple[str, Any]], build: Callable[[dict[str, Any]], Any]) -> list[Any]:
        """The first value of every field together, then every other value of one field at a time."""
        values = {name: self.values(kind) for name, kind in fields}
        first = {name: each[0] for name, each in values.items()}
        wanted = [first, *({**first, name: other} for name, each in values.items() for other in each[1:])]
        made = []
        for each in wanted:
            try:
                made.append(build(each))
            except (ValueError, TypeError):
                continue  # the type refuses it
        if not made:
            raise Unmade
        return made


def size(value: Any) -> int:
    """How much there is of a value, about: for finding the longest."""
    try:
        return len(msgspec.json.encode(value))
    except (TypeError, ValueError):
        return 0


def _within(value: Any, note: msgspec.Meta) -> list[Any]:
    if isinstance(value, str):
        most, least = note.max_length, note.min_length or 0
        if most is not None and value == LONGEST_TEXT:
            value = (value * (most // len(value) + 1))[:most].strip().ljust(least, "a")
        elif most is not None and len(value) > most:
            return []
        return [value] if len(value) >= least else []
    if isinstance(value, int | float) and not isinstance(value, bool):
        low = note.ge if note.ge is not None else (note.gt + 1 if note.gt is not None else None)
        high = note.le if note.le is not None else (note.lt - 1 if note.lt is not None else None)
        value = high if high is not None and value > high else value
        value = low if low is not None and value < low else value
        return [value]
    if isinstance(value, list | tuple):
        most = note.max_length
        value = value[:most] if most is not None else value
        return [value] if len(value) >= (note.min_length or 0) else []
    return [value]


def _another(value: Any, kind: Any, nth: int) -> Any:
    """A value like this one but for its texts and numbers: of a long list no two are the same."""
    if kind is str and value:
        return f"{value[:-3]} {nth:02}" if len(value) > 3 else f"{value}{nth:02}"
    if kind is int:
        return value + nth * STRIDE
    if isinstance(value, msgspec.Struct) or (dataclasses.is_dataclass(value) and not isinstance(value, type)):
        changes = {
            name: _another(getattr(value, name), hint, nth)
            for name, hint in typing.get_type_hints(type(value)).items()
            if hint in (str, int) and hasattr(value, name)
        }
        try:
            replace: Callable[..., Any] = (
                msgspec.structs.replace if isinstance(value, msgspec.Struct) else dataclasses.replace
            )
            return replace(value, **changes)
        except (ValueError, TypeError):
            return value
    return value


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Without what was there before: 1 and True are two."""
    kept: list[Any] = []
    seen: set[tuple[type, str]] = set()
    for value in values:
        mark = (type(value), "<secret>" if isinstance(value, Secret) else repr(value))
        if mark not in seen:
            seen.add(mark)
            kept.append(value)
    return kept


_NONE: Final = object()
_AWAITED: Final = (collections.abc.Awaitable, collections.abc.Coroutine)
_CONSTANT: Final[dict[type, list[Any]]] = {
    bytes: [b"kikao", b""],
    dt.datetime: [SOME_DAY],
    dt.date: [SOME_DAY.date()],
    dt.time: [SOME_DAY.time()],
    dt.timedelta: [dt.timedelta(days=1), dt.timedelta()],
    decimal.Decimal: [decimal.Decimal(LARGEST), decimal.Decimal(0)],
    uuid.UUID: [uuid.UUID(int=1)],
    Secret: [Secret("7391")],
    Unknown: [Unknown()],
    Voided: [Voided()],
    object: [None],
}
