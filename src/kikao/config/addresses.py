"""Where data lie, as it is set: which paths and addresses are ones, and what is wrong with others.

Nothing here shows an address.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from kikao.config.urls import MEMORY, POSTGRESQL, REDIS, Kind, Where, kind
from kikao.config.values import Wrong

SERVERS: Final = "postgresql://user:password@host/database or redis://host:6379/0"
"""Examples for those who wrote something else."""


LONGEST_PATH: Final = 1000
"""Characters, well below what Linux and macOS take."""

LONGEST_NAME: Final = 200
"""Octets of a part of one: files beside it have longer names."""


def store_at(cwd: Path, value: str) -> Where:
    """Where sessions are; a path is relative to `cwd`. Raises `Wrong`."""
    if value in _IN_MEMORY:
        return Where(MEMORY)
    return _place(cwd, value, ("postgresql", "redis"), f"{MEMORY}, a path, sqlite:///path, {SERVERS}")


def records_at(cwd: Path, value: str) -> Where:
    """Where records are. Raises `Wrong`."""
    return _place(cwd, value, ("postgresql",), "a path, sqlite:///path or postgresql://host/database")


def bus_at(cwd: Path, value: str) -> Where:
    """What carries the bus: no file can. Raises `Wrong`."""
    if value in _IN_MEMORY:
        return Where(MEMORY)
    if _scheme_of(value) in ("", "sqlite"):
        raise Wrong(f"must be {MEMORY}, {SERVERS}")
    return _place(cwd, value, ("postgresql", "redis"), f"{MEMORY}, {SERVERS}")


def path_at(cwd: Path, value: str) -> Path:
    """A path in full. Raises `Wrong`."""
    if value.startswith("~") or "\0" in value:
        raise Wrong("must be a path written in full, without ~")
    # Paths are shown, and an address that was misspelt may hold a password.
    if "://" in value or (":" in value and "@" in value) or ("=" in value and ("?" in value or "&" in value)):
        raise Wrong("must be a path, and looks like the address of a server")
    if _BARE_SERVER(value):
        raise Wrong(
            f"must be a path, and looks like a server without the scheme of its address, as in {SERVERS}"
        )
    path = os.path.abspath(cwd / value)
    if len(path) > LONGEST_PATH or any(len(os.fsencode(part)) > LONGEST_NAME for part in path.split("/")):
        raise Wrong("is too long for a path")
    return Path(path)


def _place(cwd: Path, value: str, servers: tuple[Kind, ...], allowed: str) -> Where:
    """The address of a file, or of one of these kinds of servers."""
    if not (scheme := _scheme_of(value)) or value.startswith("sqlite:///"):
        value = value.removeprefix("sqlite:///")
        if not value or value.startswith((MEMORY, ":")):
            raise Wrong(f"{'memory cannot be used here; ' if value == MEMORY else ''}must be {allowed}")
        return Where(path_at(cwd, value))
    if kind(value) not in servers:
        shown = f"{scheme} cannot be used here; " if _SCHEME(scheme) else ""
        raise Wrong(f"{shown}must be {allowed}")
    return _server(value)


def _scheme_of(value: str) -> str:
    """How an address begins, before `://`; empty for a path."""
    scheme, sides, _ = value.partition("://")
    return scheme if sides else ""


def _server(value: str) -> Where:
    """The address of a store that several processes may use. Raises `Wrong`."""
    scheme = _scheme_of(value)
    if not value.isascii() or not value.isprintable() or " " in value or "#" in value:
        raise Wrong(_UNREADABLE)
    try:
        parts = urlsplit(value)
        _ = parts.port if "," not in parts.netloc else None
    except ValueError:
        raise Wrong(_UNREADABLE) from None
    if parts.netloc.count("@") > 1 or "@" in parts.path:  # a part of the password would be taken for the host
        raise Wrong(_UNREADABLE)
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
_BARE_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}(/.*)?").fullmatch
_SERVICE = re.compile("[A-Za-z0-9._-]+(/[0-9]{1,4})?").fullmatch
_DATABASE = re.compile("([0-9]{1,4})?").fullmatch
_SCHEME = re.compile("[a-z][a-z0-9+.-]{0,20}").fullmatch
_IN_MEMORY: Final = (MEMORY, "memory", "memory://")
