"""The stage and the members of the wallet's transcripts, and their own steps."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

import pytest

from kikao.testing import Scene, Stage
from tests.databases import database
from tests.wallet import steps  # noqa: F401 - they are registered
from tests.wallet.staging import NUMBERS, a_wallet

__all__ = ["database", "kikao_members", "kikao_stage"]


@pytest.fixture
def kikao_stage(kikao_scene: Scene) -> AbstractAsyncContextManager[Stage]:
    return a_wallet(step.text for step in kikao_scene.transcript.steps)


@pytest.fixture
def kikao_members() -> Mapping[str, str]:
    return NUMBERS
