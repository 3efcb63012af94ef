"""Who is there as one process knows it: what it lists, what it hears, and what it finds out when something was lost."""

from __future__ import annotations

import asyncio

from kikao.live.presence.state import META
from kikao.live.presence.watching import DOUBT
from kikao.live.stores.store import Change
from tests.live.presence.processes import PHONE, ROOM, World, quiet

# --- topics that are joined, and others ---


async def test_the_state_of_a_topic_that_nobody_here_joined_is_what_the_store_has() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two", watches=False)
    ref = await one.track("asha", **PHONE)
    found = await other.present()
    assert found["asha"]["metas"][0]["phx_ref"] == ref
    assert other.watching.topics == 0

    one.watching.unsubscribe(ROOM)
    one.door.is_shut = True
    await one.tracker.beat()
    assert (await one.present())["asha"]["metas"][0]["phx_ref"] == ref


async def test_topics_that_everybody_left_are_forgotten() -> None:
    world = World()
    one = await world.process("one")
    one.watching.subscribe(ROOM)
    one.watching.unsubscribe(ROOM)
    assert one.watching.topics == 1
    one.watching.unsubscribe(ROOM)
    assert one.watching.topics == 0
    one.watching.heard(Change(ROOM, "e", 1))
    assert one.diffs == []


async def test_who_is_cancelled_while_listing_leaves_it_to_the_others() -> None:
    world = World()
    one = await world.process("one")
    ref = await one.track("asha", **PHONE)
    for steps in (1, 2):
        other = await world.process(f"other{steps}", watches=False)
        other.watching.subscribe(ROOM)
        first, second = asyncio.create_task(other.present()), asyncio.create_task(other.present())
        for _ in range(steps):
            await asyncio.sleep(0)
        assert first.cancel()
        assert set(await second) == {"asha"}
        assert first.cancelled()

    last = await world.process("last", watches=False)
    last.watching.subscribe(ROOM)
    alone = asyncio.create_task(last.present())
    await asyncio.sleep(0)
    alone.cancel()
    await quiet()
    await last.watching.catch_up()
    assert last.door.calls["listing"] == 2, "nobody asked again"
    await last.watch()
    assert last.client.refs() == {ref}
    assert last.door.calls["listing"] == 2


# --- what is lost on the way ---


async def test_a_lost_message_is_found_out_by_the_next_one() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    world.line.lost = lambda name: name == "two"
    first = await one.track("asha", **PHONE)
    assert other.client.members == {}
    world.line.lost = lambda _: False
    second = await one.track("brian", **PHONE)
    await other.watching.catch_up()
    assert other.client.refs() == {first, second}
    assert other.watching.healed == 1
    assert other.door.calls["listing"] == 2


async def test_a_lost_message_is_found_out_by_looking() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    world.line.lost = lambda name: name == "two"
    ref = await one.track("asha", **PHONE)
    await other.watching.look()
    await other.watching.catch_up()
    assert other.client.refs() == {ref}
    assert other.door.calls["versions"] == 1
    await one.watching.look()
    await one.watching.catch_up()
    assert one.door.calls["listing"] == 1, "it was not behind"


async def test_messages_the_wrong_way_round_need_no_listing() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    world.line.is_slow = True
    refs = {await one.track(key, **PHONE) for key in ("asha", "brian", "chipo")}
    one.tracker.untrack(ROOM, gone := min(refs))
    await quiet()
    world.line.arrive(backwards=True)
    await quiet()
    await other.watching.catch_up()
    assert other.client.refs() == refs - {gone}
    assert other.door.calls["listing"] == 1, "the first one"
    assert [sorted(diff["joins"]) for diff in other.diffs] == [["asha"], ["brian"], ["chipo"], []]


async def test_a_bus_that_was_away_heals() -> None:
    world = World()
    one, two, three = [await world.process(name) for name in ("one", "two", "three")]
    old = await one.track("asha", **PHONE)
    world.line.part("two")
    one.tracker.untrack(ROOM, old)
    mine, theirs = await two.track("brian", **PHONE), await three.track("chipo", **PHONE)
    assert three.client.refs() == {theirs}
    assert two.client.refs() == {old, mine}
    assert not two.tracker.stale
    world.line.join("two")
    await world.heals()
    assert one.client.refs() == two.client.refs() == three.client.refs() == {mine, theirs}
    assert two.leaves == {old: 1}


async def test_a_change_that_is_too_large_to_travel_makes_them_look() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    for n in range(12):
        one.tracker.hold(ROOM, await one.track(f"k{n}", text="x" * (META - 20)), seconds=1.0)
    await quiet()
    assert len(other.client.members) == 12
    world.now += 2.0
    await one.tracker.reap()
    await quiet()
    assert len(other.client.members) == 12
    assert other.wire.gaps == 1
    await other.watching.look()
    await other.watching.catch_up()
    assert other.client.members == one.client.members == {}


# --- a store that is away, or begins anew ---


async def test_a_process_that_starts_without_a_store_shows_its_own() -> None:
    world = World()
    one = await world.process("one")
    theirs = await one.track("asha", **PHONE)
    other = await world.process("two", watches=False)
    other.door.is_shut = True
    await other.watch()
    mine = await other.track("brian", **PHONE)
    assert set(await other.present()) == {"brian"}
    other.door.is_shut = False
    await world.heals()
    assert one.client.refs() == other.client.refs() == {theirs, mine}
    assert other.joins == {theirs: 1, mine: 1}


async def test_a_store_that_was_wiped_is_filled_again_and_nobody_flickers() -> None:
    world = World()
    one, other, dead = [await world.process(name) for name in ("one", "two", "dead")]
    mine, theirs = await one.track("asha", **PHONE), await other.track("brian", **PHONE)
    held = await one.track("chipo", **PHONE)
    ghost = await dead.track("dan", **PHONE)
    one.tracker.hold(ROOM, held)
    await quiet()
    dead.kill()
    world.wipe()
    await world.heals()
    assert one.client.vanished == other.client.vanished == []
    assert world.there() == {mine, theirs, held}
    await world.passes(DOUBT + 3.0)
    assert one.client.refs() == other.client.refs() == {mine, theirs, held}
    assert one.leaves == other.leaves == {ghost: 1}
    await world.passes(30.0)
    assert one.client.refs() == other.client.refs() == world.there() == {mine, theirs}
