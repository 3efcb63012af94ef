"""Tokens: the JWT that opens a live session says who somebody is, until when, and who vouches for it.

    tokens = Tokens.of(settings)
    claims = tokens.verify(text)        # or BadToken, whose `fault` may be logged
    claims.user

RFC 7519, held to RFC 8725: each key has one algorithm, which the token has no say in; keys are told apart by `kid`; the
token has to end, and soon enough; where an audience is named, it has to be this one. Signatures are PyJWT's to check.

No error here has the token, or any part of it, in its text or in its chain.
"""

from __future__ import annotations

import base64
import json
import re
import string
import time
import unicodedata
from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from kikao.config import JwtKey, JwtSettings
from kikao.config.jwt_key_file import with_development_key

if TYPE_CHECKING:
    from jwt.algorithms import Algorithm

    from kikao.config import Settings

LONGEST: Final = 8192
"""Characters of a token; more are not looked at."""

LONGEST_USER: Final = 128

HEADS: Final = 16
"""Headers of which it is remembered whose they are: all tokens that a backend signs have the same."""

LATEST: Final = 253_402_300_799
"""The last second of the year 9999, as no time of a token may be later."""

REGISTERED: Final = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat"})
"""Claims of RFC 7519 that `sign` writes by itself."""


class Fault(Enum):
    """What is wrong with a token. The value is for logs and the labels of metrics."""

    TOO_LONG = "too_long"
    """Over 8 KiB."""
    MALFORMED = "malformed"
    """No JWT: three parts of base64url, of which the first two are JSON objects with each member once."""
    UNKNOWN_KEY = "unknown_key"
    """No key has its `kid`; or it has none, and not exactly one key is of its algorithm."""
    WRONG_ALGORITHM = "wrong_algorithm"
    """Another one than its key is for; `none` is nobody's."""
    WRONG_SIGNATURE = "wrong_signature"
    WRONG_CLAIM = "wrong_claim"
    """A time is no number, or lies out of all reach; `exp` is missing, or not after `iat`."""
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    """`nbf` or `iat` lies further ahead than clocks may differ."""
    LIVES_TOO_LONG = "lives_too_long"
    """From `iat`, or from now where it has none, to `exp`."""
    WRONG_AUDIENCE = "wrong_audience"
    """`aud` does not name that of the settings, or names any where the settings have none (RFC 7519, 4.1.3)."""
    WRONG_ISSUER = "wrong_issuer"
    WRONG_USER = "wrong_user"
    """`sub` is missing, or not 1 to 128 characters without control characters."""


class BadToken(Exception):
    """A token that opens nothing. `fault` says why, and is all that may be told of it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Claims(msgspec.Struct, frozen=True):
    """What a token says that was verified. Times are seconds since 1970."""

    user: str
    """`sub`: 1 to 128 characters, none of which is a control character."""
    expires_at: float
    issued_at: float | None
    """`iat`; None where it does not say."""
    claims: Mapping[str, Any]
    """All of them, as JSON."""
    key: str
    """The id of the key that verified it."""

    def is_from_before(self, moment: float) -> bool:
        """Whether it was, or may have been, issued by the moment of a log-out, after which it is worth nothing.

        False for 0, which stands for no log-out. `iat` has whole seconds in most tokens, so one of the same second
        counts as older; one without `iat` always does.
        """
        return moment > 0 and (self.issued_at is None or self.issued_at <= moment)


class Tokens:
    """Verifies tokens by the settings, and signs them, for development and tests. Any thread may use it.

    `clock` tells seconds since 1970. Raises `ValueError` without a key, and `ModuleNotFoundError` without PyJWT.
    """

    def __init__(self, settings: JwtSettings, *, clock: Callable[[], float] = time.time) -> None:
        from jwt import PyJWS  # 60 to 170 ms, for those who have live sessions

        if not settings.keys:
            raise ValueError("tokens need a key")
        library = PyJWS(algorithms=list({key.algorithm for key in settings.keys}))
        self._settings = settings
        self._clock = clock
        self._keys = {
            key.kid: _Key.of(key, library.get_algorithm_by_name(key.algorithm)) for key in settings.keys
        }
        self._key_by = lru_cache(HEADS)(self._key_of)

    @classmethod
    def of(cls, settings: Settings, *, clock: Callable[[], float] = time.time) -> Tokens | None:
        """Those of the settings; None where there are no keys.

        In development there is always one: where none is set it is made, and kept in the data folder. Raises
        `ValueError` that names the file where that does not work.
        """
        found = with_development_key(settings)
        return cls(found, clock=clock) if found.keys else None

    def __repr__(self) -> str:
        return f"<tokens of {', '.join(self._keys)}>"

    def verify(self, token: str) -> Claims:
        """What it says. Raises `BadToken`."""
        key, payload = self._opened(token)
        claims = _members(payload)
        issued, expires = self._times(claims)
        self._check_origin(claims)
        user = claims.get("sub")
        if not isinstance(user, str) or not is_user(user):
            raise BadToken(Fault.WRONG_USER)
        return Claims(user, expires, issued, claims, key)

    def sign(
        self,
        user: str,
        seconds: int = 3600,
        claims: Mapping[str, Any] | None = None,
        *,
        key: str = "",
    ) -> str:
        """A token for the user, for so many seconds, with the first key or that one, and these claims besides.

        In production an app's own backend makes them. Raises `ValueError` for what `verify` would refuse, a key that is
        not there or only verifies, and claims that it writes by itself.
        """
        chosen = self._keys.get(key or next(iter(self._keys)))
        if chosen is None:
            raise ValueError(f"no key has the id {key!r}; there are: {', '.join(self._keys)}")
        if not chosen.signs:
            raise ValueError(f"key {chosen.kid} is a public key, which signs nothing")
        if not is_user(user):
            raise ValueError("a user is 1 to 128 characters without control characters")
        if not 1 <= seconds <= self._settings.lifetime:
            raise ValueError(f"a token lives 1 to {self._settings.lifetime} seconds")
        if own := REGISTERED & {*(claims or {})}:
            raise ValueError(f"not a claim of the app's: {', '.join(sorted(own))}")
        now = int(self._clock())
        said: dict[str, Any] = {**(claims or {}), "sub": user, "iat": now, "exp": now + seconds}
        if self._settings.audience:
            said["aud"] = self._settings.audience
        if self._settings.issuer:
            said["iss"] = self._settings.issuer
        head = {"alg": chosen.name, "kid": chosen.kid, "typ": "JWT"}
        try:
            parts = b".".join(_encoded(msgspec.json.encode(part)) for part in (head, said))
        except (TypeError, ValueError, RecursionError):
            raise ValueError("the claims are no JSON") from None
        token = b".".join((parts, _encoded(chosen.algorithm.sign(parts, chosen.key)))).decode()
        if len(token) > LONGEST:
            raise ValueError(f"the claims are too long: a token has {LONGEST} characters at most")
        return token

    def _opened(self, token: str) -> tuple[str, bytes]:
        """The key id and the payload of a token that was signed with one of the keys."""
        if len(token) > LONGEST:
            raise BadToken(Fault.TOO_LONG)
        match = _COMPACT(token)
        if match is None:
            raise BadToken(Fault.MALFORMED)
        head, payload, signature = match.groups()
        key, octets = self._key_by(head), _decoded(payload)
        signed = token[: match.start(3) - 1].encode()
        if not key.algorithm.verify(signed, key.public, _decoded(signature)):
            raise BadToken(Fault.WRONG_SIGNATURE)
        return key.kid, octets

    def _key_of(self, part: str) -> _Key:
        """The key that a header names. Its algorithm is compared with the key's, and decides nothing.

        A token without `kid` belongs to the one key of its algorithm. Where there are two it would have to be tried
        with each, and is refused.
        """
        head = _members(_decoded(part))
        kid, name = head.get("kid"), head.get("alg")
        if (
            not isinstance(name, str) or "crit" in head or "b64" in head
        ):  # there is no extension that it knows
            raise BadToken(Fault.MALFORMED)
        if kid is None:
            fitting = [key for key in self._keys.values() if key.name == name]
            key = fitting[0] if len(fitting) == 1 else None
        else:
            key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise BadToken(Fault.UNKNOWN_KEY)
        if key.name != name:
            raise BadToken(Fault.WRONG_ALGORITHM)
        return key

    def _times(self, claims: Mapping[str, Any]) -> tuple[float | None, float]:
        """When it was issued, if it says so, and when it ends."""
        expires, issued, begins = (_time(claims, name) for name in ("exp", "iat", "nbf"))
        now, leeway, lifetime = self._clock(), self._settings.leeway, self._settings.lifetime
        if expires is None or (issued is not None and expires <= issued):
            raise BadToken(Fault.WRONG_CLAIM)
        if expires <= now - leeway:
            raise BadToken(Fault.EXPIRED)
        if max(issued or 0, begins or 0) > now + leeway:
            raise BadToken(Fault.NOT_YET)
        if expires - (now + leeway if issued is None else issued) > lifetime:
            raise BadToken(Fault.LIVES_TOO_LONG)
        return issued, expires

    def _check_origin(self, claims: Mapping[str, Any]) -> None:
        issuer, audience = self._settings.issuer, self._settings.audience
        if issuer and claims.get("iss") != issuer:
            raise BadToken(Fault.WRONG_ISSUER)
        named = claims.get("aud", [])
        if not (named == audience or (isinstance(named, list) and audience in named)) if audience else named:
            raise BadToken(Fault.WRONG_AUDIENCE)


def is_user(value: str) -> bool:
    """Whether it can be the id of a user: 1 to 128 characters, none of which is a control character."""
    return 0 < len(value) <= LONGEST_USER and (
        value.isprintable() or not any(unicodedata.category(letter) in _CONTROL for letter in value)
    )


class _Key(NamedTuple):
    """A key as the library has it."""

    kid: str
    name: str
    algorithm: Algorithm
    key: Any
    public: Any
    """What verifies: of a pair, the public half."""
    signs: bool

    @classmethod
    def of(cls, key: JwtKey, algorithm: Algorithm) -> _Key:
        prepared = algorithm.prepare_key(key.material.reveal())
        public = prepared.public_key() if hasattr(prepared, "public_key") else prepared
        return cls(key.kid, key.algorithm, algorithm, prepared, public, key.signs)

    def __repr__(self) -> str:
        return f"<key {self.kid} ({self.name})>"


def _encoded(octets: bytes) -> bytes:
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


def _decoded(part: str) -> bytes:
    """The octets of a part, of base64url. No two texts of a part mean the same octets: bits that are left are 0."""
    if part[-1] not in _ENDS[len(part) % 4]:
        raise BadToken(Fault.MALFORMED)
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _members(octets: bytes) -> dict[str, Any]:
    """The members of a JSON object, each there once (RFC 8725, 2.4 and RFC 7515, 4)."""
    try:
        # The one refuses NaN, what is out of a float's range and half surrogates; the other tells of each member.
        found = msgspec.json.decode(octets)
        _EACH_ONCE(octets.decode())
    except (ValueError, msgspec.DecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadToken(Fault.MALFORMED)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is there twice")
    return found


_EACH_ONCE: Final = json.JSONDecoder(object_pairs_hook=_once).decode


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate, which may have a fraction; None where it is not there."""
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST:
        raise BadToken(Fault.WRONG_CLAIM)
    return float(value)


_ALPHABET: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
_ENDS: Final = (_ALPHABET, "", _ALPHABET[::16], _ALPHABET[::4])
"""By the length of a part, modulo 4, what it may end in."""

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)").fullmatch
_CONTROL: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Control characters, half surrogates, and what ends a line or a paragraph."""
