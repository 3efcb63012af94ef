"""Addresses of stores as they are set: which are ones, and what is wrong with the others. Nothing here shows one."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from kikao.config.urls import POSTGRESQL, REDIS, Where
from kikao.config.values import Wrong

SERVERS: Final = "postgresql://user:password@host/database or redis://host:6379/0"
"""Examples for those who wrote something else."""


def scheme_of(value: str) -> str:
    """How an address begins, before `://`; empty for a path."""
    scheme, sides, _ = value.partition("://")
    return scheme if sides else ""


def server(value: str) -> Where:
    """The address of a store that several processes may use. Raises `Wrong`."""
    scheme = scheme_of(value)
    if not value.isascii() or not value.isprintable() or " " in value or "#" in value:
        raise Wrong(_UNREADABLE)
    try:
        parts = urlsplit(value)
        _ = parts.port if "," not in parts.netloc else None
    except ValueError:
        raise Wrong(_UNREADABLE) from None
    if scheme in POSTGRESQL:
        _check_postgresql(parts)
    elif scheme in REDIS:
        _check_redis(parts)
    else:
        raise Wrong(f"{scheme}:// is of no store there is")
    return Where(value)


def _check_postgresql(parts: SplitResult) -> None:
    named = re.search("(?:^|&)(?:dbname|database)=[^&]", parts.query)
    if len(parts.path) < 2 and not named:
        raise Wrong("must name the database: postgresql://user:password@host/database")
    _check_hosts(parts, needed=False)  # without one it is a local socket


def _check_redis(parts: SplitResult) -> None:
    scheme, path = parts.scheme, parts.path.strip("/")
    if scheme == "unix":
        if not path:
            raise Wrong("must name the socket: unix:///path/to/socket?db=0")
        return
    _check_hosts(parts, needed=True)
    if scheme.endswith("+sentinel"):
        if not _SERVICE(path):
            raise Wrong("must name the service: redis+sentinel://host:26379,host:26379/service/0")
    elif scheme.endswith("+cluster"):
        if path not in ("", "0"):
            raise Wrong("names a database, and a Cluster has one alone: redis+cluster://host:6379,host:6379")
    elif "," in parts.netloc.rpartition("@")[2]:
        raise Wrong(
            f"has several hosts. For those there are redis+sentinel:// and redis+cluster://, not {scheme}://"
        )
    elif not _DATABASE(path):
        raise Wrong(f"must name the database by its number: {scheme}://host:6379/0")


def _check_hosts(parts: SplitResult, *, needed: bool) -> None:
    hosts = parts.netloc.rpartition("@")[2]
    if (needed or hosts) and not all(map(_HOST, hosts.split(","))):
        raise Wrong(f"must name its host: {parts.scheme}://host:port/…")


_UNREADABLE: Final = (
    "is no address. In names and passwords write spaces and : / ? # [ ] @ % as % with two hexadecimal digits"
)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?").fullmatch
_SERVICE = re.compile("[A-Za-z0-9._-]+(/[0-9]{1,4})?").fullmatch
_DATABASE = re.compile("([0-9]{1,4})?").fullmatch
