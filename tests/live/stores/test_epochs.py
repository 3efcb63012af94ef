"""Places in streams that have not begun: which stream they are in, and that none is ever taken for one in another."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from hypothesis import given, strategies

from kikao.live.stores import epochs
from kikao.live.stores.epochs import HOUR, HOURS, asked_for, begun, is_of, may_be_one, new_store, nothing_yet
from kikao.live.stores.sqlite import SQLiteLive
from kikao.live.stores.store import REMEMBERED, Position, Recovery
from kikao.sessions.sealing import KeyRing
from tests.live.stores.places import Place, memory, sqlite

NOW = 1.8e9


@given(
    told=strategies.floats(0.0, 4e9),
    later=strategies.floats(0.0, 3 * REMEMBERED),
    wound=strategies.booleans(),
)
def test_a_place_is_good_for_less_time_than_a_stream_is_kept(told: float, later: float, wound: bool) -> None:
    store = new_store()
    place, stream = asked_for(store, told), begun(store, told + later - wound * (HOUR - 1))
    if is_of(stream, place):
        assert later - wound * HOUR < REMEMBERED - HOUR
        assert may_be_one(place, stream)
    elif not wound:
        assert later > (HOURS - 1) * HOUR


def test_no_two_streams_are_the_same_and_none_is_that_of_another_store() -> None:
    one, other = new_store(), new_store()
    assert not is_of(begun(one, NOW), begun(one, NOW))
    assert is_of(begun(one, NOW), asked_for(one, NOW))
    assert is_of(stream := begun(one, NOW), stream)
    assert not is_of(begun(one, NOW), asked_for(other, NOW))
    assert not is_of(asked_for(one, NOW), begun(one, NOW))
    assert not is_of("0123456789abcdef", asked_for(one, NOW))  # as they were before
    assert is_of("0123456789abcdef", "0123456789abcdef")
    assert not may_be_one(asked_for(one, NOW), asked_for(other, NOW))


@pytest.mark.parametrize(
    "hour", ["zzzzzz", "+79000", "-79000", " 79000", "0_9000", "07900\u0663", "07900A", "07900"]
)
def test_what_a_client_makes_up_is_no_place(hour: str) -> None:
    store = new_store()
    assert not is_of(begun(store, NOW), store + hour)
    assert not may_be_one(begun(store, NOW), store + hour)
    assert nothing_yet(asked_for(store, NOW), Position(store + hour, 0)).messages is None


def test_what_has_not_begun_has_nothing_behind_its_beginning_alone() -> None:
    epoch = asked_for(new_store(), NOW)
    start = Position(epoch, 0)
    assert nothing_yet(epoch, None) == nothing_yet(epoch, start) == Recovery(start, ())
    assert nothing_yet(epoch, Position(epoch, 1)) == Recovery(start, None)
    assert nothing_yet(epoch, Position(asked_for(new_store(), NOW), 0)) == Recovery(start, None)


@pytest.mark.parametrize("where", ["memory", "sqlite"])
async def test_who_was_away_for_a_whole_stream_is_never_given_the_next_one(
    where: str, tmp_path: Path
) -> None:
    place: Place = memory() if where == "memory" else sqlite(tmp_path / "live.db")
    clock = place.clock  # type: ignore[attr-defined]
    async with place.client() as store:
        for quiet, rest in itertools.product((0, 1, 11, 21), (24, 25, 30)):
            name, seconds = f"{quiet} {rest}", 30 * 86_400.0 if rest == 25 else 60.0
            told = (await store.since(name, None)).top
            clock.now += quiet * epochs.HOUR
            await store.append(name, b"first", keep=10, seconds=seconds)
            found = await store.since(name, told)
            assert found.messages == ((1, b"first"),)
            clock.now += rest * epochs.HOUR + 120
            for _ in range(3):
                await store.reap()
            await store.append(name, b"second", keep=10, seconds=seconds)
            back = await store.since(name, told)
            assert back.messages == (((1, b"first"), (2, b"second")) if rest == 25 else None)
            assert (await store.since(name, Position(told.epoch, 1))).messages == (
                ((2, b"second"),) if rest == 25 else None
            )


async def test_a_store_that_was_closed_is_the_same_when_it_is_opened_again(tmp_path: Path) -> None:
    place = sqlite(tmp_path / "live.db")
    async with place.client() as store:
        told = (await store.since("s", None)).top
    async with place.client() as store:
        at = await store.append("s", b"m", keep=10, seconds=60.0)
        assert (await store.since("s", told)) == Recovery(at, ((1, b"m"),))


async def test_under_another_look_up_key_no_place_is_in_the_streams_that_begin_anew(tmp_path: Path) -> None:
    old, new = os.urandom(32), os.urandom(32)
    rings = (
        KeyRing({"k1": old}),
        KeyRing({"k2": new, "k1": old}, lookup="k1"),
        KeyRing({"k2": new, "k1": old}, lookup="k2"),
    )
    told: list[Position] = []
    for n, ring in enumerate(rings):
        store = SQLiteLive(tmp_path / "live.db", ring)
        await store.open()
        try:
            if n == 0:
                told.append((await store.since("s", None)).top)
                told.append(await store.append("s", b"first", keep=10, seconds=60.0))
            places = [*told, Position(told[0].epoch, 1)]
            if n == 2:
                for said in (b"a", b"b"):
                    await store.append("s", said, keep=10, seconds=60.0)
            found = [(await store.since("s", each)).messages for each in places]
            assert found == ([((1, b"first"),), (), ()] if n < 2 else [None] * 3)
        finally:
            await store.close()
