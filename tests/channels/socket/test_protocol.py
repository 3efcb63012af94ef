"""Frames of Phoenix Channels V2, against vectors and against themselves."""

from __future__ import annotations

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.socket import protocol
from kikao.channels.socket.protocol import EMPTY, Json, Malformed, Push, Unreadable, read_binary, read_text

NAMES = st.text(max_size=60)


def test_binary_frames_are_as_the_reference_has_them() -> None:
    said = read_binary(bytes.fromhex("00 02 03 05 05") + b"12123topiceventABC")
    assert said == Push("12", "123", "topic", "event", b"ABC")
    assert protocol.push("12", "topic", "event", b"ABC") == bytes.fromhex("00 02 05 05") + b"12topiceventABC"
    reply = protocol.reply("12", "123", "topic", "ok", b"ABC")
    assert reply == bytes.fromhex("01 02 03 05 02") + b"12123topicokABC"
    assert protocol.broadcast("topic", "event", b"ABC") == bytes.fromhex("02 05 05") + b"topiceventABC"


def test_text_frames_are_arrays_of_five() -> None:
    said = read_text('["1",null,"room:a","echo",{"x":[1]},"ignored"]')
    assert (said.join_ref, said.ref, said.topic, said.event) == ("1", None, "room:a", "echo")
    assert isinstance(said.payload, msgspec.Raw)
    assert json.loads(bytes(said.payload)) == {"x": [1]}
    assert json.loads(protocol.reply(None, "7", "phoenix", "ok", EMPTY)) == [
        None,
        "7",
        "phoenix",
        "phx_reply",
        {"status": "ok", "response": {}},
    ]
    assert json.loads(protocol.closed("3", "t")) == ["3", "3", "t", "phx_close", {}]
    assert json.loads(protocol.crashed("3", "t")) == ["3", "3", "t", "phx_error", {"reason": "channel_crash"}]
    assert json.loads(protocol.broadcast("t", "e", Json('{"a":1}'))) == [None, None, "t", "e", {"a": 1}]


@given(NAMES, NAMES, NAMES, NAMES, st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9)))
def test_what_is_written_can_be_read(
    join_ref: str, ref: str, topic: str, event: str, payload: dict[str, int | str]
) -> None:
    try:
        body = protocol.json(payload)
    except (msgspec.MsgspecError, UnicodeError):  # what JSON cannot say
        return
    frame = protocol.push(join_ref, topic, event, body)
    assert isinstance(frame, str)
    said = read_text(frame)
    assert (said.join_ref, said.ref, said.topic, said.event) == (join_ref, None, topic, event)
    assert json.loads(bytes(said.payload)) == payload


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "{}",
        "[]",
        '["1","2","t","e"]',
        '[1,"2","t","e",{}]',
        '["1","2",null,"e",{}]',
        '["1","2","t","e",{}',
        '["1","2","t","e",{"a":}]',
        json.dumps(["1" * 256, "2", "t", "e", {}]),
        json.dumps(["1", "€" * 100, "t", "e", {}]),
        '[1,"2","t","e",{"a":"\\ud800"}]',
    ],
)
def test_what_is_no_frame_of_text(text: str) -> None:
    with pytest.raises(Malformed) as raised:
        read_text(text)
    assert "nonsense" not in str(raised.value)
    assert not isinstance(raised.value, Unreadable)


@pytest.mark.parametrize(
    ("topic", "event", "payload", "reason"),
    [
        ("t", "e", "\ud83d", "invalid payload"),
        ("t", "e", {"\udc00": 1}, "invalid payload"),
        ("t", "e", float("nan"), "invalid payload"),
        ("t", "\ud83d", {}, "unknown event"),
        ("room:\ud83d", "phx_join", "\ud83d", "unmatched topic"),
        ("t" * 256, "phx_join", {}, "unmatched topic"),
        ("t", "€" * 100, {}, "unknown event"),
    ],
)
def test_what_is_a_frame_and_cannot_be_read_is_answered(
    topic: str, event: str, payload: object, reason: str
) -> None:
    with pytest.raises(Unreadable) as raised:
        read_text(json.dumps(["\ud83d", "2", topic, event, payload]))

    push = raised.value.push
    assert (push.join_ref, push.ref, push.topic, push.event) == ("\ud83d", "2", topic, event)
    assert raised.value.reason == reason
    reply = protocol.reply(push.join_ref, push.ref, push.topic, "error", EMPTY)
    assert isinstance(reply, str)
    reply.encode()
    assert json.loads(reply)[:3] == ["\ud83d", "2", topic]


@given(st.text())
def test_any_text_is_a_frame_or_malformed(text: str) -> None:
    with contextlib.suppress(Malformed):
        assert isinstance(read_text(text), Push)


def test_nesting_without_end_is_malformed() -> None:
    with pytest.raises(Malformed):
        read_text('["1","2","t","e",' + "[" * 50_000 + "]" * 50_000 + "]")


@pytest.mark.parametrize(
    "octets",
    [b"", b"\0", b"\1\1\1\1\1abcd", b"\0\xff\0\0\0short", b"\0\1\0\0\0\xff", b"\2\1\1ab"],
)
def test_what_is_no_binary_frame(octets: bytes) -> None:
    with pytest.raises(Malformed):
        read_binary(octets)


@given(st.binary())
def test_any_octets_are_a_frame_or_malformed(octets: bytes) -> None:
    with contextlib.suppress(Malformed):
        assert isinstance(read_binary(octets), Push)


def test_a_payload_is_an_object() -> None:
    for wrong in ([1], "text", 7, None):
        with pytest.raises(TypeError, match="an object"):
            protocol.json(wrong)


def test_a_name_that_is_too_long_for_a_binary_frame() -> None:
    with pytest.raises(ValueError, match="more than 255 octets"):
        protocol.push("1", "t" * 256, "e", b"")
