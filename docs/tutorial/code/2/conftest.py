"""Each story has a provider of its own."""

import pytest
from airtime import app
from provider import Provider

from kikao.testing import Stage


@pytest.fixture
def kikao_stage() -> Stage:
    return Stage(app, services={Provider: Provider()})
