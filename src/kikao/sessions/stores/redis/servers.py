"""Where a partition is: on the one server, on whichever the Sentinels name, or on a node of a Cluster."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

from redis.asyncio.sentinel import Sentinel
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)

from kikao.config.redis_urls import RedisUrl
from kikao.sessions.store import StoreRefused, StoreUnavailable
from kikao.sessions.stores.jitter import jittered
from kikao.sessions.stores.redis.errors import refusal
from kikao.sessions.stores.redis.greeting import connection, greet, say
from kikao.sessions.stores.redis.scripts import Script
from kikao.sessions.stores.redis.wire import Wire, pack

REDIRECTIONS: Final = 16
"""How often a command follows its slot through a Cluster that is being changed."""


class Servers(Protocol):
    """Whoever keeps the partitions. Nothing here asks a command twice unless the server refused it."""

    @property
    def waiting(self) -> int:
        """Commands under way."""
        ...

    async def open(self) -> None:
        """Raises `StoreRefused`, `StoreUnavailable`."""
        ...

    async def close(self) -> None: ...

    def samples(self) -> Sequence[int]:
        """A partition of each server."""
        ...

    async def ask(self, partition: int, command: bytes) -> Any:
        """The answer to a command about a partition.

        Raises `StoreUnavailable` where it was certainly not carried out, `AnswerLost` where nobody knows.
        """
        ...

    def beside(self, partitions: Sequence[int]) -> Iterable[Sequence[int]]:
        """These partitions by server: those of each."""
        ...

    async def look(self, asked: Sequence[tuple[int, bytes]]) -> list[Any]:
        """The answers to commands that only look, each about partitions of one server, sent at once.

        What a server refuses is among them, as redis-py's exception. Raises `StoreUnavailable`.
        """
        ...


def servers(url: RedisUrl, tags: Sequence[bytes], scripts: Sequence[Script]) -> Servers:
    """Those of a URL; `tags` are the names of the partitions, `scripts` what they are to know."""
    return Cluster(url, tags, scripts) if url.kind == "cluster" else OneServer(url, scripts)


class OneServer:
    """One primary: always the same, or the one that Sentinels name whenever a connection is made."""

    def __init__(self, url: RedisUrl, scripts: Sequence[Script]) -> None:
        self._url = url
        self._scripts = scripts
        self._wire: Wire | None = None

    @property
    def waiting(self) -> int:
        return 0 if self._wire is None else self._wire.waiting

    async def open(self) -> None:
        options = self._url.options
        wire = Wire(str(self._url), self._connect, timeout=options.timeout, limit=options.commands)
        await wire.open()
        self._wire = wire

    async def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    def samples(self) -> Sequence[int]:
        return (0,)

    async def ask(self, partition: int, command: bytes) -> Any:
        wire = self._wire
        if wire is None:
            raise StoreUnavailable(f"{self._url} is not open.")
        try:
            return await wire.ask(command)
        except NoScriptError:
            return await _taught(wire, self._scripts, command)
        except ReadOnlyError as error:
            wire.renew()  # a failover made it a replica
            raise refusal(wire.name, error) from error
        except RedisError as error:
            raise refusal(wire.name, error) from error

    async def look(self, asked: Sequence[tuple[int, bytes]]) -> list[Any]:
        wire = self._wire
        if wire is None:
            raise StoreUnavailable(f"{self._url} is not open.")
        return await _heard_of([(wire, command) for _, command in asked])

    def beside(self, partitions: Sequence[int]) -> Iterable[Sequence[int]]:
        return (partitions,)

    async def _connect(self) -> Any:
        url = self._url
        if url.kind == "alone":
            host, port = url.hosts[0] if url.hosts else ("", 0)
        else:
            host, port = await _primary(url)
        return await greet(url, host, port, self._scripts)


async def _primary(url: RedisUrl) -> tuple[str, int]:
    """The primary that the Sentinels name now."""
    options = url.options
    make: Any = Sentinel
    settings: dict[str, Any] = {
        "username": options.sentinel_username or None,
        "password": options.sentinel_password or None,
        "socket_timeout": options.connect_timeout,
        "socket_connect_timeout": options.connect_timeout,
        "protocol": 2,
        **({"ssl": True} | url.certificates if url.tls else {}),
    }
    sentinels = make(list(url.hosts), sentinel_kwargs=settings)
    try:
        async with asyncio.timeout(options.connect_timeout):
            host, port = await sentinels.discover_master(url.service)
            return str(host), int(port)
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreUnavailable(f"the Sentinels name no primary of {url.service} ({error})") from error
    finally:
        for client in sentinels.sentinels:
            with contextlib.suppress(RedisError, OSError):
                await client.aclose()


class Cluster:
    """The primaries of a Cluster, with a wire to each that has a partition.

    A script names two keys, one of which never exists: so while a slot moves key by key from node to node, both refuse
    it (TRYAGAIN) rather than do half of it here and half there.
    """

    def __init__(self, url: RedisUrl, tags: Sequence[bytes], scripts: Sequence[Script]) -> None:
        self._url = url
        self._scripts = scripts
        self._slots = [key_slot(tag) for tag in tags]
        self._wires: dict[tuple[str, int], Wire] = {}
        self._owners: list[Wire] = []
        """By partition."""
        self._finding: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return sum(wire.waiting for wire in self._wires.values())

    async def open(self) -> None:
        try:
            nodes = await self._find()
            await asyncio.gather(*(self._wire(node).open() for node in set(nodes)))
        except BaseException:
            await self.close()
            raise
        self._owners = [self._wires[node] for node in nodes]

    async def close(self) -> None:
        if (finding := self._finding) is not None:
            finding.cancel()
            await asyncio.wait([finding])
        wires, self._wires, self._owners = self._wires, {}, []
        await asyncio.gather(*(wire.close() for wire in wires.values()))

    def samples(self) -> Sequence[int]:
        return [self._owners.index(wire) for wire in set(self._owners)]

    async def ask(self, partition: int, command: bytes) -> Any:
        if not self._owners:
            raise StoreUnavailable(f"{self._url} is not open.")
        wire, asking = self._owners[partition], False
        for redirection in range(REDIRECTIONS):
            try:
                if asking:
                    wire.ask(_ASKING).add_done_callback(_heard)
                return await wire.ask(command)
            except NoScriptError:
                return await _taught(wire, self._scripts, command)
            except MovedError as error:
                self._owners[partition] = wire = self._at(error, wire)
                asking = False
                self._look_around()
            except AskError as error:
                wire, asking = self._at(error, wire), True
            except TryAgainError:
                wire, asking = self._owners[partition], False
                await asyncio.sleep(jittered(_TRY_AGAIN * (redirection + 1)))
            except RedisError as error:
                if isinstance(error, ClusterDownError | ReadOnlyError):
                    self._look_around()
                raise refusal(wire.name, error) from error
            except StoreUnavailable:
                self._look_around()
                raise
        raise StoreUnavailable(f"{self._url} is being changed: a slot is with nobody for long.")

    async def look(self, asked: Sequence[tuple[int, bytes]]) -> list[Any]:
        if not self._owners:
            raise StoreUnavailable(f"{self._url} is not open.")
        try:
            return await _heard_of([(self._owners[at], command) for at, command in asked])
        except StoreUnavailable:
            self._look_around()
            raise

    def beside(self, partitions: Sequence[int]) -> Iterable[Sequence[int]]:
        found: dict[Wire, list[int]] = defaultdict(list)
        for at in partitions if self._owners else ():
            found[self._owners[at]].append(at)
        return found.values() or (partitions,)

    def _at(self, redirection: AskError, wire: Wire) -> Wire:
        """The wire to where a node sends us; a node without a host name means its own."""
        host = redirection.host or wire.name.rpartition(":")[0]
        return self._wire((host, redirection.port), begin=True)

    def _wire(self, node: tuple[str, int], *, begin: bool = False) -> Wire:
        wire = self._wires.get(node)
        if wire is None:
            options = self._url.options

            async def connect() -> Any:
                return await greet(self._url, *node, self._scripts)

            name = f"{node[0]}:{node[1]}"
            wire = Wire(name, connect, timeout=options.timeout, limit=options.commands)
            self._wires[node] = wire
            if begin:
                wire.begin()
        return wire

    def _look_around(self) -> None:
        """Find out anew who has which slots, unless somebody is at it."""
        if self._finding is None or self._finding.done():
            self._finding = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        with contextlib.suppress(StoreUnavailable, StoreRefused):
            nodes = await self._find()
            self._owners = [self._wire(node, begin=True) for node in nodes]
            left = [node for node in self._wires if node not in set(nodes)]
            await asyncio.gather(*(self._wires.pop(node).close() for node in left))
        await asyncio.sleep(jittered(_LOOK_AGAIN))

    async def _find(self) -> list[tuple[str, int]]:
        """The node of each partition, as one of the nodes tells. Raises `StoreRefused`, `StoreUnavailable`."""
        asked = list({*self._wires, *self._url.hosts})
        random.shuffle(asked)
        problem: Exception | None = None
        for host, port in asked:
            try:
                return await self._told_by(host, port)
            except (RedisError, OSError, TimeoutError, StoreUnavailable) as error:
                problem = error
        raise StoreUnavailable(f"{self._url}: no node tells who has which slots ({problem})") from problem

    async def _told_by(self, host: str, port: int) -> list[tuple[str, int]]:
        made = connection(self._url, host, port)
        try:
            async with asyncio.timeout(self._url.options.connect_timeout):
                await made.connect()
                ranges = await say(made, b"CLUSTER", b"SLOTS")
        finally:
            with contextlib.suppress(RedisError, OSError):
                await made.disconnect(nowait=True)
        owners: dict[int, tuple[str, int]] = {}
        for first, last, (name, node_port, *_), *_ in ranges:
            owner = (name.decode() if name else host, int(node_port))
            owners.update((slot, owner) for slot in self._slots if first <= slot <= last)
        if not all(slot in owners for slot in self._slots):
            raise StoreUnavailable("some slots are with nobody")
        return [owners[slot] for slot in self._slots]


async def _heard_of(asked: Sequence[tuple[Wire, bytes]]) -> list[Any]:
    """Ask without a task for each."""
    answers: list[asyncio.Future[Any]] = []
    try:
        for wire, command in asked:
            answers.append(wire.ask(command))
        found: list[Any] = []
        for answer in answers:
            try:
                found.append(await answer)
            except RedisError as refused:
                found.append(refused)
        return found
    finally:
        for answer in answers:
            if answer.done():
                _heard(answer)
            else:
                answer.cancel()


async def _taught(wire: Wire, scripts: Sequence[Script], command: bytes) -> Any:
    """The answer to a command whose script the server had forgotten (SCRIPT FLUSH)."""
    try:
        for load in [wire.ask(pack((b"SCRIPT", b"LOAD", script.text))) for script in scripts]:
            await load
        return await wire.ask(command)
    except RedisError as error:
        raise refusal(wire.name, error) from error


def _heard(answer: asyncio.Future[Any]) -> None:
    """Take note of an answer that nobody waits for."""
    if not answer.cancelled():
        answer.exception()


_ASKING: Final = pack((b"ASKING",))
_TRY_AGAIN: Final = 0.02
"""Seconds, growing with each try, before a slot on its way is asked for again."""

_LOOK_AGAIN: Final = 0.5
"""Seconds before a Cluster is asked once more who has which slots."""
