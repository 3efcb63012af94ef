"""The canary sings: whatever is looked for is found where it is planted, and nothing where it is not."""

from __future__ import annotations

import base64
import hashlib
import os
import sqlite3
import zlib
from pathlib import Path

import msgspec
import pytest

from kikao import Secret
from kikao.sessions.sealing import KeyRing
from tests.secrets.needles import Canary
from tests.secrets.places import files, opened
from tests.secrets.witness import frames_of_kikao, told

PIN, NUMBER, WORD = "19406382", "+256772000001", "Ndege&juu=5%é"
TEXT = f"1*0772000002*5000*1*{PIN}"


@pytest.mark.parametrize(
    "planted",
    [
        PIN.encode(),
        f"pin={PIN}\n".encode(),
        PIN.encode("utf-16-le"),
        PIN.encode("utf-16-be"),
        PIN[::-1].encode(),
        b"1-9-4-0-6-3-8-2",
        b"1 9 4 0 6 3 8 2",
        b"19 40 63 82",
        b"1940.6382",
        b"UGX 19,406,382",
        b"%31%39%34%30%36%33%38%32",
        PIN.encode().hex().encode(),
        msgspec.msgpack.encode({"pin": int(PIN), "next": 1}),
        base64.b64encode(PIN.encode()),
        base64.b64encode(b"x" + PIN.encode() + b"xyz"),
        base64.b64encode(b"xx" + PIN.encode()),
        hashlib.md5(PIN.encode()).digest(),
        hashlib.sha1(PIN.encode()).hexdigest().encode(),
        hashlib.sha256((NUMBER + PIN).encode()).digest(),
        hashlib.blake2b(PIN.encode(), digest_size=16).digest(),
        base64.b64encode(hashlib.sha256(PIN.encode()).digest()),
        b"%08x" % zlib.crc32(PIN.encode()),
        TEXT.encode(),
        hashlib.sha256(TEXT.encode()).hexdigest().upper().encode(),
        hashlib.sha256(b"dialogue" + TEXT.encode()).digest(),
        WORD.encode(),
        WORD.upper().encode(),
        b"text=Ndege%26juu%3D5%25%C3%A9",
        msgspec.json.encode({"text": WORD}),
        repr(WORD.encode()).encode(),
    ],
    ids=range(30),
)
def test_a_planted_secret_is_found(tmp_path: Path, planted: bytes) -> None:
    bird = Canary()
    bird.watch(PIN, NUMBER)
    bird.watch(WORD, NUMBER)
    bird.watch_text(TEXT, "dialogue")
    (tmp_path / "sub").mkdir()
    file = tmp_path / "sub" / "sessions.db-wal"
    file.write_bytes(bytes(4096) + os.urandom(4096))
    assert bird.search(files(tmp_path)) == []

    for before in range(6):
        file.write_bytes(bytes(4090 + before) + planted + bytes(99))
        assert bird.search(files(tmp_path)), f"not found at {4090 + before}"


@pytest.mark.parametrize("pin", ["2580", "258036"])
def test_a_short_pin_is_found_under_a_hash(pin: str) -> None:
    bird = Canary()
    bird.watch(pin, NUMBER)

    assert bird.search([("log", b"." + hashlib.sha256(pin.encode()).hexdigest().encode())])
    assert bool(bird.search([("log", b"pin " + pin.encode())])) == (len(pin) == 6)


def test_sealed_records_are_opened(tmp_path: Path) -> None:
    ring, key, dedupe = KeyRing({"k": bytes(32)}), bytes(32), b"d"
    with sqlite3.connect(tmp_path / "sessions.db") as connection:
        connection.execute("CREATE TABLE sessions (key, version, state, address)")
        connection.execute("CREATE TABLE dedupe (session, key, reply)")
        row = (key, 3, ring.seal(PIN.encode(), key, b"state", 3), ring.seal(b"address", key, b"address"))
        connection.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", row)
        reply = ring.seal(b"hello", key, b"reply" + dedupe)
        connection.execute("INSERT INTO dedupe VALUES (?, ?, ?)", (key, dedupe, reply))
    connection.close()

    assert list(opened(tmp_path / "sessions.db", ring)) == [
        ("state", PIN.encode()),
        ("address", b"address"),
        ("reply", b"hello"),
    ]


def test_variables_causes_and_groups_are_in_what_is_told() -> None:
    def fail(bare: str) -> None:
        try:
            raise KeyError(bare)
        except KeyError as error:
            raise ExceptionGroup("some", [ValueError("one")]) from error

    with pytest.raises(ExceptionGroup) as caught:
        fail(PIN)
    assert f"bare = '{PIN}'" in told(caught.value)
    assert PIN not in frames_of_kikao(caught.value), "these frames are of a test"

    with pytest.raises(TypeError) as refused:
        str(Secret(PIN))
    assert "self = <secret>" in told(refused.value)
    assert "secrets.py" in frames_of_kikao(refused.value)
