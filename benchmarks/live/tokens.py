"""Tokens of the benchmarks' users, signed here: HS256."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Final

KEY: Final = "a-key-of-the-benchmarks-that-opens-nothing-else"
KEY_ID: Final = "bench"
LIFETIME: Final = 3600
"""Seconds."""


def token(user: str) -> str:
    """Of a user, for an hour."""
    now = int(time.time())
    signed = f"{_HEAD}.{_part({'sub': user, 'iat': now, 'exp': now + LIFETIME})}"
    return f"{signed}.{_octets(hmac.digest(KEY.encode(), signed.encode(), hashlib.sha256))}"


def _part(value: dict[str, str | int]) -> str:
    return _octets(json.dumps(value, separators=(",", ":")).encode())


def _octets(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


_HEAD: Final = _part({"alg": "HS256", "typ": "JWT", "kid": KEY_ID})
