"""Three processes over one store, under whatever happens to the bus, the store and themselves: it all meets again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kikao.live.presence.watching import DOUBT
from kikao.live.stores.store import LEASE
from tests.live.presence.processes import ROOM, Process, World, quiet

NAMES = ("one", "two", "three")
KEYS = ("asha", "brian")

DO = {
    "track": 16,
    "update": 8,
    "untrack": 6,
    "hold": 8,
    "steps": 10,
    "look": 4,
    "open": 6,
    "shut": 2,
    "ajar": 3,
    "part": 2,
    "join": 3,
    "rejoin": 2,
    "lossy": 1,
    "slow": 2,
    "arrive": 2,
    "backwards": 2,
    "wipe": 1,
    "pass": 4,
    "kill": 1,
}
"""What may happen, and how often."""

PAUSES = (1, 4, 17, 32)
"""Seconds, some longer than a lease, some than a window."""

who = st.integers(0, 2)
names = st.sampled_from([name for name, often in DO.items() for _ in range(often)])
histories = st.lists(st.tuples(names, who, st.integers(0, 11)), max_size=30)
History = list[tuple[str, int, int]]


async def lived(history: History, seed: int) -> World:
    """What is left after a history, when all that was broken works again."""
    world, random = World(), Random(seed)
    for name in NAMES:
        (await world.process(name)).door.lag = lambda: random.randrange(6)
    tracked: dict[str, list[str]] = {name: [] for name in NAMES}
    for what, index, n in history:
        process = world.processes[index]
        if not process.is_alive:
            continue
        refs = tracked[process.name]
        match what:
            case "track":
                joining = asyncio.create_task(
                    process.tracker.track(ROOM, KEYS[n % 2], {"device": n % 4 // 2})
                )
                await (joining if n % 3 else quiet())
                await asyncio.wait([joining])
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
                await process.watching.look()
                await process.watching.catch_up()
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
                await world.passes(float(PAUSES[n % 4]))
            case "steps":
                for _ in range(n % 7):
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


@settings(max_examples=20)
@given(histories, st.integers(0, 1000))
@example([("track", 0, 0), ("hold", 0, 0), ("ajar", 0, 0), ("track", 0, 0)], 0)
@example([("track", 0, 0), ("hold", 0, 0), ("ajar", 1, 0), ("track", 1, 0)], 0)
def test_everybody_sees_who_is_there_and_nobody_else(history: History, seed: int) -> None:
    after(history, seed, holds)


def test_so_it_is_after_long_histories() -> None:
    for seed in range(15):
        random = Random(seed)
        names = random.choices([*DO], [*DO.values()], k=50)
        after([(name, random.randrange(3), random.randrange(12)) for name in names], seed, holds)


def holds(world: World, process: Process) -> None:
    """All that is true of a process whatever happened, when nothing is broken any more."""
    assert process.client.refs() == world.wanted
    assert world.there() == world.wanted
    assert process.tracker.owes == 0
    assert not process.tracker.stale
    for ref in process.joins | process.leaves:
        assert process.joins[ref] - process.leaves[ref] in (0, 1, -1)
