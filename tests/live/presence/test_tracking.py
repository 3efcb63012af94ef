"""Presence over several processes: what clients do, and what others see of it, whoever dies."""

from __future__ import annotations

import asyncio
from functools import partial
from random import Random

import pytest

from kikao.events import ErrorUncaught
from kikao.live.presence.state import META
from kikao.live.presence.tracking import NotTracked
from kikao.live.presence.watching import INTERNAL
from kikao.live.stores.store import LEASE, Change
from tests.live.presence.processes import LAPTOP, PHONE, ROOM, World, quiet

# --- what clients see ---


async def test_who_joins_is_in_the_state_and_others_hear_of_them() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")

    ref = await one.track("asha", **PHONE)

    assert await one.present() == {"asha": {"metas": [{"device": "phone", "phx_ref": ref}]}}
    assert other.diffs == [
        {"joins": {"asha": {"metas": [{"device": "phone", "phx_ref": ref}]}}, "leaves": {}}
    ]
    assert one.client.members == other.client.members
    assert one.door.calls["put"] == 1
    assert one.door.calls["adopt"] == 0, "nothing was held"
    late = await world.process("three")
    assert late.client.refs() == {ref}
    assert late.diffs == [], "the state had it"


async def test_two_devices_are_two_metas_and_the_key_stays_until_both_left() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    phone, laptop = await one.track("asha", **PHONE), await other.track("asha", **LAPTOP)
    assert [meta["device"] for meta in one.metas("asha")] == ["phone", "laptop"]

    one.tracker.untrack(ROOM, phone)
    await quiet()
    assert [meta["phx_ref"] for meta in one.metas("asha")] == [laptop]
    assert one.client.vanished == other.client.vanished == []

    other.tracker.untrack(ROOM, laptop)
    await quiet()
    assert one.client.vanished == other.client.vanished == ["asha"]
    assert world.there() == set()


async def test_what_a_store_that_failed_over_forgot_is_put_again_and_what_follows_is_seen() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    first, deaf = await one.track("asha", **PHONE), await world.process("three")
    forgotten = {await one.track("binta", **PHONE), await other.track("chidi", **PHONE)}
    topic = world.store._topics[ROOM]  # of a replica that lagged behind: in the same epoch
    topic.version -= len(forgotten)
    for ref in forgotten:
        del topic.entries[ref]
    await world.heals()
    assert (
        world.there() == one.client.refs() == other.client.refs() == deaf.client.refs() == forgotten | {first}
    )
    last = await deaf.track("dayo", **PHONE)
    assert one.client.refs() == other.client.refs() == deaf.client.refs() == forgotten | {first, last}
    assert one.client.vanished == other.client.vanished == deaf.client.vanished == []


async def test_an_update_is_one_diff_and_nobody_leaves() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    old = await one.track("asha", **PHONE)
    new = one.tracker.update(ROOM, old, {"device": "phone", "typing": True})
    await quiet()

    for process in (one, other):
        assert process.diffs[-1] == {
            "joins": {
                "asha": {"metas": [{"device": "phone", "typing": True, "phx_ref": new, "phx_ref_prev": old}]}
            },
            "leaves": {"asha": {"metas": [{"device": "phone", "phx_ref": old}]}},
        }
        assert len(process.diffs) == 2
        assert process.client.vanished == []
    with pytest.raises(NotTracked):
        one.tracker.update(ROOM, old, {})


async def test_updates_without_a_pause_leave_one_entry_however_long_each_write_takes() -> None:
    for seed in range(30):
        random = Random(seed)
        world = World()
        one, other = await world.process("one"), await world.process("two")
        one.door.lag = partial(random.choice, (0, 0, 1, 9))
        ref = await one.tracker.track(ROOM, "asha", PHONE)
        for n in range(4):
            for _ in range(random.randrange(4)):
                await asyncio.sleep(0)
            one.door.is_ajar = random.random() < 0.1
            ref = one.tracker.update(ROOM, ref, {"n": n})
        await quiet()
        one.door.is_ajar = False
        await one.tracker.beat()
        await quiet()
        assert world.there() == {ref}
        assert one.tracker.owes == 0
        await other.watching.look()  # an answer that was lost was told to nobody
        await other.watching.catch_up()
        assert other.client.vanished == []
        assert other.client.refs() == {ref}
        for process in (one, other):
            process.kill()


async def test_who_leaves_while_their_join_is_being_written_leaves_no_ghost() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    ref = await one.tracker.track(ROOM, "asha", PHONE)
    await asyncio.sleep(0)
    one.tracker.untrack(ROOM, ref)
    await quiet()
    assert world.there() == set()
    assert one.client.members == other.client.members == {}
    assert one.tracker.entries == one.tracker.owes == 0


async def test_what_is_no_meta_is_refused() -> None:
    world = World()
    one = await world.process("one")
    with pytest.raises(ValueError, match="JSON"):
        await one.track("asha", device=object())
    with pytest.raises(ValueError, match="octets"):
        await one.track("asha", device="x" * META)
    with pytest.raises(ValueError, match="own"):
        await one.tracker.track(f"{INTERNAL}x", "asha", {})
    with pytest.raises(ValueError, match="own"):
        one.watching.subscribe(f"{INTERNAL}x")
    assert world.there() == set()


# --- sockets that are lost ---


async def test_who_comes_back_in_time_is_taken_over_and_nobody_notices() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    ref = await one.track("asha", **PHONE)
    one.tracker.hold(ROOM, ref)
    await quiet()
    await world.passes(20.0)

    assert await other.track("asha", **PHONE) == ref
    await world.passes(60.0)
    assert len(one.diffs) == len(other.diffs) == 1
    assert world.there() == {ref}

    other.tracker.untrack(ROOM, ref)
    await quiet()
    assert one.client.members == other.client.members == {}
    assert one.leaves[ref] == other.leaves[ref] == 1


async def test_who_comes_back_at_once_is_taken_over_before_the_store_knows() -> None:
    world = World()
    one = await world.process("one")
    ref = await one.track("asha", **PHONE)
    for _ in range(3):
        one.tracker.hold(ROOM, ref)
        assert await one.tracker.track(ROOM, "asha", PHONE) == ref
    await quiet()
    await world.passes(60.0)
    assert world.there() == {ref}
    assert len(one.diffs) == 1


async def test_another_device_is_not_taken_over_and_who_does_not_come_back_leaves_once() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    ref = await one.track("asha", **PHONE)
    one.tracker.hold(ROOM, ref)
    await quiet()
    laptop = await other.track("asha", **LAPTOP)
    assert laptop != ref
    one.tracker.untrack(ROOM, ref)  # it is not here any more: nothing
    one.tracker.hold(ROOM, ref)
    await world.passes(40.0)

    assert world.there() == {laptop}
    assert one.leaves[ref] == other.leaves[ref] == 1
    assert one.client.vanished == other.client.vanished == []


async def test_who_is_elsewhere_before_it_is_known_that_they_left_is_there_once() -> None:
    for seed in range(100):
        random = Random(seed)
        world = World()
        one, other = await world.process("one"), await world.process("two")
        tab, old = await one.track("asha", **PHONE), await one.track("asha", **PHONE)
        one.door.lag = partial(random.choice, (0, 1, 9))
        other.door.lag = partial(random.choice, (0, 1, 9))
        joining = asyncio.create_task(other.tracker.track(ROOM, "asha", PHONE))
        for _ in range(random.randrange(4)):
            await asyncio.sleep(0)
        one.tracker.hold(ROOM, old, moved=True)
        new = await joining
        await quiet()
        await one.tracker.settled()
        await quiet()
        assert world.there() == one.client.refs() == other.client.refs() == {tab, new}
        assert one.client.vanished == other.client.vanished == []
        assert one.leaves == other.leaves == ({} if new == old else {old: 1})
        await world.passes(60.0)
        assert world.there() == {tab, new}
        for process in (one, other):
            process.kill()


async def test_what_was_taken_over_and_lost_by_the_store_is_put_again_as_that_of_who_took_it_over() -> None:
    world = World()
    one, other, third = [await world.process(name) for name in ("one", "two", "three")]
    ref = await one.track("asha", **PHONE)
    one.tracker.hold(ROOM, ref)
    await quiet()
    assert await other.track("asha", **PHONE) == ref
    await world.store.remove(ROOM, [ref])  # and nobody hears of it
    await world.heals()
    assert [entry.node for entry in (await world.store.listing(ROOM)).entries] == ["two"]

    await other.tracker.retire()
    assert await third.track("asha", **PHONE) == ref
    await world.passes(60.0)
    assert world.there() == {ref}
    assert one.client.refs() == third.client.refs() == {ref}


async def test_who_was_only_lost_is_not_taken_for_another_of_the_same_meta() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    old = await one.track("asha", **PHONE)
    one.door.is_shut = True  # the store does not hear that it is held
    one.tracker.hold(ROOM, old)
    new = await other.track("asha", **PHONE)
    assert one.client.refs() == other.client.refs() == {old, new}
    one.door.is_shut = False
    await world.passes(6.0)
    assert await other.track("asha", **PHONE) == old


async def test_who_is_cancelled_while_taking_over_leaves_it_to_the_next() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    ref = await one.track("asha", **PHONE)
    one.tracker.hold(ROOM, ref)
    await quiet()
    for steps in range(1, 8):
        joining = asyncio.create_task(other.tracker.track(ROOM, "asha", PHONE))
        for _ in range(steps):
            await asyncio.sleep(0)
        if joining.done():
            break
        joining.cancel()
        await quiet()
    else:
        pytest.fail("it never ended")
    assert joining.result() == ref
    assert len(other.diffs) == 1
    other.tracker.untrack(ROOM, ref)
    await quiet()
    assert world.there() == set()


async def test_a_process_that_retires_leaves_everybody_to_the_others() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    refs = {key: await one.track(key, **PHONE) for key in ("asha", "brian")}
    await one.tracker.retire()
    for ref in refs.values():
        one.tracker.hold(ROOM, ref)
    one.kill()
    assert await other.track("asha", **PHONE) == refs["asha"]
    await world.passes(40.0)
    assert set(other.client.members) == {"asha"}
    assert other.leaves == {refs["brian"]: 1}


async def test_who_comes_to_a_process_that_retired_is_left_to_the_others_as_well() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    refs = {key: await one.track(key, **PHONE) for key in ("asha", "brian")}
    await one.tracker.retire()
    refs["chipo"] = await one.track("chipo", **PHONE)  # whose join was on the way
    refs["asha"] = one.tracker.update(ROOM, refs["asha"], {"device": "phone", "typing": True})
    await quiet()
    for ref in refs.values():
        one.tracker.hold(ROOM, ref)
    await quiet()
    one.kill()
    for key, ref in refs.items():
        meta = {**PHONE, "typing": True} if key == "asha" else PHONE
        assert await other.track(key, **meta) == ref
    await world.passes(60.0)
    assert other.client.refs() == world.there() == set(refs.values())
    assert set(other.leaves) - set(other.joins) == set()
    assert not set(other.leaves) & set(refs.values())


# --- processes that die ---


async def test_the_dead_leave_once_after_their_lease_for_everybody() -> None:
    world = World()
    one, two, three = [await world.process(name) for name in ("one", "two", "three")]
    refs = {await one.track(key, **PHONE) for key in ("asha", "brian")}
    stays = await two.track("chipo", **PHONE)
    one.kill()
    await world.passes(LEASE - 3.0)
    assert two.leaves == three.leaves == {}
    await world.passes(6.0)

    assert two.client.refs() == three.client.refs() == world.there() == {stays}
    for process in (two, three):
        assert process.leaves == dict.fromkeys(refs, 1)
    await world.heals()
    assert two.leaves == three.leaves == dict.fromkeys(refs, 1)


# --- a store that is away ---


async def test_without_a_store_presence_goes_on_in_each_process_and_meets_afterwards() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    before = await one.track("asha", **PHONE)
    one.door.is_shut = other.door.is_shut = True
    await one.tracker.beat()
    assert one.tracker.stale

    mine = await one.track("brian", **PHONE)
    assert one.client.refs() == {before, mine}
    assert set(await one.present()) == {"asha", "brian"}
    short = await one.track("chipo", **PHONE)
    one.tracker.untrack(ROOM, short)
    updated = one.tracker.update(ROOM, mine, LAPTOP)
    one.tracker.untrack(ROOM, before)
    assert one.client.refs() == {updated}
    assert one.tracker.owes > 0
    assert one.door.calls["put"] == 1, "only the beat asks a store that is away"

    one.door.is_shut = other.door.is_shut = False
    await world.heals()
    assert not one.tracker.stale
    assert one.tracker.owes == 0
    assert one.client.refs() == other.client.refs() == world.there() == {updated}
    assert one.joins[mine] == one.leaves[mine] == 1
    assert other.joins == {before: 1, updated: 1}


async def test_who_is_lost_and_back_while_the_store_is_away_is_taken_over() -> None:
    world = World()
    one = await world.process("one")
    phone, laptop = await one.track("asha", **PHONE), await one.track("asha", **LAPTOP)
    one.door.is_shut = True
    await one.tracker.beat()
    one.tracker.hold(ROOM, phone)
    one.tracker.hold(ROOM, laptop)
    assert await one.track("asha", **PHONE) == phone
    await world.passes(40.0)
    assert one.client.refs() == {phone}
    assert one.leaves == {laptop: 1}
    one.door.is_shut = False
    await world.heals()
    assert world.there() == one.client.refs() == {phone}
    assert one.leaves == {laptop: 1}
    assert one.joins == {phone: 1, laptop: 1}


@pytest.mark.parametrize("what", ["put", "update", "untrack", "hold", "adopt"])
async def test_an_answer_that_was_lost_is_no_matter(what: str) -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    ref = await one.track("asha", **PHONE)
    if what == "adopt":
        other.tracker.hold(ROOM, ref)
        one.tracker.hold(ROOM, ref)
        await quiet()
    one.door.is_ajar = True
    match what:
        case "put" | "adopt":
            await one.track("asha", **PHONE)
        case "update":
            one.tracker.update(ROOM, ref, LAPTOP)
        case "untrack":
            one.tracker.untrack(ROOM, ref)
        case "hold":
            one.tracker.hold(ROOM, ref)
    await quiet()
    one.door.is_ajar = False
    await world.heals()
    shown = one.client.refs()
    assert len(shown) == {"put": 2, "update": 1, "untrack": 0, "hold": 1, "adopt": 1}[what]
    assert shown == other.client.refs() == world.there()
    await world.passes(40.0)
    assert len(world.there()) == {"put": 2, "update": 1, "untrack": 0, "hold": 0, "adopt": 1}[what]


async def test_who_was_cut_off_for_longer_than_the_lease_leaves_and_is_back() -> None:
    world = World()
    one, other = await world.process("one"), await world.process("two")
    ref = await one.track("asha", **PHONE)
    one.door.is_shut = True
    world.line.part("one")
    await world.passes(LEASE + 6.0)
    assert other.client.members == {}
    assert one.client.refs() == {ref}, "its own client sees no change"

    one.door.is_shut = False
    world.line.join("one")
    await world.heals()
    assert one.client.refs() == other.client.refs() == world.there() == {ref}
    assert (other.joins[ref], other.leaves[ref]) == (2, 1)
    assert (one.joins[ref], one.leaves[ref]) == (1, 0)
    one.tracker.untrack(ROOM, ref)
    await quiet()
    assert other.client.members == {}


# --- all the time ---


async def test_it_runs() -> None:
    world = World()
    one = await world.process("one")
    one.door.is_shut = True
    running = asyncio.create_task(one.tracker.run())
    await quiet()
    assert one.tracker.stale
    one.door.is_shut = False
    one.watching.missed()
    one.watching.heard(Change(ROOM, "another", 7))
    await quiet()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    one.tracker.close()


async def test_a_mistake_of_a_store_ends_no_loop() -> None:
    world = World()
    one = await world.process("one")
    one.door.lag = lambda: 1 // 0
    running = asyncio.create_task(one.tracker.run())
    await quiet()
    [told] = one.events
    assert isinstance(told, ErrorUncaught)
    assert told.error.startswith("ZeroDivisionError")
    with pytest.raises(ZeroDivisionError):
        await one.rejoin_anew()
    one.door.lag = lambda: 0
    await one.rejoin_anew()
    assert not running.done()
    running.cancel()
