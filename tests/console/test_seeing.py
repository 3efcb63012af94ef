"""What is shown of a stored session, and of one that cannot be opened."""

from __future__ import annotations

from typing import Any

import pytest

from kikao.console.simulator.seeing import LONGEST, conversation_of, lines_on, showable
from kikao.conversation.screens import Option, Screen
from kikao.sessions.finding import Seen
from kikao.sessions.policy import SessionPolicy
from kikao.sessions.store import Record
from kikao.testing import Stage
from tests.testing.shop import an_app


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        ({"a": [1, 2.5, "ŋ"]}, {"a": [1, 2.5, "ŋ"]}),
        ({1: "one"}, {"1": "one"}),
        (b"\x00\xff", "AP8="),
        (float("inf"), None),
        ({b"octets": 1}, {"b2N0ZXRz": 1}),
        ({(1, 2): 1}, "{(1, 2): 1}"),
    ],
)
def test_a_value_as_json(value: Any, shown: Any) -> None:
    assert showable(value) == shown


def test_of_a_large_value_how_it_begins() -> None:
    shown = showable(["ŋ" * 5000])
    assert shown.startswith('["ŋŋŋ')
    assert shown.endswith("ŋ…")
    assert len(shown.encode()) <= LONGEST + len("…".encode())


async def test_a_session_that_cannot_be_opened() -> None:
    async with Stage(an_app()) as stage:
        record = Record(b"k", 1, 1, 0.0, b"", b"")
        seen = conversation_of(
            Seen(record, None, None, "sealed with a key that is gone"),
            stage.server.sessions,
            SessionPolicy(),
            str,
            "sw",
        )
    assert (seen.session, seen.problem, seen.language) == (None, "sealed with a key that is gone", "sw")


def test_a_label_that_is_cut_belongs_to_the_page_it_begins_on() -> None:
    asked = Screen((), (Option("1", "Long " * 40, 1), Option("2", "Two", 2)), (Option("0", "Back", "back"),))
    options, navigation = lines_on("1 Long Long Long\n98 More", asked, str)
    assert [line.key for line in options] == ["1"]
    assert navigation == ()
