"""Values of a type, made up: the longest first."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Awaitable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, NewType, TypedDict, TypeVar

import msgspec
import pytest

from kikao.checking.exploring.values import LONGEST_TEXT, MANY, REFUSALS, Maker, Unmade, size
from kikao.conversation import Done, ErrorCode, Refused, Secret
from kikao.conversation.outcomes import Unknown, Voided
from kikao.i18n import Amount, Day, Message, Moment


class Kind(enum.Enum):
    SENT = "sent"
    GOT = "got"


class Movement(msgspec.Struct, frozen=True):
    kind: Literal["sent", "got"]
    amount: Amount
    name: str = ""


@dataclasses.dataclass
class Person:
    name: str
    age: int | None


class Pair(NamedTuple):
    left: bool
    right: bool


class Row(TypedDict):
    name: str


class Picky(msgspec.Struct):
    age: int

    def __post_init__(self) -> None:
        if self.age > 5:
            raise ValueError("too old")


class Hopeless(msgspec.Struct):
    name: str

    def __post_init__(self) -> None:
        raise ValueError("never")


class Tree(msgspec.Struct):
    children: list[Tree]


Name = NewType("Name", str)
T = TypeVar("T")
B = TypeVar("B", bound=bool)


def made(kind: Any, **options: Any) -> list[Any]:
    return Maker(**options).values(kind)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (None, [None]),
        (bool, [True, False]),
        (bool | None, [True, None, False]),
        (Literal["a", "b"], ["a", "b"]),
        (Kind, [Kind.SENT, Kind.GOT]),
        (Pair, [Pair(True, True), Pair(False, True), Pair(True, False)]),
        (tuple[bool, None], [(True, None), (False, None)]),
        (Done[bool], [Done(True), Done(False)]),
        (Done, [Done(None)]),
        (Refused, [Refused(code) for code in REFUSALS]),
        (Unknown | Voided, [Unknown(), Voided()]),
        (Awaitable[bool], [True, False]),
        (Row, [{"name": LONGEST_TEXT}, {"name": "Asha"}, {"name": ""}]),
        (Name, [LONGEST_TEXT, "Asha", ""]),
        (T, [None]),
        (B, [True, False]),
        (Message, [Message(LONGEST_TEXT)]),
        (dict, [{}]),
        (list, [[]]),
    ],
)
def test_values_of_a_type(kind: Any, expected: list[Any]) -> None:
    assert made(kind) == expected


def test_amounts_are_of_the_currency_that_is_talked_of() -> None:
    assert made(Amount, currency="KES") == [
        Amount("KES", 99_999_999_99), Amount("KES", 1_000_00), Amount("KES", 0),
    ]  # fmt: skip
    assert made(Amount)[0] == Amount("UGX", 99_999_999)


def test_a_struct_differs_in_one_field_at_a_time() -> None:
    longest, *others = made(Movement)

    assert longest == Movement("sent", Amount("UGX", 99_999_999), LONGEST_TEXT)
    for other in others:
        same = [getattr(other, name) == getattr(longest, name) for name in Movement.__struct_fields__]
        assert same.count(False) == 1
    assert Movement("got", longest.amount, LONGEST_TEXT) in others


def test_dataclasses_and_constants_of_the_code() -> None:
    people = made(Person, numbers=(17,), texts=("STOP",))

    assert {person.age for person in people} >= {16, 17, 18, None}
    assert "STOP" in {person.name for person in people}


def test_lists_are_long_short_and_empty() -> None:
    many, one, none, *others = made(list[Movement])

    assert (len(many), len(one), len(none)) == (MANY, 1, 0)
    assert {movement.kind for movement in many} == {"sent", "got"}
    assert len({movement.name for movement in many if movement.name}) >= MANY - 2
    assert all(len(other) == 1 for other in others)
    assert isinstance(made(tuple[bool, ...])[0], tuple)
    assert isinstance(made(Sequence[str])[0], list)


def test_mappings() -> None:
    many, one, none = made(Mapping[str, bool])

    assert (len(many), len(one), len(none)) == (3, 1, 0)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Annotated[str, msgspec.Meta(max_length=8)], ["Nakalemb", "Asha", ""]),
        (Annotated[str, msgspec.Meta(min_length=1, max_length=3)], ["Nak"]),
        (Annotated[int, msgspec.Meta(ge=5, lt=10)], [9, 5, 5]),
        (Annotated[int, msgspec.Meta(gt=5, le=10)], [10, 6, 6]),
        (Annotated[str, "a note"], [LONGEST_TEXT, "Asha", ""]),
    ],
)
def test_what_a_type_says_of_its_bounds_is_kept(kind: Any, expected: list[Any]) -> None:
    assert Maker()._annotated(kind.__origin__, kind.__metadata__) == expected


def test_lists_keep_their_bounds() -> None:
    assert {len(each) for each in made(Annotated[list[bool], msgspec.Meta(min_length=1, max_length=2)])} == {
        1,
        2,
    }


def test_values_that_a_type_refuses_are_left_out() -> None:
    assert [each.age for each in made(Annotated[Picky, ""] | None)[:1]] == [1] or made(Picky)[0].age == 1


@pytest.mark.parametrize("kind", [Hopeless, object(), "text", type("Strange", (), {}), list[Any]])
def test_what_nothing_is_known_of(kind: Any) -> None:
    with pytest.raises(Unmade):
        made(kind)


def test_a_type_within_itself_ends() -> None:
    with pytest.raises(Unmade):
        made(Tree)


def test_moments_days_and_the_rest() -> None:
    kinds = (Moment, Day, dt.datetime, dt.date, dt.time, dt.timedelta, bytes, Secret, float)
    for kind in kinds:
        assert isinstance(made(kind)[0], kind)


def test_the_size_of_a_value() -> None:
    assert size("abc") > size("a")
    assert size(object()) == 0
    assert ErrorCode.LOCKED in REFUSALS
