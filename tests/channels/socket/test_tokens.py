"""Tokens of live sessions: which are let in, what each other one is refused as, and that none is ever told."""

from __future__ import annotations

import base64
import functools
import hmac
import json
import string
import traceback
from collections.abc import Mapping
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.channels.socket.tokens import LONGEST, BadToken, Claims, Fault, Tokens, is_user
from kikao.config import Hidden, JwtKey, JwtSettings

NOW = 1_800_000_000.0
SECRET = bytes(range(7, 39))
OTHER = bytes(range(90, 130))


def clock() -> float:
    return NOW


def pems(key: Any) -> tuple[bytes, bytes]:
    """The private and the public half."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@functools.cache
def rsa() -> tuple[bytes, bytes]:
    return pems(generate_private_key(public_exponent=65537, key_size=2048))


@functools.cache
def ed25519() -> tuple[bytes, bytes]:
    return pems(Ed25519PrivateKey.generate())


def hs256(kid: str = "k1", secret: bytes = SECRET) -> JwtKey:
    return JwtKey(kid, "HS256", Hidden(secret))


def tokens(*keys: JwtKey, **options: Any) -> Tokens:
    return Tokens(JwtSettings(keys=keys or (hs256(),), **options), clock=clock)


def part(value: bytes | Mapping[str, Any] | str) -> str:
    if isinstance(value, Mapping):
        value = json.dumps(value)
    octets = value.encode() if isinstance(value, str) else value
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def token(
    claims: Mapping[str, Any] | str | bytes | None = None,
    head: Mapping[str, Any] | str | bytes | None = None,
    secret: bytes = SECRET,
    **said: Any,
) -> str:
    """One that another program signed with HS256, whatever it says. Without `claims` it is good, but for what is said;
    what is `...` is left out."""
    if claims is None:
        usual = {"sub": "ama", "iat": NOW - 5, "exp": NOW + 60, **said}
        claims = {name: value for name, value in usual.items() if value is not ...}
    signed = f"{part({'alg': 'HS256', 'kid': 'k1'} if head is None else head)}.{part(claims)}"
    return f"{signed}.{part(hmac.digest(secret, signed.encode(), 'sha256'))}"


def fault(text: str, of: Tokens | None = None) -> Fault:
    with pytest.raises(BadToken) as refused:
        (of or tokens()).verify(text)
    told = "".join(traceback.format_exception(refused.value))
    assert not text or len(text) < 8 or text not in told
    assert (refused.value.__context__, refused.value.__cause__) == (None, None)
    assert str(refused.value) == refused.value.fault.value
    return refused.value.fault


# --- what is let in ---


def test_a_token_says_who_and_until_when() -> None:
    found = tokens().verify(token(role="nurse"))
    assert found == Claims(
        user="ama",
        expires_at=NOW + 60,
        issued_at=NOW - 5,
        claims={"sub": "ama", "iat": NOW - 5, "exp": NOW + 60, "role": "nurse"},
        key="k1",
    )


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "EdDSA"])
def test_each_algorithm_signs_what_it_verifies_and_so_does_the_library(algorithm: Any) -> None:
    private, public = {"HS256": (SECRET, SECRET), "RS256": rsa(), "EdDSA": ed25519()}[algorithm]
    signing = tokens(JwtKey("k1", algorithm, Hidden(private)), audience="kikao", issuer="https://app")
    verifying = tokens(JwtKey("k1", algorithm, Hidden(public)), audience="kikao", issuer="https://app")
    signed = signing.sign("ama", 60, {"role": "nurse"})
    assert verifying.verify(signed) == signing.verify(signed)
    assert verifying.verify(signed).claims["role"] == "nurse"

    options: Any = {"verify_exp": False, "verify_iat": False}
    read = pyjwt.decode(signed, public, [algorithm], options, audience="kikao", issuer="https://app")
    assert (read["sub"], read["exp"] - read["iat"]) == ("ama", 60)
    theirs = pyjwt.encode(dict(read), private, algorithm, headers={"kid": "k1"})
    assert verifying.verify(theirs).user == "ama"


def test_the_example_of_the_standard_is_signed_as_it_says() -> None:
    """RFC 7515, A.1. It names no user."""
    key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    text = (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )
    settings = JwtSettings(keys=(hs256("rfc", base64.urlsafe_b64decode(f"{key}==")),), issuer="joe")
    assert fault(text, Tokens(settings, clock=lambda: 1_300_819_380 - 60)) is Fault.WRONG_USER
    assert fault(text, Tokens(settings, clock=lambda: 1_300_819_380 + 10)) is Fault.EXPIRED


def test_keys_are_replaced_without_a_token_lost() -> None:
    before, between, after = (
        tokens(hs256("old")),
        tokens(hs256("new", OTHER), hs256("old")),
        tokens(hs256("new", OTHER)),
    )
    old = before.sign("ama")
    new = between.sign("ama")
    assert (between.verify(old).key, between.verify(new).key, after.verify(new).key) == ("old", "new", "new")
    assert fault(old, after) is Fault.UNKNOWN_KEY
    assert between.verify(between.sign("ama", key="old")).key == "old"


def test_without_a_key_id_it_is_the_only_key_of_its_algorithm() -> None:
    bare = token(head={"alg": "HS256"})
    mixed = tokens(JwtKey("idp", "RS256", Hidden(rsa()[1])), hs256())
    assert mixed.verify(bare).key == "k1"
    assert fault(bare, tokens(hs256(), hs256("k2", OTHER))) is Fault.UNKNOWN_KEY
    assert fault(bare, tokens(JwtKey("idp", "RS256", Hidden(rsa()[1])))) is Fault.UNKNOWN_KEY


@pytest.mark.parametrize("aud", ["kikao", ["kikao"], ["shop", "kikao"], ["kikao", 7]])
def test_the_audience_is_one_of_those_named(aud: Any) -> None:
    assert tokens(audience="kikao").verify(token(aud=aud)).user == "ama"


@pytest.mark.parametrize("aud", [..., "shop", "kikao2", [], ["shop"], [["kikao"]], 7, {"kikao": 1}, None])
def test_another_audience_is_refused(aud: Any) -> None:
    assert fault(token(aud=aud), tokens(audience="kikao")) is Fault.WRONG_AUDIENCE


def test_what_is_meant_for_somebody_is_not_for_who_is_nobody() -> None:
    assert fault(token(aud="shop")) is Fault.WRONG_AUDIENCE
    assert fault(token(aud=["shop"])) is Fault.WRONG_AUDIENCE
    assert tokens().verify(token(aud=[])).user == "ama"


@pytest.mark.parametrize("iss", [..., "", "https://app/", ["https://app"], 7, None])
def test_another_issuer_is_refused(iss: Any) -> None:
    assert fault(token(iss=iss), tokens(issuer="https://app")) is Fault.WRONG_ISSUER
    assert tokens(issuer="https://app").verify(token(iss="https://app")).user == "ama"


# --- times ---


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"exp": NOW - 9.5}, None),
        ({"exp": NOW - 10, "iat": NOW - 60}, Fault.EXPIRED),
        ({"exp": 1, "iat": 0}, Fault.EXPIRED),
        ({"iat": NOW + 10}, None),
        ({"iat": NOW + 10.5}, Fault.NOT_YET),
        ({"nbf": NOW + 10}, None),
        ({"nbf": NOW + 11}, Fault.NOT_YET),
        ({"nbf": 0}, None),
        ({"iat": NOW, "exp": NOW + 86_400}, None),
        ({"iat": NOW, "exp": NOW + 86_401}, Fault.LIVES_TOO_LONG),
        ({"iat": 0, "exp": NOW + 1}, Fault.LIVES_TOO_LONG),
        ({"iat": ..., "exp": NOW + 86_410}, None),
        ({"iat": ..., "exp": NOW + 86_411}, Fault.LIVES_TOO_LONG),
        ({"iat": NOW, "exp": NOW}, Fault.WRONG_CLAIM),
        ({"exp": ...}, Fault.WRONG_CLAIM),
    ],
)
def test_when_it_begins_and_ends(said: dict[str, Any], expected: Fault | None) -> None:
    said = {"iat": NOW - 30, **said}
    if expected is None:
        assert tokens().verify(token(**said)).user == "ama"
    else:
        assert fault(token(**said)) is expected


def test_clocks_may_be_held_to_the_second() -> None:
    strict = tokens(leeway=0, lifetime=3600)
    assert fault(token(iat=NOW - 60, exp=NOW), strict) is Fault.EXPIRED
    assert fault(token(iat=NOW + 1), strict) is Fault.NOT_YET
    assert fault(token(iat=NOW, exp=NOW + 3601), strict) is Fault.LIVES_TOO_LONG


NO_TIMES: list[Any] = ["1800000060", True, None, [], {}, -1, 2**63, 10**300, 253_402_300_800, 1e300]


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", NO_TIMES, ids=str)
def test_a_time_is_a_number_within_reach(name: str, value: Any) -> None:
    assert fault(token(**{name: value})) is Fault.WRONG_CLAIM


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e400", "0x10", "01", "1" * 5000, "1" * 20 + "." + "1" * 5000]
)
def test_what_is_no_number_of_json_or_too_long_for_one(number: str) -> None:
    text = token(f'{{"sub":"ama","exp":{number}}}')
    assert len(text) < LONGEST
    assert fault(text) in (Fault.MALFORMED, Fault.WRONG_CLAIM)


def test_a_number_of_a_million_digits_is_not_even_read() -> None:
    assert fault(token(f'{{"sub":"ama","exp":{"1" * 1_000_000}}}')) is Fault.TOO_LONG


def test_what_was_issued_by_a_log_out_is_from_before_it() -> None:
    found = tokens().verify(token(iat=NOW - 5))
    assert [found.is_from_before(NOW - 5 + more) for more in (-0.1, 0, 0.1)] == [False, True, True]
    silent = tokens().verify(token(iat=...))
    assert silent.is_from_before(NOW - 100_000)
    assert not silent.is_from_before(0)  # nobody logged out
    assert not found.is_from_before(0)


# --- who ---


@pytest.mark.parametrize("sub", ["a", "x" * 128, "ama@example.com", "Ama Mensah", "أمل", "🙂" * 128])
def test_a_user_is_a_short_text(sub: str) -> None:
    assert tokens().verify(token(sub=sub)).user == sub


@pytest.mark.parametrize(
    "sub",
    [..., "", "x" * 129, 7, None, ["ama"], True, "a\nb", "a\0", "\x7f", "a\x85", "a\u2028b", "a\u2029"],
    ids=repr,
)
def test_another_user_is_none(sub: Any) -> None:
    assert fault(token(sub=sub)) is Fault.WRONG_USER


def test_half_a_character_is_no_user() -> None:
    assert not is_user("a\ud800")


@given(st.text())
@settings(max_examples=50)
def test_a_user_can_be_written_on_one_line(text: str) -> None:
    if is_user(text):
        assert text.encode().decode() == text
        assert text.splitlines() == [text]


# --- forgeries ---


def test_a_public_key_is_no_secret() -> None:
    """The classic: a token says HS256, and is signed with the public key that RS256 verifies with."""
    public = rsa()[1]
    for kid in ({"kid": "idp"}, {}):
        forged = token(head={"alg": "HS256", **kid}, secret=public)
        assert fault(forged, tokens(JwtKey("idp", "RS256", Hidden(public)))) in (
            Fault.WRONG_ALGORITHM,
            Fault.UNKNOWN_KEY,
        )
        both = tokens(JwtKey("idp", "RS256", Hidden(public)), hs256("own"))
        assert fault(forged, both) in (Fault.WRONG_ALGORITHM, Fault.WRONG_SIGNATURE)
    signed = tokens(JwtKey("idp", "EdDSA", Hidden(ed25519()[0]))).sign("ama")
    assert fault(signed, tokens(JwtKey("idp", "RS256", Hidden(public)))) is Fault.WRONG_ALGORITHM


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", "HS384", "HS512", "hs256", "ES256", "HS256 "])
def test_the_token_does_not_choose(name: str) -> None:
    assert fault(token(head={"alg": name, "kid": "k1"})) is Fault.WRONG_ALGORITHM
    assert fault(token(head={"alg": name})) is Fault.UNKNOWN_KEY
    head, payload, _ = token(head={"alg": name, "kid": "k1"}).split(".")
    assert fault(f"{head}.{payload}.") is Fault.MALFORMED
    assert fault(f"{head}.{payload}") is Fault.MALFORMED


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ({"kid": "k1"}, Fault.MALFORMED),
        ({"alg": 7, "kid": "k1"}, Fault.MALFORMED),
        ({"alg": ["HS256"], "kid": "k1"}, Fault.MALFORMED),
        ({"alg": "HS256", "kid": "k2"}, Fault.UNKNOWN_KEY),
        ({"alg": "HS256", "kid": ""}, Fault.UNKNOWN_KEY),
        ({"alg": "HS256", "kid": 7}, Fault.UNKNOWN_KEY),
        ({"alg": "HS256", "kid": ["k1"]}, Fault.UNKNOWN_KEY),
        ({"alg": "HS256", "kid": "../../dev/null"}, Fault.UNKNOWN_KEY),
        ({"alg": "HS256", "kid": "k1", "crit": ["exp"]}, Fault.MALFORMED),
        ({"alg": "HS256", "kid": "k1", "crit": ["b64"], "b64": False}, Fault.MALFORMED),
        ({"alg": "HS256", "kid": "k1", "b64": False}, Fault.MALFORMED),
        ('["HS256"]', Fault.MALFORMED),
        ('"HS256"', Fault.MALFORMED),
        ('{"alg":"none","alg":"HS256","kid":"k1"}', Fault.MALFORMED),
        ('{"alg":"HS256","kid":"k2","kid":"k1"}', Fault.MALFORMED),
        (b'{"alg":"HS256","kid":"k1","x":"\xff"}', Fault.MALFORMED),
        (b'\xef\xbb\xbf{"alg":"HS256","kid":"k1"}', Fault.MALFORMED),
        ("[" * 3000, Fault.MALFORMED),
        ('{"alg":"HS256","x":' + "[" * 2500 + "]" * 2500 + "}", Fault.MALFORMED),
    ],
    ids=lambda value: str(value)[:40],
)
def test_headers_that_are_refused(head: Any, expected: Fault) -> None:
    assert fault(token(head=head)) is expected


@pytest.mark.parametrize(
    "jku", [{"jku": "https://evil"}, {"jwk": {"kty": "oct", "k": "AAAA"}}, {"x5u": "https://evil"}]
)
def test_a_token_brings_no_key_of_its_own(jku: dict[str, Any]) -> None:
    assert fault(token(head={"alg": "HS256", "kid": "k1", **jku}, secret=b"\0\0\0")) is Fault.WRONG_SIGNATURE


@pytest.mark.parametrize(
    "payload",
    [
        "[]",
        "null",
        "7",
        "{",
        "{} ",
        '{"sub":"ama","exp":1800000060,"exp":1}',
        '{"sub":"eve","sub":"ama","exp":1800000060}',
        '{"sub":"ama","exp":1800000060,"app":{"role":"nurse","role":"admin"}}',
        '{"sub":"ama","exp":1800000060,"app":"\\ud800"}',
        b'{"sub":"\xff","exp":1800000060}',
    ],
)
def test_payloads_that_are_refused_though_they_are_signed(payload: str | bytes) -> None:
    expected = Fault.WRONG_CLAIM if payload == "{} " else Fault.MALFORMED
    assert fault(token(payload)) is expected


def test_a_changed_part_is_noticed() -> None:
    for signing in (
        tokens(),
        tokens(JwtKey("k1", "RS256", Hidden(rsa()[0]))),
        tokens(JwtKey("k1", "EdDSA", Hidden(ed25519()[0]))),
    ):
        head, payload, signature = signing.sign("ama").split(".")
        other = part({"sub": "eve", "iat": NOW, "exp": NOW + 60})
        assert fault(f"{head}.{other}.{signature}", signing) is Fault.WRONG_SIGNATURE
        for size in range(1, len(signature)):
            cut = f"{head}.{payload}.{signature[:size]}"
            assert fault(cut, signing) in (Fault.WRONG_SIGNATURE, Fault.MALFORMED)
        assert fault(f"{head}.{payload}.{signature}AAAA", signing) is Fault.WRONG_SIGNATURE


def test_each_letter_of_a_token_counts() -> None:
    """Also the bits that base64 does not need, so that a token has one text."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    good = token()
    for place, letter in enumerate(good):
        if letter != ".":
            changed = good[:place] + letters[(letters.index(letter) + 1) % 64] + good[place + 1 :]
            assert fault(changed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a..b",
        ".a.b",
        "a.b.",
        "é.é.é",
        "a.b.c.d",
        "Bearer x.y.z",
        "\ud800.a.b",
        "a.b.c\n",
        "٣.a.b",
        "YQ==.YQ==.YQ==",
    ],
)
def test_texts_that_are_no_token(text: str) -> None:
    assert fault(text) is Fault.MALFORMED


def test_what_is_known_of_a_header_lets_nothing_in() -> None:
    both, good = tokens(), token()
    assert both.verify(good).user == "ama"
    head, said, signature = good.split(".")
    other = token(sub="kofi").split(".")[1]
    assert fault(f"{head}.{other}.{signature}", both) is Fault.WRONG_SIGNATURE
    assert fault(token(exp=NOW - 60, iat=NOW - 120), both) is Fault.EXPIRED
    assert fault(f"{head}.{said}.{signature[:-1]}", both) is Fault.MALFORMED
    unknown = token(head={"alg": "HS256", "kid": "k9"})
    assert [fault(unknown, both) for _ in range(2)] == [Fault.UNKNOWN_KEY] * 2


@pytest.mark.parametrize("octets", [b"x", b"xy", b"xyz"])
def test_no_two_texts_of_a_part_mean_the_same(octets: bytes) -> None:
    head, said, _ = token().split(".")
    whole = part(octets)
    assert fault(f"{head}.{said}.{whole}") is Fault.WRONG_SIGNATURE
    for last in string.ascii_letters + string.digits + "-_":
        text = f"{whole[:-1]}{last}"
        meant = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        alone = part(meant) == text
        assert fault(f"{head}.{said}.{text}") is (Fault.WRONG_SIGNATURE if alone else Fault.MALFORMED)


def test_padding_and_other_alphabets_are_no_token() -> None:
    good = token()
    for changed in (
        f"{good}=",
        good.replace(".", "=.", 1),
        f" {good}",
        f"{good}\n",
        good.replace(".", "..", 1),
    ):
        assert fault(changed) is Fault.MALFORMED


def test_a_token_of_8_kib_is_read_and_a_longer_one_is_not() -> None:
    base = len(token(pad=""))
    longest = next(
        text for size in range(8192, 0, -1) if len(text := token(pad="x" * (size - base))) <= LONGEST
    )
    assert tokens().verify(longest).user == "ama"
    assert fault("a" * (LONGEST + 1)) is Fault.TOO_LONG


@given(st.text(max_size=200))
@settings(max_examples=50)
def test_any_text_is_refused(text: str) -> None:
    assert fault(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64"]), JSON, max_size=3),
    st.dictionaries(st.sampled_from(["sub", "exp", "iat", "nbf", "aud", "iss", "x"]), JSON, max_size=7),
    st.binary(max_size=70),
)
@settings(max_examples=50)
def test_whatever_is_signed_is_let_in_or_refused(head: Any, said: dict[str, Any], signature: bytes) -> None:
    for of in (tokens(), tokens(audience="kikao", issuer="app")):
        for text in (
            token({"sub": "ama", "exp": NOW + 60, **said}),
            token(said, head={"alg": "HS256", "kid": "k1", **head}),
            f"{part({'alg': 'HS256', **head})}.{part(said)}.{part(signature) or 'AA'}",
        ):
            try:
                found = of.verify(text)
            except BadToken:
                continue
            assert is_user(found.user)
            assert found.expires_at > NOW - 10


# --- keys, and signing ---


def test_nothing_shows_a_key() -> None:
    found = tokens(hs256(), JwtKey("idp", "RS256", Hidden(rsa()[1])))
    shown = f"{found!r} {found.__dict__} {hs256()!r}"
    assert "<tokens of k1, idp>" in shown
    assert repr(SECRET)[2:-1] not in shown
    assert "BEGIN" not in shown


@pytest.mark.parametrize(
    ("user", "seconds", "claims", "told"),
    [
        ("", 60, {}, "a user is 1 to 128"),
        ("a\n", 60, {}, "a user is 1 to 128"),
        ("ama", 0, {}, "1 to 86400 seconds"),
        ("ama", 86_401, {}, "1 to 86400 seconds"),
        ("ama", 60, {"exp": 7}, "not a claim of the app's: exp"),
        ("ama", 60, {"sub": "eve", "aud": "x"}, "not a claim of the app's: aud, sub"),
        ("ama", 60, {"x": object()}, "no JSON"),
        ("ama", 60, {"x": "\ud800"}, "no JSON"),
        ("ama", 60, {"x": "y" * 9000}, "too long"),
    ],
)
def test_what_is_not_signed(user: str, seconds: int, claims: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        tokens().sign(user, seconds, claims)


def test_a_public_key_signs_nothing_and_an_unknown_one_neither() -> None:
    verifying = tokens(JwtKey("idp", "RS256", Hidden(rsa()[1])), hs256())
    with pytest.raises(ValueError, match="key idp is a public key"):
        verifying.sign("ama")
    assert verifying.verify(verifying.sign("ama", key="k1")).key == "k1"
    with pytest.raises(ValueError, match="there are: idp, k1"):
        verifying.sign("ama", key="k2")


def test_there_has_to_be_a_key() -> None:
    with pytest.raises(ValueError, match="need a key"):
        Tokens(JwtSettings())
