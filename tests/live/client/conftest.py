"""One server, one node and one Chromium for all tests of a module: they are members of one house."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.live.client.hosts import Hosts
from tests.live.client.house import House, housed


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with housed(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hosts() -> AsyncIterator[Hosts]:
    async with Hosts() as running:
        yield running
