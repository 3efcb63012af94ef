"""Messages with the name of their publisher and a number, by which who hears them knows whether one is missing."""

from __future__ import annotations

import os
import struct
from typing import Final, NamedTuple

PUBLISHER: Final = 8
"""Octets of a publisher's name: random, so that a process that was started anew is another one."""

REMEMBERED: Final = 1000
"""Publishers of whom the last number is known; of one that was forgotten the next message is as the first."""

_HEAD: Final = struct.Struct(f">{PUBLISHER}sQ")


class Frame(NamedTuple):
    """A message as it is sent."""

    publisher: bytes
    number: int
    payload: bytes

    def packed(self) -> bytes:
        """As octets."""
        return _HEAD.pack(self.publisher, self.number) + self.payload


def unpacked(octets: bytes) -> Frame | None:
    """The frame; None for what is none."""
    if len(octets) < _HEAD.size:
        return None
    publisher, number = _HEAD.unpack_from(octets)
    return Frame(publisher, number, octets[_HEAD.size :])


class Numbering:
    """Numbers what this process publishes, by topic, from 1 without a gap."""

    def __init__(self) -> None:
        self.publisher = os.urandom(PUBLISHER)
        self._last: dict[str, int] = {}

    def frame(self, topic: str, payload: bytes) -> Frame:
        """The next one of a topic; its number is used up, whether it arrives or not."""
        number = self._last[topic] = self._last.get(topic, 0) + 1
        return Frame(self.publisher, number, payload)


class Sequences:
    """What was heard last, by topic and publisher."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, bytes], int] = {}

    def follows(self, topic: str, frame: Frame) -> tuple[bool, bool]:
        """Whether it is new, and whether something before it is missing."""
        name = topic, frame.publisher
        last = self._last.pop(name, None)
        self._last[name] = frame.number if last is None else max(frame.number, last)
        if len(self._last) > REMEMBERED:
            del self._last[next(iter(self._last))]
        if last is None:
            return True, False
        return frame.number > last, frame.number > last + 1

    def forget(self) -> None:
        """The next message of everybody is as the first."""
        self._last.clear()
