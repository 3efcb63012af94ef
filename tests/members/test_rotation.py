"""New keys: members' keys sealed anew, addresses looked up with another key, and what a stop in the middle leaves."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from kikao.members import Known
from kikao.members.directory import Directory, new_member_id
from kikao.members.tables import ADDRESSES, KEYS, LOOKUP, WISHES
from kikao.records import RecordsAway, RecordsRefused
from kikao.sessions.sealing import KeyRing, SealError
from tests.databases import ON_BOTH, its_records, rows
from tests.key_rings import K1, K2, K3, ring
from tests.members.anchors import Anchors
from tests.members.directories import ASHA, BINTA, a_directory

CHAT = ("telegram", "77001")
NUMBERS = [f"+2567720000{n:02}" for n in range(25)]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kikao.members.rotation.BATCH", 10)


class Stopped(BaseException):
    """Ctrl-C, or the machine."""


class Progress:
    """What was said of how far it is; stops after so many words, as a crash would."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.said: list[tuple[int, int]] = []
        self.stop_at = stop_at

    def __call__(self, done: int, total: int) -> None:
        self.said.append((done, total))
        if len(self.said) == self.stop_at:
            raise Stopped


async def many(folder: Path, keys: KeyRing | None = None) -> list[Known]:
    """Members, and a link that is pending."""
    anchors = Anchors()
    anchors.alive = {CHAT}
    async with a_directory(folder, keys) as directory:
        known = [await directory.meet("msisdn", number) for number in NUMBERS]
        assert not await directory.link(known[0].id, *CHAT, anchor=anchors)
        return known


async def kids(folder: Path) -> tuple[set[str], set[str]]:
    """The ids of the keys that member keys are sealed under, and that addresses are hashed with."""
    hashed = [*await rows(folder, ADDRESSES), *await rows(folder, WISHES)]
    return {row["kid"] for row in await rows(folder, KEYS)}, {row["lookup_kid"] for row in hashed}


async def rekey(folder: Path, old: KeyRing, new: KeyRing, progress: Progress) -> None:
    async with its_records(folder) as records:
        await Directory(records, old).rekey(new, progress)


async def everybody_is_found(folder: Path, keys: KeyRing, members: list[Known]) -> None:
    async with a_directory(folder, keys) as directory:
        assert [await directory.meet("msisdn", number) for number in NUMBERS] == members
        [link] = await directory.links_due()
        assert (link.address.kind, link.address.identity) == CHAT
        assert await directory.settle(link, anchor=Anchors())
        assert await directory.find(*CHAT) == members[0].id


# --- the key that seals ---


@ON_BOTH
async def test_members_keys_are_sealed_anew(tmp_path: Path) -> None:
    members, progress = await many(tmp_path), Progress()
    both = ring(k2=K2, k1=K1)
    async with a_directory(tmp_path, both) as directory:
        newcomer = await directory.meet("msisdn", BINTA)
        await directory.reseal(progress)
        assert await directory.meet("msisdn", BINTA) == newcomer
    assert progress.said == [(0, 25), (10, 25), (20, 25), (25, 25)]
    assert await kids(tmp_path) == ({"k2"}, {"k1"})
    await everybody_is_found(
        tmp_path, both, [newcomer if n == BINTA else m for n, m in zip(NUMBERS, members, strict=True)]
    )


async def test_sealing_anew_goes_on_where_it_stopped(tmp_path: Path) -> None:
    members, both = await many(tmp_path), ring(k2=K2, k1=K1)
    async with a_directory(tmp_path, both) as directory:
        with pytest.raises(Stopped):
            await directory.reseal(Progress(stop_at=2))
    assert await kids(tmp_path) == ({"k1", "k2"}, {"k1"})
    progress = Progress()
    async with a_directory(tmp_path, both) as directory:
        await directory.reseal(progress)
        await directory.reseal(progress)
    assert progress.said == [(0, 15), (10, 15), (15, 15), (0, 0)]
    await everybody_is_found(tmp_path, both, members)


async def test_a_sealing_key_that_is_still_needed_is_missed_at_start(tmp_path: Path) -> None:
    await many(tmp_path, ring(k1=K1))
    async with a_directory(tmp_path, ring(k2=K2, k1=K1)) as directory:
        await directory.meet(*CHAT)
    with pytest.raises(RecordsRefused, match=r"sealed under 'k2'.*KIKAO_SECRET_KEYS"):
        async with a_directory(tmp_path, ring(k1=K1)):
            pass


# --- the key that looks up ---


@ON_BOTH
async def test_addresses_move_to_another_look_up_key(tmp_path: Path) -> None:
    members, progress = await many(tmp_path), Progress()
    both = ring(k2=K2, k1=K1)
    await rekey(tmp_path, both, both, progress)
    assert progress.said == [(0, 26), (11, 26), (21, 26), (26, 26)]
    assert await kids(tmp_path) == ({"k1"}, {"k2"})
    [lookup] = await rows(tmp_path, LOOKUP)
    assert (lookup["kid"], lookup["next_kid"]) == ("k2", None)

    await rekey(tmp_path, both, both, progress)
    assert progress.said[-1] == (0, 0), "it is done"
    async with a_directory(tmp_path, both) as directory:
        await directory.reseal(Progress())
    await everybody_is_found(tmp_path, ring(k2=K2), members)


@pytest.mark.parametrize("stop_at", [1, 2, 3, 4])
async def test_a_move_that_stopped_keeps_everybody_out_until_it_is_finished(
    tmp_path: Path, stop_at: int
) -> None:
    members, both = await many(tmp_path), ring(k2=K2, k1=K1)
    with pytest.raises(Stopped):
        await rekey(tmp_path, both, both, Progress(stop_at))
    for keys in (both, ring(k1=K1)):
        with pytest.raises(RecordsRefused, match=r"half-way.*kikao migrate --rekey"):
            async with a_directory(tmp_path, keys):
                pass
    with pytest.raises(RecordsRefused, match="Finish that first"):
        await rekey(tmp_path, both, ring(k3=K3, k1=K1), Progress())
    with pytest.raises(RecordsRefused, match="Finish that first"):
        await rekey(tmp_path, both, ring(k2=K3, k1=K1), Progress())
    await rekey(tmp_path, both, both, Progress())
    await everybody_is_found(tmp_path, both, members)


@ON_BOTH
async def test_a_process_that_went_on_meanwhile_makes_no_second_member(tmp_path: Path) -> None:
    members, both = await many(tmp_path), ring(k2=K2, k1=K1)
    async with a_directory(tmp_path) as running:
        assert await running.meet("msisdn", NUMBERS[3]) == members[3]
        with pytest.raises(Stopped):
            await rekey(tmp_path, both, both, Progress(stop_at=2))
        await refused_or_right(running, members)
        await rekey(tmp_path, both, both, Progress())
        await refused_or_right(running, members)
        with pytest.raises(RecordsAway):
            await running.link(members[3].id, "user", "new", anchor=Anchors())
    assert len(await rows(tmp_path, ADDRESSES)) == len(NUMBERS)
    await everybody_is_found(tmp_path, both, members)


@ON_BOTH
async def test_a_member_is_not_made_under_a_key_that_was_left_a_moment_ago(tmp_path: Path) -> None:
    """Between looking for an address and making its member, another process moves to another key, all the way."""
    both = ring(k2=K2, k1=K1)

    def meanwhile() -> str:
        moving = threading.Thread(target=lambda: asyncio.run(rekey(tmp_path, both, both, Progress())))
        moving.start()
        moving.join()
        return new_member_id()

    async with a_directory(tmp_path, new_id=meanwhile) as running:
        with pytest.raises(RecordsAway):
            await running.meet("msisdn", ASHA)
    assert await rows(tmp_path, ADDRESSES) == []
    [lookup] = await rows(tmp_path, LOOKUP)
    assert lookup["kid"] == "k2"


async def refused_or_right(directory: Directory, members: list[Known]) -> None:
    refused = 0
    for number, known in zip(NUMBERS, members, strict=True):
        try:
            assert await directory.meet("msisdn", number) == known
        except RecordsAway:
            refused += 1
    assert refused
    with pytest.raises(RecordsAway):
        await directory.meet("user", "somebody new")
    with pytest.raises(RecordsAway):
        await directory.find("user", "somebody new")


async def test_one_id_for_two_keys_is_refused(tmp_path: Path) -> None:
    members = await many(tmp_path)
    with pytest.raises(RecordsRefused, match="Give the new key another"):
        await rekey(tmp_path, ring(k1=K1), ring(k1=K2), Progress())
    await everybody_is_found(tmp_path, ring(k1=K1), members)


async def test_the_wrong_sealing_keys_move_nothing(tmp_path: Path) -> None:
    members = await many(tmp_path)
    with pytest.raises(SealError):
        await rekey(tmp_path, ring(k1=K3), ring(k2=K2, k1=K3), Progress())
    await everybody_is_found(tmp_path, ring(k1=K1), members)


async def test_new_tables_take_the_first_key_of_the_ring(tmp_path: Path) -> None:
    async with a_directory(tmp_path, ring(k2=K2, k1=K1)) as directory:
        await directory.meet("msisdn", ASHA)
    assert await kids(tmp_path) == ({"k2"}, {"k2"})
