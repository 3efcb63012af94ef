"""Errors in events: type and place, never a text that may quote a member."""

from __future__ import annotations

import linecache

from kikao.conversation.errors import Misuse
from kikao.events import described


def caught(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as raised:
        return raised


def test_the_type_and_the_place_and_never_the_text() -> None:
    assert described(None) == ""
    assert described(ValueError("2580")) == "ValueError"
    said = described(caught(ValueError("2580")))
    assert said.startswith("ValueError at test_described.py:")
    assert "2580" not in said


def test_what_an_app_raises_of_kikaos_does_not_show_its_text_either() -> None:
    assert described(caught(Misuse("2580"))).startswith("Misuse at test_described.py:")
    assert "2580" not in described(caught(Misuse("2580")))


def test_no_source_is_looked_for_on_the_disk() -> None:
    error = caught(ValueError())
    linecache.clearcache()
    described(error)
    assert not linecache.cache
