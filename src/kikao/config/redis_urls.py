"""Addresses of Redis and Valkey: what a URL says about servers, credentials, TLS and how they are used."""

from __future__ import annotations

import math
from typing import Any, Final, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import msgspec

Kind = Literal["alone", "sentinel", "cluster"]

PORT: Final = 6379
SENTINEL_PORT: Final = 26379


class Options(msgspec.Struct, frozen=True):
    """What the query of a URL may say."""

    prefix: str = "kikao"
    """Begins the name of every key, so that several apps can share a server."""
    timeout: float = 1.0
    """Seconds a server may take to answer; whoever waits then hears that the store is away."""
    connect_timeout: float = 1.0
    """Seconds a server may take to let us in."""
    commands: int = 10_000
    """Most commands under way to one server; further ones are refused at once."""
    db: int = 0
    username: str = ""
    password: str = ""
    ca: str = ""
    """A file of the authorities whose certificates are believed; else those of the system."""
    cert: str = ""
    """A file with our own certificate, for servers that ask for one."""
    key: str = ""
    """The file with its private key, unless that is in the same file."""
    verify: bool = True
    """False: whatever certificate a server shows is believed, and so is whoever stands between."""
    sentinel_username: str = ""
    sentinel_password: str = ""


class RedisUrl(msgspec.Struct, frozen=True):
    """One server, or several that are one."""

    kind: Kind
    hosts: tuple[tuple[str, int], ...]
    """Of the server; of Sentinels; of some nodes of a Cluster. Empty where `socket` is set."""
    socket: str
    service: str
    """What the Sentinels call it."""
    tls: bool
    options: Options

    @property
    def certificates(self) -> dict[str, Any]:
        """How redis-py is told about them, where TLS is spoken."""
        options = self.options
        return {
            "ssl_cert_reqs": "required" if options.verify else "none",
            "ssl_check_hostname": options.verify,
            "ssl_ca_certs": options.ca or None,
            "ssl_certfile": options.cert or None,
            "ssl_keyfile": options.key or options.cert or None,
        }

    def __str__(self) -> str:
        """What may be shown of it: no credentials."""
        if self.socket:
            return f"unix://{self.socket}"
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        scheme = "rediss" if self.tls else "redis"
        if self.kind == "alone":
            return f"{scheme}://{hosts}/{self.options.db}"
        place = f"/{self.service}/{self.options.db}" if self.service else ""
        return f"{scheme}+{self.kind}://{hosts}{place}"


def parse(url: str) -> RedisUrl:
    """Read a URL. Raises `ValueError`, which does not show it."""
    parts = urlsplit(url[:])  # the whole text, also of one that shows itself without its password
    scheme, _, several = parts.scheme.partition("+")
    name = scheme.replace("valkey", "redis")
    if name not in ("redis", "rediss", "unix") or several not in ("", "sentinel", "cluster"):
        raise ValueError(f"{parts.scheme}:// is no way to Redis or Valkey")
    kind: Kind = "alone" if several == "" else "sentinel" if several == "sentinel" else "cluster"
    return _checked(kind, name, parts)


def _checked(kind: Kind, scheme: str, parts: SplitResult) -> RedisUrl:
    credentials, at, places = parts.netloc.rpartition("@")
    if (
        parts.fragment
        or "@" in credentials
        or (scheme != "unix" and "@" in parts.path)
        or (not at and "@" in parts.query)
    ):
        # Nothing of it may be shown: a part of the password stands where the place should.
        raise ValueError("in a password / ? # @ are written %2F %3F %23 %40")
    try:
        given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:  # it shows the text
        raise ValueError("after the ? stands name=value, with & in between") from None
    unknown = given.keys() - set(Options.__struct_fields__)
    if unknown:
        known = ", ".join(Options.__struct_fields__)
        raise ValueError(f"?{min(unknown)}= is not known; there are {known}")
    username, _, password = credentials.partition(":")
    if username:
        given["username"] = unquote(username)
    if password:
        given["password"] = unquote(password)
    service = ""
    if scheme == "unix":
        if kind != "alone" or not parts.path:
            raise ValueError("a Unix socket is that of one server: unix:///path/to/socket?db=0")
        return RedisUrl("alone", (), unquote(parts.path), "", False, _options(given))
    path = [unquote(part) for part in parts.path.split("/") if part]
    if kind == "sentinel":
        if not path:
            raise ValueError("name the service: redis+sentinel://host:26379,host:26379/service/0")
        service = path.pop(0)
    if path:
        given.setdefault("db", path.pop(0))
    if path or (kind == "cluster" and given.get("db", "0") != "0"):
        raise ValueError("a Cluster has one database" if kind == "cluster" else "its path is too long")
    hosts = tuple(_host(place, SENTINEL_PORT if kind == "sentinel" else PORT) for place in places.split(","))
    if kind == "alone" and len(hosts) > 1:
        raise ValueError("several servers are redis+sentinel:// or redis+cluster://")
    return RedisUrl(kind, hosts, "", service, scheme == "rediss", _options(given))


def _options(given: dict[str, str]) -> Options:
    options = msgspec.convert(given, Options, strict=False)
    if not 0 < options.timeout < math.inf or not 0 < options.connect_timeout < math.inf:
        raise ValueError("a time-out is a number of seconds above 0")
    if options.commands < 1 or options.db < 0:
        raise ValueError("commands and db are numbers from 1 and from 0")
    if not options.prefix or any(character in options.prefix for character in "{}:"):
        raise ValueError("a prefix is not empty and has none of {}:")
    return options


def _host(place: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    if not parts.hostname:
        raise ValueError("a host is missing")
    try:
        return parts.hostname, parts.port or port
    except ValueError:  # it shows the text
        raise ValueError("a port is a number up to 65535") from None
