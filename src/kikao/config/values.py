"""What a value of a setting may be, wherever it stands. Nothing here shows a secret."""

from __future__ import annotations

import base64
import contextlib
import re
from ipaddress import collapse_addresses, ip_network
from typing import Any, Final, NamedTuple

from kikao.config.hidden import Hidden, SecretKeys
from kikao.config.media import MB, is_host
from kikao.config.settings import Environment, Network
from kikao.config.urls import SHORTEST_SECRET

KEY_BYTES: Final = 32


class Found(NamedTuple):
    """A value and where it stands: `KIKAO_DATA (environment)` or `data (kikao.toml)`."""

    name: str
    value: Any
    where: str
    from_file: bool


class Wrong(Exception):
    """What is wrong with one value; never the value of a secret."""


def typed(found: Found, kind: type) -> Any:
    """The value as its kind. In the environment a list is divided by commas and a number is digits."""
    value = found.value
    if not found.from_file:
        if not value.strip():
            raise Wrong("is empty; remove it or give it a value")
        if _SURROGATE(value):  # octets of the environment that are no text
            raise Wrong("is not UTF-8")
        value = value.strip()
        if kind is list:
            value = [part.strip() for part in value.split(",") if part.strip()]
        elif kind is int:
            if not _DIGITS(value):
                raise Wrong("must be a whole number from 0")
            value = int(value)
    elif type(value) is not kind:
        raise Wrong(f"must be {_KINDS[kind]}, not {_KINDS.get(type(value), type(value).__name__)}")
    if kind is list and not all(isinstance(part, str) for part in value):
        raise Wrong("must be a list of texts")
    if kind is str and not value.strip():
        raise Wrong("is empty; remove it or give it a value")
    return value


def quoted(value: str) -> str:
    """A value as a message shows it: not one that may be a secret set in the wrong place, as a token or an address."""
    if len(value) < SHORTEST_SECRET and "@" not in value:
        return repr(value)
    return f"what stands there ({len(value)} characters)"


def environment(value: str) -> Environment:
    if value == "dev":
        return "dev"
    if value == "production":
        return "production"
    raise Wrong(f"must be dev or production, not {quoted(value)}")


def count(value: int) -> int:
    if not 0 <= value < 2**31:
        raise Wrong("must be a whole number from 0")
    return value


def seconds(value: int) -> int:
    if not 0 <= value <= 300:
        raise Wrong("must be a whole number of seconds from 0 to 300")
    return value


def days(value: int) -> int:
    if not 0 <= value <= 36_500:
        raise Wrong("must be a whole number of days from 0 to 36500")
    return value


def kept_days(value: int) -> int:
    if not 1 <= value <= 3650:
        raise Wrong("must be a whole number of days from 1 to 3650")
    return value


def megabytes(value: int) -> int:
    if not 1 <= value <= 100_000_000:
        raise Wrong("must be a whole number of megabytes from 1 to 100000000")
    return value * MB


def file_megabytes(value: int) -> int:
    """A file is on its way for so long, and whole in memory where it is sent."""
    if not 1 <= value <= 100:
        raise Wrong("must be a whole number of megabytes from 1 to 100")
    return value * MB


def hosts(values: list[str]) -> tuple[str, ...]:
    for value in values:
        if not is_host(value.lower()):
            raise Wrong(f"{quoted(value)} is no host, nor *. and the end of some")
    return tuple(dict.fromkeys(value.lower() for value in values))


def turns_at_once(value: int) -> int:
    if not 1 <= value <= 100_000:
        raise Wrong("must be a whole number from 1 to 100000")
    return value


def networks(values: list[str]) -> tuple[Network, ...]:
    found = []
    for value in values:
        try:
            found.append(ip_network(value))
        except ValueError:
            with contextlib.suppress(ValueError):
                meant = ip_network(value, strict=False)
                raise Wrong(f"{value[:60]!r} has an address and a mask; write {meant}") from None
            raise Wrong(f"{quoted(value)} is no network or address") from None
    if not found:
        raise Wrong("is empty; remove it or give it a value")
    return tuple(found)


def is_everyone(networks: tuple[Network, ...]) -> bool:
    """Whether they are every address of IPv4 or IPv6, in one piece or in several."""
    by_version: tuple[list[Any], list[Any]] = ([], [])
    for network in networks:
        by_version[network.version == 6].append(network)
    return any(merged.prefixlen == 0 for some in by_version for merged in collapse_addresses(some))


def region(value: str) -> str:
    """A country of ISO 3166-1 that has numbers of its own."""
    if not _REGION(value):
        raise Wrong(f"{quoted(value)} is no country; it has two capital letters")
    import phonenumbers  # 75 ms, which only those pay who set a country

    if value not in phonenumbers.SUPPORTED_REGIONS:
        raise Wrong(f"{value} is no country of ISO 3166-1 with numbers of its own")
    return value


def locale(value: str) -> str:
    """Whether the app has that language is known where the app is."""
    if not _LOCALE(value):
        raise Wrong(f"{quoted(value)} is no language; it looks like en, sw or pt-BR")
    return value


def septets(value: int) -> int:
    """182 septets are the 160 octets of a USSD string; 80 are what it holds of other alphabets."""
    if not 80 <= value <= 182:
        raise Wrong("must be a whole number from 80 to 182")
    return value


def service_codes(values: list[str]) -> tuple[str, ...]:
    for value in values:
        if not _CODE(value):
            raise Wrong(f"{quoted(value)} is no service code; it begins with * and ends with #")
    if not values:
        raise Wrong("is empty; remove it or give it a value")
    return tuple(dict.fromkeys(values))


def event_names(values: list[str]) -> tuple[str, ...]:
    """Whether there are events of these names is known where the app is made."""
    for value in values:
        if not _PATTERN(value):
            raise Wrong(f"{quoted(value)} is no name or pattern of events")
    if not values:
        raise Wrong("is empty; remove it or give it a value")
    return tuple(dict.fromkeys(values))


def path_token(value: str) -> Hidden:
    if not _TOKEN(value):
        raise Wrong("must be 16 to 128 letters, digits, - and _")
    return Hidden(value.encode())


def operator_token(value: str) -> Hidden:
    if not _BEARER(value):
        raise Wrong("must be 24 to 256 letters, digits and -._~+/, with or without = at the end")
    if len(set(value)) < 8:  # one random token in 10^6
        raise Wrong("is not random")
    return Hidden(value.encode())


def secret_keys(values: list[str]) -> SecretKeys:
    keys: dict[str, bytes] = {}
    for place, value in enumerate(filter(None, values), 1):
        kid, colon, encoded = value.partition(":")
        if not colon or not _KID(kid):
            raise Wrong(f"key {place} must be kid:base64, the kid of 1 to 16 of a-z, 0-9 and -")
        if kid in keys:
            raise Wrong(f"key id {kid} is there twice")
        try:
            key = base64.b64decode(
                encoded.replace("-", "+").replace("_", "/") + "=" * (-len(encoded) % 4), validate=True
            )
        except ValueError:
            raise Wrong(f"key {kid} is not base64") from None
        if len(key) != KEY_BYTES:
            raise Wrong(f"key {kid} has {len(key)} bytes, not {KEY_BYTES}")
        keys[kid] = key
    if not keys:
        raise Wrong("is empty; remove it or give it a value")
    return SecretKeys(keys)


_KINDS: Final = {str: "a text", int: "a whole number", list: "a list", bool: "true or false", dict: "a table"}
_TOKEN = re.compile("[A-Za-z0-9_-]{16,128}").fullmatch
_BEARER = re.compile("(?=.{24,256}$)[A-Za-z0-9._~+/-]+=*").fullmatch
"""RFC 6750, 2.1."""
_KID = re.compile("[a-z0-9-]{1,16}").fullmatch
_CODE = re.compile(r"\*[0-9]{1,10}(\*[0-9]{1,10}){0,5}#").fullmatch
_PATTERN = re.compile("[a-z.*]{1,60}").fullmatch
_SURROGATE = re.compile("[\ud800-\udfff]").search
_DIGITS = re.compile("[0-9]{1,10}").fullmatch
_LOCALE = re.compile("[a-z]{2,3}([-_][A-Za-z0-9]{2,8})?").fullmatch
_REGION = re.compile("[A-Z]{2}").fullmatch
