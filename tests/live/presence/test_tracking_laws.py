"""Three processes over one store, under whatever happens to the bus, the store and themselves: it all meets again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kikao.live.presence.tracking import DOUBT
from kikao.live.stores.store import LEASE
from tests.live.presence.processes import ROOM, Process, World, quiet

NAMES = ("one", "two", "three")
KEYS = ("asha", "brian")

who = st.integers(0, 2)
histories = st.lists(
    st.one_of(
        st.tuples(st.just("track"), who, st.integers(0, 3)),
        st.tuples(st.just("track"), who, st.integers(0, 3)),
        st.tuples(st.sampled_from(["update", "untrack", "hold"]), who, st.integers(0, 5)),
        st.tuples(
            st.sampled_from(["shut", "ajar", "open", "part", "join", "look", "rejoin", "kill"]),
            who,
            st.just(0),
        ),
        st.tuples(st.sampled_from(["lossy", "slow", "arrive", "backwards", "wipe"]), st.just(0), st.just(0)),
        st.tuples(st.just("pass"), st.just(0), st.sampled_from([1, 4, 17, 32])),
        st.tuples(st.just("steps"), st.just(0), st.integers(1, 6)),
    ),
    max_size=25,
)
History = list[tuple[str, int, int]]


async def lived(history: History, seed: int) -> World:
    """What is left after a history, when all that was broken works again."""
    world, random = World(), Random(seed)
    for name in NAMES:
        await world.process(name)
    tracked: dict[str, list[str]] = {name: [] for name in NAMES}
    for what, index, n in history:
        process = world.processes[index]
        if not process.is_alive:
            continue
        refs = tracked[process.name]
        match what:
            case "track":
                joining = asyncio.create_task(process.tracker.track(ROOM, KEYS[n % 2], {"device": n // 2}))
                await quiet()
                refs.append(joining.result())
            case "update" if refs:
                refs.append(process.tracker.update(ROOM, refs.pop(n % len(refs)), {"n": n}))
            case "untrack" if refs:
                process.tracker.untrack(ROOM, refs.pop(n % len(refs)))
            case "hold" if refs:
                process.tracker.hold(ROOM, refs.pop(n % len(refs)))
            case "shut" | "ajar":
                process.door.is_shut, process.door.is_ajar = what == "shut", what == "ajar"
            case "open":
                process.door.is_shut = process.door.is_ajar = False
                await process.tracker.beat()
            case "part":
                world.line.part(process.name)
            case "join":
                world.line.join(process.name)
            case "look":
                await process.tracker.look()
                await process.tracker.catch_up()
            case "rejoin":
                await process.rejoin()
            case "kill" if sum(each.is_alive for each in world.processes) > 1:
                process.kill()
                tracked[process.name] = []
            case "lossy":
                world.line.lost = lambda _: random.random() < 0.5
            case "slow":
                world.line.is_slow = True
            case "arrive" | "backwards":
                world.line.arrive(backwards=what == "backwards")
                world.line.is_slow = False
            case "wipe":
                world.wipe()
            case "pass":
                await world.passes(float(n))
            case "steps":
                for _ in range(n):
                    await asyncio.sleep(0)
        if what in ("look", "rejoin", "pass", "open"):
            await quiet()
    world.line.lost = lambda _: False
    world.line.arrive()
    world.line.is_slow = False
    for process in world.processes:
        if process.is_alive:
            process.door.is_shut = process.door.is_ajar = False
            world.line.join(process.name)
    await world.heals()
    await world.passes(LEASE + 30.0 + DOUBT)
    await world.heals()
    world.wanted = {ref for refs in tracked.values() for ref in refs}
    return world


def after(history: History, seed: int, check: Callable[[World, Process], None]) -> None:
    async def run() -> None:
        world = await lived(history, seed)
        for process in world.processes:
            if process.is_alive:
                check(world, process)

    asyncio.run(run())


@settings(max_examples=60)
@given(histories, st.integers(0, 1000))
@example([("track", 0, 0), ("hold", 0, 0), ("ajar", 0, 0), ("track", 0, 0)], 0)
@example([("track", 0, 0), ("hold", 0, 0), ("ajar", 1, 0), ("track", 1, 0)], 0)
def test_everybody_sees_who_is_there_and_nobody_else(history: History, seed: int) -> None:
    def check(world: World, process: Process) -> None:
        assert process.client.refs() == world.wanted
        assert world.there() == world.wanted
        assert process.tracker.owes == 0
        for ref in process.joins | process.leaves:
            assert process.joins[ref] - process.leaves[ref] in (0, 1, -1)

    after(history, seed, check)
