"""A part of something that is asked for: one range of octets (RFC 9110, 14). Pure.

Browsers ask so for what is played: Safari plays nothing of a server that gives no ranges. Who asks for several at once
is given all of it, as the standard allows: no player does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping


class Unsatisfiable(Exception):
    """The range begins behind the end: 416."""


def asked_for(method: str, headers: Mapping[str, str], size: int, tag: str) -> range | None:
    """Which octets of `size` a request wants; None for all of them. `tag` is the strong one of what there is now.

    A range that cannot be read, or belongs to something that is not what there is now (`If-Range`), is not looked at.
    Raises `Unsatisfiable`.
    """
    if method != "GET" or headers.get("if-range", tag) != tag:
        return None
    match = _RANGE(headers.get("range", "").strip())
    if match is None:
        return None
    first, last = match[1], match[2]
    if not first:
        length = min(int(last), size)
        if not length:
            raise Unsatisfiable
        return range(size - length, size)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return range(int(first), min(int(last) + 1, size) if last else size)


_RANGE = re.compile(
    r"bytes=[ \t]*(?!-[ \t]*$)([0-9]{0,18})-([0-9]{0,18})", re.ASCII | re.IGNORECASE
).fullmatch
