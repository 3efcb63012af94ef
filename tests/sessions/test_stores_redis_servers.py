"""The Redis store where there are several servers: Sentinel, replicas, and a Cluster."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from kikao.sessions.store import CommitUnknown, StoreRefused, StoreUnavailable
from kikao.sessions.stores.redis import RedisStore
from tests.engines.valkey import Cluster, Sentinel, Valkey
from tests.sessions.redis_stores import SHORT, all_keys, opened, refusals, until_it_is_back
from tests.sessions.store_contract import NOW, everything, make, take, written


async def test_after_a_failover_the_new_primary_is_found_and_the_replica_is_not_used(tmp_path: Path) -> None:
    servers = Sentinel(tmp_path)
    servers.start()
    try:
        with pytest.raises(StoreRefused, match="is a replica"):
            await RedisStore(servers.replica.url).open()
        async with opened(f"{servers.url}?{SHORT}") as store:
            await make(store, state=b"before")
            assert servers.primary.ask("WAIT", 1, 5000) == 1
            servers.primary.kill()
            with pytest.raises((StoreUnavailable, CommitUnknown)):
                await make(store)
            await until_it_is_back(store)
            claim = await take(store, wait=5)
            assert claim.record is not None
            assert claim.record.state == b"before"
            await store.commit(written(claim))
            assert servers.replica.ask("ROLE")[0] == b"master"
    finally:
        servers.remove()


async def test_a_primary_that_becomes_a_replica_is_left(empty: Valkey) -> None:
    """What a planned failover does: the connection stays, and the server takes no writes any more."""
    async with opened(empty.url) as store:
        claim = await take(store)
        empty.ask("REPLICAOF", "127.0.0.1", 1)
        try:
            with pytest.raises(StoreUnavailable, match="is a replica"):
                await store.commit(written(claim))
            with pytest.raises(StoreUnavailable, match="Name its primary"):
                await refusals(store, "Name its primary")
        finally:
            empty.ask("REPLICAOF", "NO", "ONE")
        await until_it_is_back(store)
        await store.commit(written(claim))


async def test_sentinels_that_know_no_such_service(tmp_path: Path, empty: Valkey) -> None:
    with pytest.raises(StoreRefused, match="name no primary of nothing"):
        await RedisStore(f"redis+sentinel://127.0.0.1:{empty.port}/nothing?{SHORT}").open()


async def test_a_cluster_and_a_server_alone_are_not_taken_for_each_other(
    cluster: Cluster, empty: Valkey
) -> None:
    with pytest.raises(StoreRefused, match="is a node of a Cluster"):
        await RedisStore(cluster.masters[0].url).open()
    with pytest.raises(StoreRefused, match=r"cluster support disabled|no node of a Cluster"):
        await RedisStore(f"redis+cluster://127.0.0.1:{empty.port}").open()


async def test_sessions_are_found_again_when_slots_move_between_nodes(cluster: Cluster) -> None:
    """Turns go on while the slot of a session moves key by key; none is lost, and none is done twice."""
    async with opened(f"{cluster.url}?prefix=moving") as store:
        await make(store, state=b"1")
        name = next(key for key in all_keys(cluster) if key.startswith(b"{moving:") and key.endswith(b":s"))
        slot = cluster.masters[0].ask("CLUSTER", "KEYSLOT", name)
        source = next(node for node in cluster.masters if node.ask("CLUSTER", "COUNTKEYSINSLOT", slot))
        target = next(node for node in cluster.masters if node is not source)
        stop = asyncio.Event()
        turns = asyncio.create_task(keep_turning(store, stop))
        try:
            for there, back in ((source, target), (target, source)):
                await move_slot(slot, there, back, [*cluster.masters])
        finally:
            stop.set()
        made = await turns
        assert made > 0
        assert [record.version for record in await everything(store)] == [made + 1]


async def move_slot(slot: int, source: Valkey, target: Valkey, masters: list[Valkey]) -> None:
    ids = {node.port: node.ask("CLUSTER", "MYID") for node in masters}
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source.port])
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target.port])
    while there := source.ask("CLUSTER", "GETKEYSINSLOT", slot, 1):
        source.ask("MIGRATE", "127.0.0.1", target.port, there[0], 0, 5000)
        await asyncio.sleep(0.005)  # turns meet a slot that is half here and half there
    for node in (target, source, *masters):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", ids[target.port])
    await asyncio.sleep(0.05)


async def keep_turning(store: RedisStore, stop: asyncio.Event) -> int:
    """Turns of one session; how many were committed."""
    made = 0
    while not stop.is_set():
        with contextlib.suppress(StoreUnavailable):
            claim = await take(store, now=NOW + made, wait=5)
            await store.commit(written(claim, state=b"again"))
            made += 1
        await asyncio.sleep(0.002)
    return made
