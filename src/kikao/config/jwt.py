"""Settings of the tokens that live sessions are opened with: which keys there are, and what a token has to say.

A key is one of three kinds, and stays it: what a token says of its algorithm never chooses how it is checked (RFC 8725,
2.1 and 3.1).
"""

from __future__ import annotations

import re
from typing import Final, Literal, get_args

import msgspec

from kikao.config.hidden import Hidden

Algorithm = Literal["HS256", "RS256", "EdDSA"]
ALGORITHMS: Final[tuple[Algorithm, ...]] = get_args(Algorithm)

SHORTEST: Final = 32
"""Octets of a secret for HS256: as long as the hash (RFC 7518, 3.2)."""
LONGEST: Final = 256
RSA_BITS: Final = 2048
"""RFC 7518, 3.3."""

MAX_LEEWAY: Final = 60
SHORTEST_LIFE: Final = 60
LONGEST_LIFE: Final = 30 * 86_400


class JwtKey(msgspec.Struct, frozen=True):
    """A key under its id. Raises `ValueError` for one that is weak, or not of its algorithm; the text shows nothing."""

    kid: str
    """What tokens name it by: 1 to 64 letters, digits and `._-`."""
    algorithm: Algorithm
    material: Hidden
    """HS256: the octets of the secret, 32 to 256. RS256 and EdDSA (Ed25519): a PEM with the public or private key."""

    def __post_init__(self) -> None:
        if not _KID(self.kid):
            raise ValueError("has an id that is not 1 to 64 letters, digits, dots, - and _")
        if self.algorithm not in ALGORITHMS:
            raise ValueError(f"must be one of {', '.join(ALGORITHMS)}")
        if self.algorithm == "HS256":
            _check_secret(self.material.reveal())
        else:
            _check_pem(self.algorithm, self.material.reveal())

    @property
    def signs(self) -> bool:
        """Whether tokens can be made with it, too: a public key only verifies."""
        return self.algorithm == "HS256" or _PRIVATE(self.material.reveal()) is not None


class JwtSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a token has to be. Raises `ValueError` for what is out of bounds, or a key id that is there twice."""

    keys: tuple[JwtKey, ...] = ()
    """Each verifies; the first signs."""
    audience: str = ""
    """What `aud` has to name; empty for tokens that name none."""
    issuer: str = ""
    """What `iss` has to be; empty where it does not matter."""
    leeway: int = 10
    """Seconds that clocks may differ, at most 60."""
    lifetime: int = 86_400
    """Seconds from `iat` to `exp`, at most; a token that says more is refused."""

    def __post_init__(self) -> None:
        kids = [key.kid for key in self.keys]
        for kid in kids:
            if kids.count(kid) > 1:
                raise ValueError(f"key id {kid} is there twice")
        if not 0 <= self.leeway <= MAX_LEEWAY:
            raise ValueError(f"the leeway must be 0 to {MAX_LEEWAY} seconds")
        if not SHORTEST_LIFE <= self.lifetime <= LONGEST_LIFE:
            raise ValueError(f"the lifetime must be {SHORTEST_LIFE} to {LONGEST_LIFE} seconds")

    def describe(self) -> str:
        """A line for the start."""
        keys = ", ".join(
            f"{key.kid} ({key.algorithm}{'' if key.signs else ', verifies only'})" for key in self.keys
        )
        audience = f"for {self.audience}" if self.audience else "for no audience in particular"
        issuer = f"from {self.issuer}" if self.issuer else "from anybody who has a key"
        return (
            f"tokens of live sessions: keys {keys}; {audience}, {issuer}, {self.lifetime} s at most, "
            f"clocks may differ by {self.leeway} s"
        )


def _check_secret(secret: bytes) -> None:
    if not SHORTEST <= len(secret) <= LONGEST:
        raise ValueError(f"has {len(secret)} octets, not {SHORTEST} to {LONGEST}")
    if len(set(secret)) < 12:  # one random key in 10^17
        raise ValueError("is not random")
    if b"-----BEGIN" in secret or _is_public(secret):
        raise ValueError("is a key for RS256 or EdDSA, which others know, and no secret")


def _check_pem(algorithm: Algorithm, pem: bytes) -> None:
    # 30 ms, which only those pay who have such keys.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    wrong = "is no PEM with a key"
    try:
        if _PRIVATE(pem) is not None:
            wrong = "is no PEM with a private key that opens without a password"
            private = load_pem_private_key(pem, None)
            key = private.public_key() if hasattr(private, "public_key") else None
        else:
            if b"-----BEGIN CERTIFICATE-----" in pem:
                wrong = "is a certificate; take its key out: openssl x509 -pubkey -noout"
            key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(wrong) from None
    if algorithm == "RS256":
        if not isinstance(key, RSAPublicKey):
            raise ValueError("is no RSA key")
        if key.key_size < RSA_BITS:
            raise ValueError(f"has {key.key_size} bits, not at least {RSA_BITS}")
    elif not isinstance(key, Ed25519PublicKey):
        raise ValueError("is no Ed25519 key")


def _is_public(secret: bytes) -> bool:
    """Whether the octets are a public key in DER."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        load_der_public_key(secret)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


_KID = re.compile("[A-Za-z0-9._-]{1,64}").fullmatch
_PRIVATE = re.compile(rb"-----BEGIN ([A-Z]+ )*PRIVATE KEY-----").search
