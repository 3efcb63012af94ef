"""The lease table of a process: an idle session costs nothing, and dead turns leave nothing behind."""

from __future__ import annotations

import asyncio

from kikao.sessions.stores.leases import PRUNE_FROM, Leases

NOW = 1_000.0


def test_fences_go_on_from_those_of_the_process_before() -> None:
    leases = Leases(7 << 40)
    assert leases.take(b"a", NOW, 5) == ((7 << 40) + 1, NOW + 5)
    assert leases.take(b"b", NOW, 5) == ((7 << 40) + 2, NOW + 5)


def test_a_session_nobody_works_on_is_forgotten() -> None:
    leases = Leases()
    for number in range(5000):
        held = leases.take(b"%d" % number, NOW, 5)
        assert held is not None
        leases.release(b"%d" % number, held[0])
    assert len(leases) == 0


def test_leases_of_turns_that_died_do_not_pile_up() -> None:
    leases = Leases()
    for number in range(50_000):
        assert leases.take(b"%d" % number, NOW + number, 100) is not None
        assert len(leases) <= PRUNE_FROM + 1


def test_leases_that_still_hold_are_not_pruned() -> None:
    leases = Leases()
    for number in range(3 * PRUNE_FROM):
        leases.take(b"%d" % number, NOW, 5)
    assert all(leases.is_held(b"%d" % number, NOW) for number in range(3 * PRUNE_FROM))
    assert leases.take(b"0", NOW + 5, 5) is not None
    for number in range(4 * PRUNE_FROM):
        leases.take(b"later %d" % number, NOW + 5, 5)
    assert not leases.is_held(b"1", NOW)


async def test_a_line_is_gone_with_the_last_who_waited() -> None:
    leases = Leases()
    held = leases.take(b"a", NOW, 1000)
    assert held is not None
    assert await leases.wait(b"a", now=NOW, lease=5, wait=0.001) is None
    waiting = [asyncio.create_task(leases.wait(b"a", now=NOW, lease=5, wait=60)) for _ in range(3)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    leases.release(b"a", held[0])
    assert len(leases) == 0
    assert leases.take(b"a", NOW, 5) is not None


async def test_a_newcomer_does_not_overtake_those_in_line() -> None:
    leases = Leases()
    leases.take(b"a", NOW, 1000)
    waiting = asyncio.create_task(leases.wait(b"a", now=NOW, lease=5, wait=60))
    await asyncio.sleep(0)
    # By the newcomer's clock the lease has lapsed: it goes to the one who waits.
    assert leases.take(b"a", NOW + 1000, 5) is None
    held = await waiting
    assert held is not None
    assert held[1] == NOW + 1005


async def test_who_waits_is_served_although_every_holder_dies() -> None:
    leases = Leases()
    leases.take(b"a", NOW, 0.005)
    held = await asyncio.gather(*(leases.wait(b"a", now=NOW, lease=0.005, wait=60) for _ in range(5)))
    fences = [lease[0] for lease in held if lease is not None]
    assert fences == [2, 3, 4, 5, 6]
