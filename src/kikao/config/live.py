"""Live sessions in the settings: the keys of tokens, what they have to say, and the pages that may connect.

KIKAO_JWT_KEYS=k1:HS256:…,idp:RS256:/etc/kikao/idp.pem      [jwt]
                                                            keys = ["k1:HS256:…", "idp:RS256:/etc/kikao/idp.pem"]
KIKAO_LIVE_ORIGINS=https://app.example.com                  [live]
                                                            origins = ["https://app.example.com"]
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from kikao.config.addresses import path_at
from kikao.config.called import is_loopback
from kikao.config.gateways import Setting, Unknown
from kikao.config.hidden import Hidden
from kikao.config.jwt import (
    ALGORITHMS,
    LONGEST_LIFE,
    MAX_LEEWAY,
    SHORTEST_LIFE,
    Algorithm,
    JwtKey,
    JwtSettings,
)
from kikao.config.origins import EVERY, LOCAL, LiveSettings, origin
from kikao.config.values import Found, Wrong, quoted, typed

TABLES: Final[Mapping[str, Mapping[str, Setting]]] = {
    "jwt": {
        "keys": Setting(list, "k1:HS256:<the output of: openssl rand -base64 32>"),
        "audience": Setting(str, "kikao"),
        "issuer": Setting(str, "https://app.example.com"),
        "leeway": Setting(int, "10"),
        "lifetime": Setting(int, "3600"),
    },
    "live": {"origins": Setting(list, "https://app.example.com,//*.example.org")},
}
"""The settings, by table; in the environment `KIKAO_JWT_KEYS` and its like."""

LONGEST_PEM: Final = 16_384
"""Octets; a private key of 8192 bits has 6,400."""


def variables() -> list[str]:
    """How the variables are called, for whoever misspelt one."""
    return [f"KIKAO_{table.upper()}_{key.upper()}" for table, keys in TABLES.items() for key in keys]


class Live:
    """One reading of them. `problem` hears of each that is wrong, `unknown` of each setting that does not exist.

    Paths are relative to `cwd`.
    """

    def __init__(self, cwd: Path, problem: Callable[[str], None], unknown: Unknown) -> None:
        self._cwd = cwd
        self._problem = problem
        self._unknown = unknown
        self._found: dict[tuple[str, str], Found] = {}

    def read_table(self, name: str, table: object, file: str) -> None:
        """`[jwt]` or `[live]` of the file."""
        keys = [*TABLES[name]]
        if not isinstance(table, dict):
            self._problem(f"{name} ({file}): must be a table. Write [{name}], {', '.join(keys)} below.")
            return
        for key, value in table.items():
            where = f"{name}.{key} ({file})"
            if key not in keys:
                self._unknown(where, key, keys)
                continue
            if key == "keys" and isinstance(value, dict):  # [jwt.keys], by key id
                value = [f"{kid}:{of}" if isinstance(of, str) else of for kid, of in value.items()]
            elif TABLES[name][key].kind is list and isinstance(value, str):  # one alone needs no list
                value = [value]
            self._found[name, key] = Found(key, value, where, True)

    def read_variable(self, name: str, value: str, set_as: str = "") -> bool:
        """A variable of the environment, which was `set_as` by another name; False for one that is none of these."""
        match = _VARIABLE(name)
        if match is None:
            return False
        set_as = set_as or name
        table, key = match[1].lower(), match[2].lower()
        where = f"{set_as} (environment)"
        if key in TABLES[table]:
            self._found[table, key] = Found(set_as, value, where, False)
        else:
            self._unknown(where, key, [*TABLES[table]], set_as.removesuffix(match[2]))
        return True

    def jwt(self, secrets: Mapping[str, bytes]) -> JwtSettings:
        """What tokens have to be. None of their keys may be one of the `secrets`, which seal what is stored."""
        usual = JwtSettings()
        keys: tuple[JwtKey, ...] = self._take("jwt", "keys", self._keys, ())
        for key in keys:
            same = [kid for kid, secret in secrets.items() if key.material.matches(Hidden(secret))]
            if same:
                self._problem(
                    f"{self._found['jwt', 'keys'].where}: key {key.kid} is also the secret key {same[0]}, and whoever "
                    "makes tokens could open what is stored. Make another: openssl rand -base64 32"
                )
        return JwtSettings(
            keys=keys,
            audience=self._take("jwt", "audience", _name, ""),
            issuer=self._take("jwt", "issuer", _name, ""),
            leeway=self._take("jwt", "leeway", _within(0, MAX_LEEWAY), usual.leeway),
            lifetime=self._take("jwt", "lifetime", _within(SHORTEST_LIFE, LONGEST_LIFE), usual.lifetime),
        )

    def live(self, *, production: bool) -> LiveSettings:
        """Who may connect. In development that is this machine, where nothing is set."""
        found: tuple[str, ...] = self._take("live", "origins", _origins, ())
        if not production:
            return LiveSettings(origins=found or LOCAL, same_host=not found)
        for each in found:
            if each == EVERY:
                self._refuse(
                    "* lets every page of the Web use a token that it got hold of. Name those of yours."
                )
            elif each.startswith("http://") and not is_loopback(_host_of(each)):
                self._refuse(
                    f"{each} is changed by whoever is on the way, and with it the page that has the token. Use https."
                )
        return LiveSettings(origins=found)

    def _refuse(self, why: str) -> None:
        self._problem(f"{self._found['live', 'origins'].where}: {why}")

    def _take(self, table: str, key: str, parse: Callable[[Any], Any], default: Any) -> Any:
        found = self._found.get((table, key))
        if found is None:
            return default
        setting = TABLES[table][key]
        try:
            return parse(typed(found, setting.kind))
        except Wrong as wrong:
            self._problem(f"{found.where}: {wrong}. Set for example: {setting.as_set(found)}")
            return default

    def _keys(self, values: list[str]) -> tuple[JwtKey, ...]:
        keys: dict[str, JwtKey] = {}
        for place, value in enumerate(filter(None, values), 1):
            key = self._key(place, value)
            if key.kid in keys:
                raise Wrong(f"key id {key.kid} is there twice")
            keys[key.kid] = key
        if not keys:
            raise Wrong("is empty; remove it or give it a value")
        return tuple(keys.values())

    def _key(self, place: int, value: str) -> JwtKey:
        match = _KEY(value)
        algorithm = next((each for each in ALGORITHMS if match and match[2] == each), None)
        if match is None or algorithm is None:
            raise Wrong(
                f"key {place} must be kid:algorithm:key, the algorithm one of {', '.join(ALGORITHMS)}"
            )
        kid, written = match[1], match[3]
        material = _decoded(kid, written) if algorithm == "HS256" else self._pem(kid, algorithm, written)
        try:
            return JwtKey(kid, algorithm, Hidden(material))
        except ValueError as error:
            raise Wrong(f"key {kid} {error}") from None

    def _pem(self, kid: str, algorithm: Algorithm, written: str) -> bytes:
        if not written.endswith(".pem"):  # maybe the key itself, which is not to be shown
            raise Wrong(f"key {kid} is for {algorithm} and must name a file that ends with .pem")
        path = path_at(self._cwd, written)
        try:
            with path.open("rb") as file:
                pem = file.read(LONGEST_PEM + 1)
        except OSError as error:
            raise Wrong(f"key {kid}: {path} cannot be read ({error.strerror})") from None
        if len(pem) > LONGEST_PEM:
            raise Wrong(f"key {kid}: {path} is longer than a key")
        return pem


def _decoded(kid: str, encoded: str) -> bytes:
    plain = encoded.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        raise Wrong(f"key {kid} is not base64") from None


def _name(value: str) -> str:
    """An audience or an issuer: any text or URI, compared as it stands (RFC 7519, 2)."""
    value = value.strip()
    if len(value) > 256 or not value.isprintable():
        raise Wrong("must be 1 to 256 characters without control characters")
    return value


def _within(least: int, most: int) -> Callable[[int], int]:
    def check(value: int) -> int:
        if not least <= value <= most:
            raise Wrong(f"must be a whole number of seconds from {least} to {most}")
        return value

    return check


def _origins(values: list[str]) -> tuple[str, ...]:
    found = []
    for value in values:
        try:
            found.append(origin(value.strip()))
        except ValueError as error:
            raise Wrong(f"{quoted(value)} {error}") from None
    if not found:
        raise Wrong("is empty; remove it or give it a value")
    return tuple(dict.fromkeys(found))


def _host_of(origin: str) -> str:
    host = origin.partition("//")[2]
    return host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]


_VARIABLE = re.compile("KIKAO_(JWT|LIVE)_([A-Z][A-Z0-9_]*)").fullmatch
_KEY = re.compile("([A-Za-z0-9._-]{1,64}):([A-Za-z0-9]{1,20}):(.+)").fullmatch
