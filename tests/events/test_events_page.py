"""The reference of events says what the types say."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from msgspec import json

from kikao.events import EVENTS, Event, SessionEvent, name_of
from tests.events.events_page import PAGE, annotation, documented, documented_field, in_words, own, page
from tests.events.examples import EXAMPLES, FOUND

REMEDY = "run: python -m tests.events.events_page"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), REMEDY


@pytest.mark.parametrize("kind", EVENTS)
def test_a_name_is_that_of_the_type_in_small_letters_with_a_dot(kind: type[Event]) -> None:
    assert "".join(part.title() for part in name_of(kind).split(".")) == kind.__name__


def test_no_two_have_the_same_name_and_each_has_an_example() -> None:
    assert len({name_of(kind) for kind in EVENTS}) == len(EVENTS)
    assert [type(event) for event in FOUND] == list(EVENTS)


@pytest.mark.parametrize("kind", EVENTS)
def test_everything_is_documented(kind: type[Event]) -> None:
    assert documented(kind).endswith(".")
    words = {name for name in kind.__struct_fields__ if not documented_field(kind, name)}
    assert words <= {"channel", "gateway", "error", "kind", "from_at", "reason", "alphabet"}


@pytest.mark.parametrize("kind", EVENTS)
def test_a_field_holds_names_numbers_and_words_and_never_any_text(kind: type[Event]) -> None:
    for name in kind.__struct_fields__:
        in_words(annotation(kind, name))


@pytest.mark.parametrize(
    "hint", [str, "str", bytes, dict[str, str], tuple[str, ...], str | None, Any, object]
)
def test_a_field_that_may_hold_any_text_is_found(hint: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        in_words(hint)
    with pytest.raises((TypeError, ValueError)):
        in_words(Annotated[hint, "without a kind"])


@pytest.mark.parametrize("event", FOUND)
def test_an_event_is_read_back_from_its_line(event: Event) -> None:
    assert json.decode(json.encode(event), type=type(event)) == event


def test_common_fields_are_spelled_once() -> None:
    common = set(SessionEvent.__struct_fields__)
    for kind in (each for each in EVENTS if issubclass(each, SessionEvent)):
        assert not common & set(own(kind)), kind


def test_all_examples_are_there() -> None:
    assert EXAMPLES.keys() == set(EVENTS)
