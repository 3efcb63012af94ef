"""Requests that a provider signs with RSA: the public keys of the settings, and whether one of them fits."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

SMALLEST: Final = 2048
"""Bits of a key: what is smaller is broken, or will be (NIST SP 800-131A)."""

LARGEST: Final = 8192
"""Bits of a key: what is larger takes long to check, for whoever sends anything."""

MOST: Final = 4
"""Keys at once: the present one, the next one, and to spare."""

LONGEST: Final = 2048
"""Characters of a signature in base64: one of the largest key has 1368."""


def public_keys(text: str) -> tuple[RSAPublicKey, ...]:
    """The RSA keys of a setting: PEM, or DER in base64 on one line; several one after the other, also with commas.

    A PEM on one line may have `\\n`, or spaces, where its lines ended. Raises `ValueError` that says what is wrong with
    it, and does not show it.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    if "PRIVATE KEY" in text:
        raise ValueError(
            "must be the provider's public key; this is a private one, which nobody else may have"
        )
    text = text.replace("\\n", "\n")
    encoded = ["".join(block.split()) for block in _PEM.findall(text)]
    encoded += _PEM.sub(" ", text).replace(",", " ").split()
    if not 1 <= len(encoded) <= MOST:
        raise ValueError(
            f"must be 1 to {MOST} public keys, PEM or DER in base64, each without spaces if it is DER"
        )
    keys = []
    for each in encoded:
        try:
            key = load_der_public_key(base64.b64decode(each, validate=True))
        except (ValueError, UnsupportedAlgorithm):
            raise ValueError("must be a public key, PEM or DER in base64 on one line") from None
        if not isinstance(key, RSAPublicKey) or not SMALLEST <= key.key_size <= LARGEST:
            raise ValueError(f"must be an RSA key of {SMALLEST} to {LARGEST} bits")
        keys.append(key)
    return tuple(keys)


def signed(keys: tuple[RSAPublicKey, ...], signature: str, body: bytes) -> bool:
    """Whether the signature is one of a body, as it came, by one of the keys: RSA, PKCS#1 v1.5 (RFC 8017, 8.2),
    SHA-256, in base64."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    if not 0 < len(signature) <= LONGEST or not signature.isascii():
        return False
    try:
        given = base64.b64decode(signature, validate=True)
    except binascii.Error:
        return False
    for key in keys:
        try:
            key.verify(given, body, PKCS1v15(), SHA256())
        except InvalidSignature:
            continue
        return True
    return False


_PEM = re.compile(r"-----BEGIN (?:RSA )?PUBLIC KEY-----(.*?)-----END (?:RSA )?PUBLIC KEY-----", re.DOTALL)
