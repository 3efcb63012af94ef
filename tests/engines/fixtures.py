"""Servers that tests share: at most one of each in a worker, started by the first test that asks for it.

Whatever a test keeps there it keeps under names of its own, or it removes everything first.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.postgresql import PostgreSQL
from tests.engines.valkey import Cluster, Redis, Valkey


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    server = Redis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    nodes = Cluster(tmp_path_factory.mktemp("cluster"))
    nodes.start()
    yield nodes
    nodes.remove()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """Each test makes a database of its own on it; who stops or kills a server starts one."""
    server = PostgreSQL(tmp_path_factory.mktemp("postgresql"))
    server.start()
    yield server
    server.remove()
