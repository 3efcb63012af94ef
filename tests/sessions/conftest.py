"""Servers as tests of sessions want them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.valkey import Valkey


@pytest.fixture
def empty(valkey: Valkey) -> Iterator[Valkey]:
    """A server with nothing in it, and as it was afterwards."""
    valkey.ask("FLUSHALL")
    yield valkey
    for setting, value in (("maxmemory", "0"), ("maxmemory-policy", "noeviction")):
        valkey.ask("CONFIG", "SET", setting, value)
    valkey.ask("FLUSHALL")
