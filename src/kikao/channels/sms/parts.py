"""Messages of several parts over SMPP: the header that a part begins with, and parts that come one by one.

Source: 3GPP TS 23.040, 9.2.3.24.1 (concatenated short messages, a reference of 8 bits) and 9.2.3.24.8 (of 16 bits);
SMPP 3.4, 5.3.2.22 to 5.3.2.24 (the same as optional parameters, `sar_…`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kikao.channels.smpp.pdu import ShortMessage

UDHI: Final = 0x40
"""The bit of `esm_class` by which a text begins with a header (5.2.12)."""

SAR_REFERENCE: Final = 0x020C
SAR_TOTAL: Final = 0x020E
SAR_NUMBER: Final = 0x020F

KEPT: Final = 300.0
"""Seconds in which all parts of a message have to come."""

MOST: Final = 1000
"""Messages of which some parts are there."""


class Part(NamedTuple):
    """Which part of which message."""

    reference: int
    total: int
    number: int
    """From 1."""


Key = tuple[str, str]
"""Who sent it, and to which number."""

ALONE: Final = Part(0, 1, 1)


def header(part: Part) -> bytes:
    """The header of a part that goes, with a reference of 8 bits: 6 octets."""
    return bytes((5, 0, 3, part.reference & 0xFF, part.total, part.number))


def parameters(part: Part) -> dict[int, bytes]:
    """The same as optional parameters."""
    return {
        SAR_REFERENCE: part.reference.to_bytes(2, "big"),
        SAR_TOTAL: bytes((part.total,)),
        SAR_NUMBER: bytes((part.number,)),
    }


def read(message: ShortMessage) -> tuple[Part, bytes]:
    """Which part a message is, and the octets of its text. What says nothing that can be is a message of its own."""
    octets, part = message.octets, ALONE
    if message.esm_class & UDHI and octets:
        length = octets[0] + 1
        part, octets = _of_header(octets[1:length]), octets[length:]
    elif SAR_TOTAL in message.parameters:
        found = message.parameters
        part = Part(
            *(int.from_bytes(found.get(tag, b""), "big") for tag in (SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER))
        )
    return (part if 1 <= part.number <= part.total <= 255 else ALONE), octets


def _of_header(elements: bytes) -> Part:
    at = 0
    while at + 2 <= len(elements):
        kind, length = elements[at], elements[at + 1]
        data = elements[at + 2 : at + 2 + length]
        if kind == 0x00 and len(data) == 3:
            return Part(*data)
        if kind == 0x08 and len(data) == 4:
            return Part(data[0] << 8 | data[1], data[2], data[3])
        at += 2 + length
    return ALONE


class Parts:
    """Parts that are there, until all are. In memory: a process that dies forgets them."""

    def __init__(self) -> None:
        self._there: dict[tuple[str, str, int, int], tuple[float, dict[int, str]]] = {}

    def __len__(self) -> int:
        return len(self._there)

    def add(self, key: Key, part: Part, text: str, now: float) -> str | None:
        """The whole text with the last part that comes; None before. `now` is in seconds of any clock that goes on.

        What is whole stays until it is dealt with (`forget`): its last part may come again.
        """
        if part.total == 1:
            return text
        name = (*key, part.reference, part.total)
        began, texts = self._there.pop(name, (now, {}))
        if began + KEPT < now:  # another message, by the same reference
            began, texts = now, {}
        texts[part.number] = text
        self._there[name] = began, texts
        while len(self._there) > MOST or next(iter(self._there.values()))[0] + KEPT < now:
            del self._there[next(iter(self._there))]
        return "".join(texts[number] for number in sorted(texts)) if len(texts) == part.total else None

    def forget(self, key: Key, part: Part) -> None:
        """Its message is dealt with."""
        self._there.pop((*key, part.reference, part.total), None)
