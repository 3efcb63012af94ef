"""Keys of tokens: which are let in, which are too weak or another thing than they say, and that none is shown."""

from __future__ import annotations

import base64
import functools
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from kikao.config import Hidden, JwtKey, JwtSettings

SECRET = bytes(range(100, 140))


@functools.cache
def rsa_key(bits: int = 2048) -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@functools.cache
def ed_key() -> Any:
    return ed25519.Ed25519PrivateKey.generate()


def private(key: Any, style: PrivateFormat = PrivateFormat.PKCS8, password: bytes = b"") -> bytes:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return bytes(key.private_bytes(Encoding.PEM, style, lock))


def public(key: Any, encoding: Encoding = Encoding.PEM) -> bytes:
    return bytes(key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo))


def wrong(algorithm: Any, material: bytes, kid: str = "k1") -> str:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 -- its text is what is looked at
        JwtKey(kid, algorithm, Hidden(material))
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    return str(refused.value)


def test_keys_of_each_kind_and_which_of_them_sign() -> None:
    kinds = [
        ("HS256", SECRET, True),
        ("RS256", private(rsa_key()), True),
        ("RS256", private(rsa_key(), PrivateFormat.TraditionalOpenSSL), True),
        ("RS256", public(rsa_key()), False),
        ("EdDSA", private(ed_key()), True),
        ("EdDSA", b"# ours\n" + public(ed_key()), False),
    ]
    for algorithm, material, signs in kinds:
        key = JwtKey("k1", algorithm, Hidden(material))  # type: ignore[arg-type]
        assert key.signs == signs
        assert repr(key) == f"JwtKey(kid='k1', algorithm='{algorithm}', material=<hidden>)"


def test_a_secret_is_long_random_and_nobody_elses_public_key() -> None:
    assert wrong("HS256", SECRET[:31]) == "has 31 octets, not 32 to 256"
    assert wrong("HS256", SECRET * 7) == "has 280 octets, not 32 to 256"
    assert wrong("HS256", b"change-me-" * 4) == "is not random"
    assert "no secret" in wrong("HS256", public(ed_key()))
    assert "no secret" in wrong("HS256", public(ed_key(), Encoding.DER))
    assert "octets" in wrong("HS256", public(rsa_key(), Encoding.DER))


def test_a_pem_has_a_key_of_its_algorithm() -> None:
    assert wrong("RS256", public(rsa_key(1024))) == "has 1024 bits, not at least 2048"
    assert wrong("RS256", private(rsa_key(1024))) == "has 1024 bits, not at least 2048"
    assert wrong("RS256", public(ed_key())) == "is no RSA key"
    assert wrong("RS256", private(ec.generate_private_key(ec.SECP256R1()))) == "is no RSA key"
    assert wrong("EdDSA", private(rsa_key())) == "is no Ed25519 key"
    assert wrong("EdDSA", public(ed448.Ed448PrivateKey.generate())) == "is no Ed25519 key"
    for material in (b"", b"-----BEGIN PUBLIC KEY-----", SECRET, public(rsa_key())[:-60]):
        assert wrong("RS256", material) == "is no PEM with a key"
    assert "without a password" in wrong("RS256", private(rsa_key(), password=b"hunter2"))
    assert "without a password" in wrong("RS256", private(rsa_key())[:-90])
    certificate = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    assert "openssl x509 -pubkey" in wrong("RS256", certificate)


@pytest.mark.parametrize("algorithm", ["none", "HS512", "rs256", "ES256", ""])
def test_there_are_three_algorithms(algorithm: str) -> None:
    assert wrong(algorithm, SECRET) == "must be one of HS256, RS256, EdDSA"


@pytest.mark.parametrize("kid", ["", "k" * 65, "a b", "a:b", "é", "a\n", "a/b"])
def test_a_key_has_a_plain_id(kid: str) -> None:
    assert "1 to 64" in wrong("HS256", SECRET, kid)


def test_bounds_of_what_a_token_has_to_be() -> None:
    key = JwtKey("k1", "HS256", Hidden(SECRET))
    for options, told in (
        ({"leeway": 61}, "0 to 60"),
        ({"leeway": -1}, "0 to 60"),
        ({"lifetime": 59}, "60 to"),
        ({"lifetime": 30 * 86_400 + 1}, "to 2592000"),
        ({"keys": (key, key)}, "k1 is there twice"),
    ):
        with pytest.raises(ValueError, match=told):
            JwtSettings(**options)


def test_what_is_said_of_them() -> None:
    keys = (JwtKey("k1", "HS256", Hidden(SECRET)), JwtKey("idp", "EdDSA", Hidden(public(ed_key()))))
    said = JwtSettings(keys=keys, audience="kikao", issuer="https://app").describe()
    assert "keys k1 (HS256), idp (EdDSA, verifies only); for kikao, from https://app" in said
    assert base64.b64encode(SECRET).decode() not in said
