"""Public keys as people paste them, and signatures as providers send them."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from kikao.channels.ussd.signing import LONGEST, public_keys, signed

KEY, OTHER = (rsa.generate_private_key(65537, 2048) for _ in range(2))
BODY = b'{"message": "4321"}'


def pem(key: PublicKeyTypes, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    return key.public_bytes(Encoding.PEM, form).decode()


def der(key: PublicKeyTypes) -> str:
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def signature(
    body: bytes = BODY, padding: AsymmetricPadding | None = None, algorithm: HashAlgorithm | None = None
) -> str:
    made = KEY.sign(body, padding or PKCS1v15(), algorithm or SHA256())
    return base64.b64encode(made).decode()


PUBLIC, NEXT = KEY.public_key(), OTHER.public_key()


@pytest.mark.parametrize(
    "written",
    [
        pem(PUBLIC),
        pem(PUBLIC, PublicFormat.PKCS1),
        pem(PUBLIC).replace("\n", "\r\n"),
        pem(PUBLIC).strip().replace("\n", "\\n"),
        pem(PUBLIC).replace("\n", " "),
        der(PUBLIC),
        f" {der(PUBLIC)}\n",
    ],
    ids=["PEM", "PKCS#1", "CRLF", "one line with \\n", "one line with spaces", "DER", "DER with space"],
)
def test_a_key_as_people_paste_it(written: str) -> None:
    assert public_keys(written) == (PUBLIC,)


@pytest.mark.parametrize(
    "written",
    [f"{der(NEXT)},{der(PUBLIC)}", pem(NEXT) + pem(PUBLIC), f"{der(NEXT)}\n{der(PUBLIC)}"],
    ids=["commas", "two PEM", "lines"],
)
def test_two_keys_while_one_takes_the_place_of_the_other(written: str) -> None:
    keys = public_keys(written)
    assert keys == (NEXT, PUBLIC)
    assert signed(keys, signature(), BODY)


def test_der_and_pem_at_once() -> None:
    assert public_keys(f"{der(NEXT)}, {pem(PUBLIC)}") == (PUBLIC, NEXT), "PEM first"


SMALL = rsa.generate_private_key(65537, 1024).public_key()


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("", "must be 1 to 4 public keys"),
        (",".join([der(PUBLIC)] * 5), "must be 1 to 4 public keys"),
        ("secret", "must be a public key, PEM or DER in base64 on one line"),
        ("c2VjcmV0", "must be a public key"),
        (der(PUBLIC)[:-8], "must be a public key"),
        (der(PUBLIC)[:60], "must be a public key"),
        (pem(PUBLIC).replace("-----END PUBLIC KEY-----", ""), "must be "),
        (der(SMALL), "must be an RSA key of 2048 to 8192 bits"),
        (der(ec.generate_private_key(ec.SECP256R1()).public_key()), "must be an RSA key"),
        (der(ed25519.Ed25519PrivateKey.generate().public_key()), "must be an RSA key"),
        (
            KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            "must be the provider's public key; this is a private one",
        ),
    ],
    ids=["nothing", "five", "text", "base64", "cut", "short", "no end", "1024", "EC", "Ed25519", "private"],
)
def test_what_is_no_key_is_refused_and_not_shown(written: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong) as refused:
        public_keys(written)
    assert not written or written[:40] not in str(refused.value)


def test_a_signature_is_over_each_octet_of_the_body() -> None:
    keys = public_keys(der(PUBLIC))
    assert signed(keys, signature(), BODY)
    for place in range(len(BODY)):
        assert not signed(keys, signature(), BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :])
    for other in (b"", BODY + b"\n", b" " + BODY, BODY.replace(b" ", b"")):
        assert not signed(keys, signature(), other)


def test_an_empty_body_can_be_signed() -> None:
    assert signed((PUBLIC,), signature(b""), b"")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "4321",
        "====",
        "ŋ",
        signature()[:-4],
        signature() + "AAAA",
        signature()[:40] + "\n" + signature()[40:],
        signature()[:40] + " " + signature()[40:],
        f"{signature()}, {signature()}",
        "A" * LONGEST,
        "A" * (LONGEST + 4),
        signature().swapcase(),
        signature().replace("+", "-").replace("/", "_") + "!",
        base64.b64encode(bytes(256)).decode(),
        signature(algorithm=SHA1()),
        signature(padding=PSS(MGF1(SHA256()), 32)),
    ],
)
def test_what_is_no_signature_is_none(given: str) -> None:
    assert not signed((PUBLIC, NEXT), given, BODY)


def test_a_key_that_is_not_in_the_settings_signs_nothing() -> None:
    assert not signed((NEXT,), signature(), BODY)
    assert not signed((), signature(), BODY)
