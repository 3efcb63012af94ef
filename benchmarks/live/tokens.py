"""Tokens of the benchmarks' users, signed here: HS256."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Final

_KEY: Final = b"a key of the benchmarks that opens nothing else"
_KEY_ID: Final = "bench"

SETTING: Final = f"{_KEY_ID}:HS256:{base64.b64encode(_KEY).decode()}"
"""`KIKAO_JWT_KEYS` of a server that they open."""

LIFETIME: Final = 3600
"""Seconds."""


def token(user: str) -> str:
    """Of a user, for an hour."""
    now = int(time.time())
    signed = f"{_HEAD}.{_part({'sub': user, 'iat': now, 'exp': now + LIFETIME})}"
    return f"{signed}.{_octets(hmac.digest(_KEY, signed.encode(), hashlib.sha256))}"


def _part(value: dict[str, str | int]) -> str:
    return _octets(json.dumps(value, separators=(",", ":")).encode())


def _octets(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


_HEAD: Final = _part({"alg": "HS256", "typ": "JWT", "kid": _KEY_ID})
