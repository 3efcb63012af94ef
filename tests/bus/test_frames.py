"""Numbers of messages: what is missing shows, copies are known, and memory is bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kikao.bus.frames import REMEMBERED, Frame, Numbering, Sequences, unpacked


@given(st.binary(min_size=8, max_size=8), st.integers(0, 2**64 - 1), st.binary())
def test_a_frame_comes_out_as_it_went_in(publisher: bytes, number: int, payload: bytes) -> None:
    frame = Frame(publisher, number, payload)
    assert unpacked(frame.packed()) == frame


@given(st.binary(max_size=15))
def test_what_is_too_short_is_none(octets: bytes) -> None:
    assert unpacked(octets) is None


def test_what_is_missing_shows_by_topic_and_publisher() -> None:
    numbering, sequences = Numbering(), Sequences()
    frames = [numbering.frame("a", b"") for _ in range(5)]
    other = numbering.frame("b", b"")
    assert sequences.follows("a", frames[1]) == (True, False), "what came before the first is not missed"
    assert sequences.follows("b", other) == (True, False)
    assert sequences.follows("a", frames[2]) == (True, False)
    assert sequences.follows("a", frames[4]) == (True, True)
    assert sequences.follows("a", frames[4]) == (False, False)
    assert sequences.follows("a", frames[3]) == (False, False)
    sequences.forget()
    assert sequences.follows("a", frames[4]) == (True, False)


def test_of_many_publishers_the_last_are_remembered() -> None:
    sequences = Sequences()
    for n in range(REMEMBERED + 1):
        sequences.follows("a", Frame(n.to_bytes(8, "big"), 1, b""))
    assert sequences.follows("a", Frame((1).to_bytes(8, "big"), 3, b"")) == (True, True)
    assert sequences.follows("a", Frame((0).to_bytes(8, "big"), 3, b"")) == (True, False)
