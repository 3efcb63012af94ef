"""Plain data without a secret: the last line of defence against a service that gives back what it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

Chars = TypeVar("Chars", str, bytes)

REDACTED: Final = "***"

LONG: Final = 6
"""Characters of the shortest secret that does not turn up in other data by chance."""


def holds(data: Any, secret: str) -> bool:
    """Whether there is something of the secret to be taken out of the data."""
    return bool(redacted(data, secret) != data)


def redacted(data: Any, secret: str) -> Any:
    """The data without the secret: in texts, octets and numbers, in keys and values, however deep.

    A secret of `LONG` characters is taken out wherever it stands, a shorter one where it stands alone: "2580" is part
    of many a number. A number that has the digits of a long one becomes 0. A short one cannot be told from an amount,
    and stays. What is encoded in other ways than these (hashed, base64, cut in pieces) is not seen.
    """
    if not secret:
        return data
    if isinstance(data, str):
        for form in {secret, secret.upper(), secret.lower()}:
            data = _without(data, form, REDACTED, _alone if len(secret) < LONG else None)
        return data
    if isinstance(data, bytes):
        return _octets_without(data, secret)
    if isinstance(data, dict):
        return {redacted(key, secret): redacted(item, secret) for key, item in data.items()}
    if isinstance(data, list | tuple):
        return [redacted(item, secret) for item in data]
    if type(data) in (int, float) and _tells(data, secret):
        return type(data)(0)
    return data


def _octets_without(octets: bytes, secret: str) -> bytes:
    for form in {secret, secret.upper(), secret.lower()}:
        utf8 = form.encode(errors="surrogatepass")
        octets = _without(octets, utf8, REDACTED.encode(), _alone if len(secret) < LONG else None)
        for wide in ("utf-16-le", "utf-16-be"):
            octets = _without(octets, form.encode(wide, "surrogatepass"), REDACTED.encode(wide), None)
    return octets


def _without(
    text: Chars, part: Chars, instead: Chars, counts: Callable[[Chars, int, int], bool] | None
) -> Chars:
    # No regular expression: `re` would keep the secret in its cache.
    pieces, start = [], 0
    for at in _places(text, part):
        end = at + len(part)
        if at >= start and (counts is None or counts(text, at, end)):
            pieces += [text[start:at], instead]
            start = end
    if not pieces:
        return text
    pieces.append(text[start:])
    return text[:0].join(pieces)


def _places(text: Chars, part: Chars) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _alone(text: Chars, start: int, end: int) -> bool:
    """Whether the characters on both sides do not go on with it: digits with a digit, letters with a letter."""
    before, after = text[max(start - 1, 0) : start], text[end : end + 1]
    return not (_go_on(before, text[start : start + 1]) or _go_on(text[end - 1 : end], after))


def _go_on(left: Chars, right: Chars) -> bool:
    return (left.isdigit() and right.isdigit()) or (left.isalpha() and right.isalpha())


def _tells(number: float, secret: str) -> bool:
    """Whether a number has the digits of a long secret; of a fraction, whether it is that number."""
    digits = secret.lstrip("0")
    if len(digits) < LONG or not (secret.isascii() and secret.isdigit()):
        return False
    if isinstance(number, int):
        return digits in str(abs(number))
    return abs(number) == float(digits)
