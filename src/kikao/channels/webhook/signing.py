"""The signature of a webhook: HMAC-SHA-256 over the time, the id of the message and the raw body.

None of them can be changed. Who sends a request again that was overheard sends its id, too, by which copies are told.

`Kikao-Signature: t=1700000000,v1=<64 hex digits>`; while a secret is being changed there is a `v1` of each.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final

SIGNATURE: Final = "Kikao-Signature"
MESSAGE: Final = "Kikao-Message"
"""The id of the message, 32 hex digits: the same when it comes again."""
TRY: Final = "Kikao-Try"

TOLERANCE: Final = 300.0
"""Seconds that the clocks of two machines, and the way, may take."""

_HEADER = re.compile(r"t=([0-9]{1,12})((?:,v1=[0-9a-f]{64}){1,5})").fullmatch


class BadSignature(Exception):
    """A request was not signed with this secret, or too long ago. The text says which, and nothing of the secret."""

    SAFE = True


def signature(secrets: Iterable[bytes], message: str, body: bytes, now: float) -> str:
    """The header for a body that is sent at `now` (seconds since the epoch) with the id `message`."""
    at = str(int(now))
    return ",".join([f"t={at}", *(f"v1={_mac(secret, at, message, body)}" for secret in secrets)])


def verify(
    secret: bytes, header: str, message: str, body: bytes, now: float, tolerance: float = TOLERANCE
) -> None:
    """Check a request: its `Kikao-Signature`, its `Kikao-Message`, and its body as it came, octet for octet.

    Raises `BadSignature`, whatever stands in the headers.
    """
    found = _HEADER(header.strip())
    if found is None:
        raise BadSignature(f"{SIGNATURE} is missing, or has another form")
    expected = _mac(secret, found[1], message, body)
    made = [each.removeprefix("v1=") for each in found[2].split(",") if each]
    if not any([hmac.compare_digest(expected, each) for each in made]):  # noqa: C419 - in the same time, whichever fits
        raise BadSignature(f"{SIGNATURE} was made with another secret, or of another message")
    if abs(now - int(found[1])) > tolerance:
        raise BadSignature(f"{SIGNATURE} is not of these {tolerance:.0f} seconds")


def _mac(secret: bytes, at: str, message: str, body: bytes) -> str:
    signed = b"%b.%b.%b" % (at.encode(), message.encode(errors="replace"), body)
    return hmac.new(secret, signed, hashlib.sha256).hexdigest()
