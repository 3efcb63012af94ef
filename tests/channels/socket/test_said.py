"""What a client may send: typed, bounded, and nothing of it shown by whoever prints it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kikao.channels.socket.said import (
    LONGEST_SECRET,
    LONGEST_TEXT,
    PIECE,
    Enter,
    Open,
    Piece,
    Said,
    Say,
    Show,
    Tap,
    Where,
    inbound,
    sent,
)
from kikao.conversation.inputs import Place

GOOD: list[tuple[type[Any], dict[str, Any]]] = [
    (Say, {"id": "a", "text": "x" * LONGEST_TEXT}),
    (Say, {"id": "a", "text": "1", "mark": ""}),
    (Say, {"id": "a", "text": "1", "mark": "m" * 64}),
    (Say, {"id": "550e8400-e29b-41d4-a716-446655440000", "text": " "}),
    (Tap, {"id": "a.1:2_3-4", "mark": "m", "key": "1"}),
    (Enter, {"id": "a", "mark": "m", "text": "x" * LONGEST_SECRET}),
    (Open, {"id": "a"}),
    (Open, {"id": "a", "ahead": "x" * 64}),
    (Where, {"id": "a", "latitude": -90, "longitude": 180.0}),
    (Piece, {"id": "a", "data": ""}),
    (Piece, {"id": "a", "data": "x" * (4 * (PIECE + 2) // 3), "start": 0, "more": True}),
    (Show, {"ref": "x"}),
]

BAD: list[tuple[type[Any], dict[str, Any]]] = [
    (Say, {"text": "hi"}),
    (Say, {"id": "", "text": "hi"}),
    (Say, {"id": "a", "text": "1", "mark": "m" * 65}),
    (Say, {"id": "a b", "text": "hi"}),
    (Say, {"id": "a\n", "text": "hi"}),
    (Say, {"id": "a" * 65, "text": "hi"}),
    (Say, {"id": 1, "text": "hi"}),
    (Say, {"id": "a", "text": ""}),
    (Say, {"id": "a", "text": "x" * (LONGEST_TEXT + 1)}),
    (Say, {"id": "a", "text": None}),
    (Tap, {"id": "a", "mark": "", "key": "1"}),
    (Tap, {"id": "a", "mark": "m", "key": ""}),
    (Tap, {"id": "a", "mark": "m" * 65, "key": "1"}),
    (Enter, {"id": "a", "text": "4711"}),
    (Enter, {"id": "a", "mark": "", "text": "4711"}),
    (Enter, {"id": "a", "mark": "m", "text": "x" * (LONGEST_SECRET + 1)}),
    (Open, {"id": "a", "ahead": "x" * 65}),
    (Where, {"id": "a", "latitude": 90.1, "longitude": 0}),
    (Where, {"id": "a", "latitude": 0, "longitude": -181}),
    (Where, {"id": "a", "latitude": "0", "longitude": 0}),
    (Piece, {"id": "a", "data": "x" * (4 * (PIECE + 2) // 3 + 1)}),
    (Piece, {"id": "a", "data": "", "start": -1}),
    (Piece, {"id": "a", "data": "", "name": "x" * 256}),
    (Show, {"ref": "x" * 2049}),
]


@pytest.mark.parametrize(("kind", "payload"), GOOD)
def test_what_is_within_the_bounds_is_taken(kind: type[Any], payload: dict[str, Any]) -> None:
    assert msgspec.convert(payload, kind).__class__ is kind


@pytest.mark.parametrize(("kind", "payload"), BAD)
def test_what_is_not_is_refused(kind: type[Any], payload: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(payload, kind)
    assert "4711" not in str(error.value)


def test_what_is_said_is_not_shown() -> None:
    shown = repr((Say("a", "my PIN is 4711"), Enter("a", "m", "4711"), Piece("a", "NDcxMQ==")))
    assert "4711" not in shown
    assert "NDcx" not in shown


@pytest.mark.parametrize(
    ("said", "text", "happening", "pressed", "apart"),
    [
        (Say("a", "hi"), "hi", "reply", "", False),
        (Tap("a", "m", "1"), "1", "reply", "m", False),
        (Enter("a", "m", "4711"), "4711", "reply", "m", True),
        (Open("a", "send_500"), "send_500", "new", "", False),
        (Where("a", 0.3, 32.5), "", "reply", "", False),
    ],
)
def test_each_is_an_inbound_of_the_user(
    said: Said, text: str, happening: str, pressed: str, apart: bool
) -> None:
    found = inbound("asha", said, language="sw")
    assert (found.channel, found.gateway, found.identity) == ("socket", "phoenix", "asha")
    assert (found.text.reveal(), found.happening) == (text, happening)
    assert found.message_id is not None
    assert found.message_id.reveal() == "a"
    assert found.chat is not None
    assert (found.chat.pressed, found.chat.apart, found.chat.language) == (pressed, apart, "sw")
    assert found.attachment == (Place(0.3, 32.5) if isinstance(said, Where) else None)


def test_a_file_is_one_too() -> None:
    assert sent("asha", "a", Place(0.3, 32.5)).attachment == Place(0.3, 32.5)


@pytest.mark.parametrize(
    ("data", "octets"), [("", b""), ("aGk=", b"hi"), ("aGk", None), ("a*k=", None), ("é", None)]
)
def test_a_piece_is_base64_or_nothing(data: str, octets: bytes | None) -> None:
    assert Piece("a", data).octets == octets
