"""Tests that go over some gateways only miss no way of telling what happens."""

from __future__ import annotations

from collections import Counter

from kikao.channels.ussd.registry import SLUGS
from tests.gateways import EACH_WAY, way


def test_there_is_one_gateway_of_each_way_that_the_registry_has() -> None:
    among = Counter(way(slug) for slug in EACH_WAY)
    assert among.keys() == {way(slug) for slug in SLUGS}
    assert set(among.values()) == {1}, "two of them tell the same"
