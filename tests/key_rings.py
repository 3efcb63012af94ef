"""Secret keys of tests."""

from __future__ import annotations

from kikao.sessions.sealing import KeyRing

K1, K2, K3 = (bytes([n]) * 32 for n in (1, 2, 3))


def ring(**keys: bytes) -> KeyRing:
    """Keys by id, the first one seals; `k1` alone by default."""
    return KeyRing(keys or {"k1": K1})
