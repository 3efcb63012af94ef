"""The first words with a server: whether it will do, and the scripts it is to know."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, Final

from redis.asyncio import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError

from kikao.config.redis_urls import RedisUrl
from kikao.sessions.store import StoreRefused, StoreUnavailable
from kikao.sessions.stores.redis.scripts import Script
from kikao.sessions.stores.redis.wire import Word, pack

OLDEST: Final = 7
"""The first release whose scripts are refused as a whole where memory is full."""

SAFE_POLICY: Final = "noeviction"


def connection(url: RedisUrl, host: str, port: int) -> Any:
    """A connection of redis-py, not connected yet."""
    options = url.options
    settings: dict[str, Any] = {
        "db": options.db,
        "username": options.username or None,
        "password": options.password or None,
        "socket_timeout": None,  # those who ask have time-outs of their own
        "socket_connect_timeout": options.connect_timeout,
        "protocol": 2,
    }
    if url.socket:
        return UnixDomainSocketConnection(path=url.socket, **settings)
    settings |= {"host": host, "port": port, "socket_keepalive": True}
    if not url.tls:
        return Connection(**settings)
    return SSLConnection(**settings, **url.certificates)


async def greet(url: RedisUrl, host: str, port: int, scripts: Sequence[Script]) -> Any:
    """A connection to a server that will do and knows these scripts.

    Raises `StoreRefused` for one that will not do, `StoreUnavailable` for one that is away.
    """
    made = connection(url, host, port)
    try:
        async with asyncio.timeout(url.options.connect_timeout):
            await made.connect()
            await _check(url, made)
            await _teach(made, scripts)
    except BaseException as error:
        with contextlib.suppress(RedisError, OSError):
            await made.disconnect(nowait=True)
        raise _why(url, error) from error
    return made


async def _teach(made: Any, scripts: Sequence[Script]) -> None:
    """Have the server know every script."""
    known = await say(made, b"SCRIPT", b"EXISTS", *(script.sha for script in scripts))
    loads = [
        pack((b"SCRIPT", b"LOAD", script.text))
        for script, is_known in zip(scripts, known, strict=True)
        if not is_known
    ]
    if loads:
        await made.send_packed_command(b"".join(loads), check_health=False)
    for _ in loads:
        await made.read_response()


async def _check(url: RedisUrl, made: Any) -> None:
    facts = _facts(await say(made, b"INFO"))
    version = facts.get("redis_version", "0")
    if int(version.partition(".")[0]) < OLDEST:
        raise StoreRefused(
            f"{url} is Redis {version}. It must be Redis {OLDEST} or later, or Valkey: older ones may do half of a "
            "change when their memory is full."
        )
    if facts.get("loading") == "1":
        raise StoreUnavailable("it loads its data")
    if facts.get("role", "master") != "master":
        raise StoreRefused(
            f"{url} is a replica, which takes no writes. Name its primary, or the Sentinels that know it: "
            "redis+sentinel://host:26379/service/0."
        )
    if (facts.get("cluster_enabled") == "1") != (url.kind == "cluster"):
        right = "redis://" if url.kind == "cluster" else "redis+cluster://"
        is_one = "is no node" if url.kind == "cluster" else "is a node"
        raise StoreRefused(f"{url} {is_one} of a Cluster: write {right}.")
    policy = facts.get("maxmemory_policy") or await _configured_policy(made)
    if policy != SAFE_POLICY:
        found = f"is {policy}" if policy else "is not known: its user may call neither INFO nor CONFIG GET"
        raise StoreRefused(
            f"{url}: its maxmemory-policy {found}. It must be {SAFE_POLICY}: any other one throws sessions and open "
            f"payments away when memory is full. Run: CONFIG SET maxmemory-policy {SAFE_POLICY}, and write it into "
            "the server's configuration."
        )


async def _configured_policy(made: Any) -> str:
    """What CONFIG says, where INFO says nothing; empty where that is closed, too."""
    try:
        found = await say(made, b"CONFIG", b"GET", b"maxmemory-policy")
    except ResponseError:
        return ""
    return bytes(found[1]).decode() if found else ""


async def say(made: Any, *words: Word) -> Any:
    """One command on a connection that nobody else uses. Raises what redis-py does."""
    await made.send_packed_command(pack(words), check_health=False)
    return await made.read_response()


def _facts(info: bytes) -> dict[str, str]:
    lines = info.decode(errors="replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _why(url: RedisUrl, error: BaseException) -> BaseException:
    if isinstance(error, TimeoutError):
        return StoreUnavailable(f"it did not let us in within {url.options.connect_timeout:g} s")
    if isinstance(error, BusyLoadingError):
        return StoreUnavailable("it loads its data")
    if isinstance(error, AuthenticationError):
        return StoreRefused(f"{url} refuses our credentials ({error}). Check user and password in the URL.")
    if isinstance(error, ResponseError):
        return StoreRefused(
            f"{url} will not do ({error}). docs/how-to/run-on-redis.md lists what its user needs."
        )
    if isinstance(error, RedisError | OSError):
        return StoreUnavailable(f"it cannot be reached ({error})")
    return error
