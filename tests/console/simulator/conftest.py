"""A table with phones for a shop, and one for the wallet's town."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kikao.testing import Stage
from tests.console.table import Table
from tests.testing.shop import an_app
from tests.wallet.town import Town


@pytest.fixture
async def shop() -> AsyncIterator[Table]:
    async with Stage(an_app()) as stage:
        yield Table(stage.server)


@pytest.fixture
async def town() -> AsyncIterator[Table]:
    async with Town() as stage:
        yield Table(stage.server)
