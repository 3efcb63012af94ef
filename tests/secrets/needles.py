"""What a secret may look like once it escaped."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import zlib
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from struct import iter_unpack
from typing import Final
from urllib.parse import quote, quote_plus

import msgspec

HASHES: Final = ("md5", "sha1", "sha256", "sha512", "blake2b")
SHORTEST: Final = 6
"""Octets of the shortest thing looked for: six digits do not turn up in a database by chance."""

WINDOW: Final = 5
"""Octets by which they are found; an eight-digit number that is packed has no more."""

SEPARATORS: Final = " -.,*/:_"
"""What may stand between the digits of a number."""


def forms(text: str) -> Iterator[tuple[str, bytes]]:
    """A text in every plain encoding."""
    octets = text.encode()
    yield "UTF-16-LE", text.encode("utf-16-le")
    yield "UTF-16-BE", text.encode("utf-16-be")
    yield "reversed", octets[::-1]
    yield "upper case", text.upper().encode()
    yield "lower case", text.lower().encode()
    yield "percent", "".join(f"%{octet:02X}" for octet in octets).encode()
    yield "URL", quote(text, safe="").encode()
    yield "form", quote_plus(text).encode()
    yield "JSON", msgspec.json.encode(text)[1:-1]
    yield "repr", repr(text)[1:-1].encode()
    yield "repr of octets", repr(octets)[2:-1].encode()
    yield from written(octets)
    if text.isascii() and text.isdigit():
        yield from numbers(text)


def numbers(digits: str) -> Iterator[tuple[str, bytes]]:
    """Digits with separators between them, and as a number of four octets or more (but for shorter ones)."""
    for size in (1, 2, 3, 4):
        groups = [digits[at : at + size] for at in range(0, len(digits), size)]
        for separator in SEPARATORS if len(groups) > 1 else "":
            yield f"by {size} with {separator!r}", separator.join(groups).encode()
    yield "grouped", f"{int(digits):,}".encode()
    yield "number", str(int(digits)).encode()
    yield "hex number", f"{int(digits):x}".encode()
    yield "msgpack", msgspec.msgpack.encode(int(digits))


def hashes(text: str) -> Iterator[tuple[str, bytes]]:
    """A text under what needs no key: a PIN behind one is found by trying all PINs."""
    octets = text.encode()
    for name in HASHES:
        digest = hashlib.new(name, octets).digest()
        yield from ((f"{name}, {form}", found) for form, found in written(digest))
    yield from (
        (f"blake2b/16, {form}", found) for form, found in written(blake2b(octets, digest_size=16).digest())
    )
    for name, checksum in (("crc32", zlib.crc32(octets)), ("adler32", zlib.adler32(octets))):
        yield f"{name}, hex", f"{checksum:08x}".encode()
        yield f"{name}, HEX", f"{checksum:08X}".encode()
        yield f"{name}, decimal", str(checksum).encode()


def written(octets: bytes) -> Iterator[tuple[str, bytes]]:
    """Octets, and how octets are written as text."""
    yield "raw", octets
    yield "hex", octets.hex().encode()
    yield "HEX", octets.hex().upper().encode()
    for alignment in range(3):
        yield f"base64+{alignment}", base64_core(octets, alignment)


def base64_core(octets: bytes, alignment: int) -> bytes:
    """The characters of base64 that do not depend on what stands before and after."""
    encoded = base64.b64encode(b"\0" * alignment + octets)
    first = (alignment * 8 + 5) // 6
    return encoded[first : (alignment + len(octets)) * 8 // 6]


_EMPTY = re.compile(rb"(?<=\0\0)\0{64,}(?=\0\0)").split
"""Most of a new database is nothing. A zero may begin or end a wide character, so that some stay."""


class Canary:
    """The secrets that were typed, and what each would look like if it escaped."""

    def __init__(self) -> None:
        self.secrets = 0
        self.forms = 0
        self._needles: dict[bytes, dict[bytes, str]] = {}
        """By their first `WINDOW` octets: thousands are looked for in one pass."""

    def watch(self, secret: str, number: str, *, called: str = "") -> None:
        """Look for what a member types from now on. One of four digits only in forms that are not there by chance."""
        self.secrets += 1
        called = called or f"PIN of {len(secret)} digits"
        if len(secret) >= SHORTEST:
            self._add(called, forms(secret))
        for joined in (
            secret,
            number + secret,
            secret + number,
            f"{number} {secret}",
            f"{number}:{secret}",
            f"{number}*{secret}",
            f"text {secret}",
        ):
            self._add(f"{called} with number", hashes(joined))
        keyless = hmac.digest(b"", f"{number} {secret}".encode(), "sha256")
        self._add(f"{called} under an empty key", written(keyless))

    def watch_text(self, text: str, dialogue: str) -> None:
        """Look for an accumulated text."""
        self.secrets += 1
        self._add("accumulated text", [*forms(text), *hashes(text), *hashes(dialogue + text)])

    def search(self, haystacks: Iterable[tuple[str, bytes]]) -> list[str]:
        """Where something escaped to."""
        return [
            f"{place}: {what}"
            for place, octets in haystacks
            for part in _EMPTY(octets)
            for what in self._found_in(part)
        ]

    def _found_in(self, octets: bytes) -> Iterator[str]:
        if not self._may_be_in(octets):
            return
        for at in range(len(octets) - WINDOW + 1):
            if (near := self._needles.get(octets[at : at + WINDOW])) is not None:
                yield from (what for needle, what in near.items() if octets.startswith(needle, at))

    def _may_be_in(self, octets: bytes) -> bool:
        """Whether the beginning of anything looked for is there: most octets are asked no more than that."""
        begins = {(begin,) for begin in self._needles}
        for start in range(WINDOW):
            end = start + (len(octets) - start) // WINDOW * WINDOW
            if end > start and not begins.isdisjoint(iter_unpack(f"{WINDOW}s", octets[start:end])):
                return True
        return False

    def _add(self, what: str, needles: Iterable[tuple[str, bytes]]) -> None:
        for form, needle in needles:
            if len(needle) >= (WINDOW if form == "msgpack" else SHORTEST):
                self.forms += 1
                self._needles.setdefault(needle[:WINDOW], {}).setdefault(needle, f"{what} ({form})")


def alone(short: str, haystacks: Iterable[tuple[str, bytes]]) -> list[str]:
    """Where a PIN too short for a `Canary` stands in what was said: by itself, no part of a number, a time or an id."""
    find = re.compile(rf"(?<![0-9A-Za-z.,-]){short}(?![0-9A-Za-z])".encode()).search
    return [f"{place}: a PIN of {len(short)} digits" for place, octets in haystacks if find(octets)]
