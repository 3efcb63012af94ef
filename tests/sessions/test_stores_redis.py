"""The Redis store under the contract, and against a simple model of it: on Valkey, on Redis, and on a Cluster."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings

from kikao.sessions.store import SessionStore
from kikao.sessions.stores.redis import RedisStore
from tests.engines.valkey import Cluster, Redis, Valkey, unhurried
from tests.sessions.outbox_contract import SharedOutboxContract
from tests.sessions.store_contract import StoreContract
from tests.sessions.store_machine import StoreMachine

PREFIXES = (f"test-{number}" for number in itertools.count())


def of_its_own(url: str) -> str:
    """A URL at which nobody has stored anything yet."""
    return unhurried(f"{url}?prefix={next(PREFIXES)}")


class Contract(StoreContract, SharedOutboxContract):
    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    async def store(self, url: str) -> AsyncIterator[SessionStore]:
        store = RedisStore(of_its_own(url))
        await store.open()
        yield store
        await store.close()


class TestValkey(Contract):
    @pytest.fixture
    def url(self, valkey: Valkey) -> str:
        return valkey.unix_url


class TestRedis(Contract):
    @pytest.fixture
    def url(self, redis_server: Redis) -> str:
        return redis_server.url


class TestCluster(Contract):
    @pytest.fixture
    def url(self, cluster: Cluster) -> str:
        return cluster.url


class RedisMachine(StoreMachine):
    url: ClassVar[str]

    def make_store(self, folder: Path) -> SessionStore:
        return RedisStore(of_its_own(self.url))


class ValkeyMachine(RedisMachine):
    pass


class ClusterMachine(RedisMachine):
    pass


@pytest.fixture
def valkey_for_the_machine(valkey: Valkey) -> None:
    ValkeyMachine.url = valkey.url


@pytest.fixture
def cluster_for_the_machine(cluster: Cluster) -> None:
    ClusterMachine.url = cluster.url


TestValkeyModel = pytest.mark.usefixtures("valkey_for_the_machine")(ValkeyMachine.TestCase)
TestValkeyModel.settings = settings(max_examples=8, stateful_step_count=40)
TestClusterModel = pytest.mark.usefixtures("cluster_for_the_machine")(ClusterMachine.TestCase)
TestClusterModel.settings = settings(max_examples=3, stateful_step_count=25)
