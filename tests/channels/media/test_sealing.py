"""Files as they lie on the disk: what is sealed opens, in its place, whole, and nothing else does."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.channels.media.errors import FileDamaged
from kikao.channels.media.sealing import PIECE, TAG, Sealing, head_size, opened, seal_anew, sealed_under
from kikao.sessions.sealing import KeyRing

RING = KeyRing({"k1": bytes(range(32))})
PLACE = b"whose/what"
PER_PIECE = PIECE + TAG


def sealed(*parts: bytes, ring: KeyRing = RING, place: bytes = PLACE) -> bytes:
    file = io.BytesIO()
    sealing = Sealing(file, ring)
    for part in parts:
        sealing.write(part)
    sealing.end(place)
    assert sealing.written == len(file.getvalue())
    return file.getvalue()


def read(stored: bytes, ring: KeyRing = RING, place: bytes = PLACE) -> bytes:
    return b"".join(opened(io.BytesIO(stored), ring, place))


@given(st.lists(st.binary(max_size=100), max_size=5), st.integers(-2, 2), st.sampled_from([0, 1, 2]))
@settings(max_examples=40)
def test_what_is_sealed_opens_however_it_was_cut(parts: list[bytes], off: int, pieces: int) -> None:
    parts = [bytes(max(0, pieces * PIECE + off)), *parts]
    stored = sealed(*parts)
    assert read(stored) == b"".join(parts)
    assert len(stored) - head_size("k1") - len(b"".join(parts)) == TAG * max(
        1, -(-sum(map(len, parts)) // PIECE)
    )


def test_memory_holds_a_piece_at_a_time() -> None:
    sizes = [len(piece) for piece in opened(io.BytesIO(sealed(bytes(3 * PIECE + 5))), RING, PLACE)]
    assert sizes == [PIECE, PIECE, PIECE, 5]


def test_nothing_of_it_is_there_in_clear() -> None:
    stored = sealed(b"\xff\xd8\xff" + b"Amina" * 40)
    assert b"Amina" not in stored
    assert stored != sealed(b"\xff\xd8\xff" + b"Amina" * 40)


@given(st.data())
@settings(max_examples=60)
def test_whatever_is_changed_does_not_open(data: st.DataObject) -> None:
    stored = bytearray(sealed(b"photo" * 30))
    at = data.draw(st.integers(0, len(stored) - 1))
    stored[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FileDamaged):
        read(bytes(stored))


HEAD = head_size("k1")
WHOLE = sealed(bytes(2 * PIECE + 10))
PIECES = [WHOLE[HEAD:][at : at + PER_PIECE] for at in (0, PER_PIECE, 2 * PER_PIECE)]


APART = [
    b"",
    WHOLE[:3],
    WHOLE[: HEAD - 1],
    WHOLE[:HEAD],
    WHOLE[:-1],
    WHOLE[:HEAD] + PIECES[0],  # cut between pieces
    WHOLE[:HEAD] + PIECES[0] + PIECES[1],
    WHOLE[:HEAD] + PIECES[1] + PIECES[0] + PIECES[2],
    WHOLE[:HEAD] + PIECES[0] + PIECES[0] + PIECES[2],
    WHOLE + PIECES[2],
    WHOLE + b"x",
    sealed(b"other")[:HEAD] + WHOLE[HEAD:],
    b"plain text, and no file of ours",
]


@pytest.mark.parametrize("which", range(len(APART)))
def test_pieces_stay_together(which: int) -> None:
    with pytest.raises(FileDamaged):
        read(APART[which])


def test_a_file_opens_in_its_place_and_with_its_key_alone() -> None:
    stored = sealed(b"photo")
    other = KeyRing({"k2": bytes(32)})
    for ring, place in ((RING, b"whose/other"), (other, PLACE), (KeyRing({"k1": bytes(32)}), PLACE)):
        with pytest.raises(FileDamaged):
            read(stored, ring, place)
    with pytest.raises(FileDamaged):
        read(stored, KeyRing({"k1": bytes(range(32))}, tenant="acme"))


def test_a_file_is_sealed_anew_without_being_opened() -> None:
    both = KeyRing({"key-of-2027": bytes(32), "k1": bytes(range(32))})
    stored, anew = sealed(bytes(PIECE + 7)), io.BytesIO()
    seal_anew(io.BytesIO(stored), anew, both, PLACE)
    assert (sealed_under(io.BytesIO(stored)), sealed_under(io.BytesIO(anew.getvalue()))) == (
        "k1",
        "key-of-2027",
    )
    assert read(anew.getvalue(), KeyRing({"key-of-2027": bytes(32)})) == bytes(PIECE + 7)
    assert anew.getvalue().endswith(stored[HEAD:])
    assert sealed_under(io.BytesIO(b"nothing")) == ""
