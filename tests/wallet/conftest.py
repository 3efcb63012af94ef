"""A bank, and the stage and the members of the wallet's transcripts, and their own steps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from kikao.testing import Clock, Scene, Stage
from kikao_apps.wallet.ledger import Ledger
from tests.databases import database
from tests.wallet import steps  # noqa: F401 - they are registered
from tests.wallet.ledgers import ASHA, BINTA, a_ledger, register
from tests.wallet.staging import NUMBERS, a_wallet

__all__ = ["database", "kikao_members", "kikao_stage"]


@pytest.fixture
def kikao_stage(kikao_scene: Scene) -> AbstractAsyncContextManager[Stage]:
    return a_wallet(step.text for step in kikao_scene.transcript.steps)


@pytest.fixture
def kikao_members() -> Mapping[str, str]:
    return NUMBERS


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ledger(tmp_path: Path, clock: Clock) -> AsyncIterator[Ledger]:
    """With accounts of Asha and Binta; its books are right in the end."""
    async with a_ledger(tmp_path, clock=clock) as ledger:
        await register(ledger, ASHA, BINTA)
        yield ledger
        assert (await ledger.audit()).right
