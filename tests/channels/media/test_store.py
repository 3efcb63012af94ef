"""Files that are kept: what comes back, for how long, for whom, and what is left when anything goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import resource
import signal
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from kikao.channels.media.errors import FileDamaged, FileError, FileGone, FilesFull, FilesRefused
from kikao.channels.media.files import Files
from kikao.channels.media.folder import DAY, LEFT_OVER
from kikao.channels.media.sealing import PIECE
from kikao.channels.media.store import FileStore, Swept
from kikao.conversation.inputs import File
from kikao.sessions.sealing import KeyRing
from tests.waiting import until

K1, K2 = bytes(range(32)), bytes(range(32, 64))
PHOTO = b"\xff\xd8\xff\xe0" + b"photo of Amina" * 100
MEMBER, OTHER = "0a" * 16, "0b" * 16


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "media"


@pytest.fixture
def store(folder: Path, clock: Clock) -> FileStore:
    return stored(folder, clock)


def stored(
    folder: Path, clock: Clock, *, most: int = 10_000_000, tenant: str = "", **keys: bytes
) -> FileStore:
    return FileStore(folder, KeyRing(keys or {"k1": K1}, tenant=tenant), days=30, most=most, clock=clock)


def lying(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "files" in path.parts)


def aside(folder: Path) -> list[Path]:
    return list((folder / "tmp").iterdir())


# --- in and out ---


async def test_what_was_kept_is_opened_again(store: FileStore, folder: Path) -> None:
    file = await store.put(PHOTO, owner=MEMBER, mime="image/png", filename="../kadi yangu.jpg")
    assert (file.mime, file.size, file.filename) == ("image/jpeg", len(PHOTO), "kadi yangu.jpg")
    assert file.sha256 == hashlib.sha256(PHOTO).hexdigest()
    assert await store.read(file) == PHOTO
    assert msgspec.json.decode(msgspec.json.encode(file), type=File) == file
    assert [stat.S_IMODE(path.stat().st_mode) for path in lying(folder)] == [0o600]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_dir()} == {0o700}
    assert aside(folder) == []


async def test_a_large_file_goes_through_in_pieces(store: FileStore) -> None:
    data = os.urandom(PIECE) * 3 + b"end"
    async with store.receive(MEMBER) as incoming:
        for at in range(0, len(data), 100_000):
            await incoming.write(data[at : at + 100_000])
        assert await incoming.digest() == hashlib.sha256(data).digest()
        file = await incoming.keep()
    files = Files(store)
    assert [len(piece) async for piece in files.parts(file)] == [PIECE, PIECE, PIECE, 3]
    assert await files.open(file) == data
    with pytest.raises(FileError, match="take it in parts"):
        await files.open(file, most=len(data) - 1)


async def test_an_empty_file_is_a_file(store: FileStore) -> None:
    file = await store.put(b"")
    assert (await store.read(file), file.size, file.mime) == (b"", 0, "application/octet-stream")


async def test_the_same_of_one_member_is_there_once_and_of_two_twice(store: FileStore, folder: Path) -> None:
    files = [await store.put(PHOTO, owner=owner) for owner in (MEMBER, MEMBER, OTHER, "")]
    assert files[0] == files[1]
    assert len({file.stored_ref for file in files}) == 3
    assert len(lying(folder)) == 3
    again = FileStore(folder, KeyRing({"k1": K1}), days=30, most=10_000_000, clock=Clock())
    assert await again.put(PHOTO, owner=MEMBER) == files[0]


async def test_many_at_once(store: FileStore, folder: Path) -> None:
    files = await asyncio.gather(*(store.put(PHOTO + bytes([n % 5]), owner=MEMBER) for n in range(20)))
    assert len(set(files)) == len(lying(folder)) == 5
    assert await asyncio.gather(*(store.read(file) for file in files)) == [
        PHOTO + bytes([n % 5]) for n in range(20)
    ]


async def test_nothing_on_the_disk_tells_whose_it_is_or_what(store: FileStore, folder: Path) -> None:
    file = await store.put(PHOTO, owner=MEMBER, filename="kadi.jpg")
    digest = hashlib.sha256(PHOTO).hexdigest()
    for path in folder.rglob("*"):
        octets = path.read_bytes() if path.is_file() else b""
        for told in (MEMBER, digest[:32], "kadi", "Amina"):
            assert told not in str(path)
            assert told.encode() not in octets
    assert len(file.stored_ref) == 65


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "../" * 10 + "etc/passwd",
        "a" * 32 + "/../" + "b" * 29,
        f"{'A' * 32}/{'b' * 32}",
        f"{'a' * 32}/{'b' * 32}\n",
    ],
)
async def test_a_reference_leads_nowhere_else(store: FileStore, ref: str) -> None:
    file = await store.put(PHOTO)
    with pytest.raises(FileGone, match="refers to no file"):
        await store.read(structs.replace(file, stored_ref=ref))


async def test_a_file_that_lies_elsewhere_or_was_changed_does_not_open(
    store: FileStore, folder: Path
) -> None:
    mine, other = await store.put(PHOTO, owner=MEMBER), await store.put(b"other", owner=OTHER)
    places = {path.name: path for path in lying(folder)}
    places[mine.media_id].replace(places[other.media_id])
    with pytest.raises(FileDamaged, match="does not open"):
        await store.read(other)
    with pytest.raises(FileGone):
        await store.read(mine)
    places[other.media_id].write_bytes(b"nothing of ours")
    with pytest.raises(FileDamaged, match="none that kikao wrote"):
        await store.read(other)


# --- for some days, and for a member ---


async def test_a_file_expires_and_is_swept(store: FileStore, folder: Path, clock: Clock) -> None:
    old = await store.put(PHOTO, owner=MEMBER)
    clock.now += 20 * DAY
    new = await store.put(b"new", owner=MEMBER)
    clock.now += 10 * DAY
    with pytest.raises(FileGone, match="not kept any more"):
        await store.read(old)
    assert len(lying(folder)) == 2, "what is expired is not there at once, and removed later"
    swept = await store.sweep()
    assert (swept.removed, swept.kept) == (1, 1)
    assert swept.octets == lying(folder)[0].stat().st_size
    assert await store.read(new) == b"new"
    clock.now += 20 * DAY
    assert await store.sweep() == Swept(1, 0, 0)
    assert lying(folder) == []
    assert list((folder / "files").glob("*/*")) == [], "nor is a folder left of a member"


async def test_what_is_put_again_is_kept_for_its_days_anew(store: FileStore, clock: Clock) -> None:
    first = await store.put(PHOTO)
    clock.now += 29 * DAY
    assert await store.put(PHOTO) == first
    clock.now += 29 * DAY
    assert (await store.sweep()).removed == 0
    assert await store.read(first) == PHOTO


async def test_what_comes_back_while_a_sweep_removes_it_stays(
    store: FileStore, folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the sweep's look at a file and its removal, the member sends it again."""
    file = await store.put(PHOTO)
    (place,) = lying(folder)
    fresh = place.read_bytes()
    clock.now += 31 * DAY
    renamed = Path.rename

    def meanwhile(path: Path, target: Path) -> Path:
        if path == place:
            place.write_bytes(fresh)
            os.utime(place, (clock.now, clock.now))
        return renamed(path, target)

    monkeypatch.setattr(Path, "rename", meanwhile)
    assert (await store.sweep()).removed == 0
    assert await store.read(file) == PHOTO
    assert aside(folder) == []


async def test_erasing_a_member_removes_theirs_alone(store: FileStore, folder: Path) -> None:
    mine = [await store.put(bytes([n]), owner=MEMBER) for n in range(3)]
    other = await store.put(PHOTO, owner=OTHER)
    assert await store.forget(MEMBER) == 3
    assert await store.forget(MEMBER) == 0
    for file in mine:
        with pytest.raises(FileGone):
            await store.read(file)
    assert await store.read(other) == PHOTO
    assert len(lying(folder)) == 1
    with pytest.raises(ValueError, match="nobody"):
        await store.forget("")


async def test_nothing_is_made_before_it_is_needed(store: FileStore, folder: Path) -> None:
    assert (await store.sweep(), await store.forget(MEMBER)) == (Swept(), 0)
    assert (await store.reseal()).sealed == 0
    await store.check()
    assert not folder.exists()


# --- full, and cut short ---


async def test_no_more_than_the_cap(folder: Path, clock: Clock) -> None:
    store = stored(folder, clock, most=5000)
    first = await store.put(bytes(2000), owner=MEMBER)
    with pytest.raises(FilesFull, match="octets of the 5,000 that they may"):
        await store.put(bytes(4000))
    assert (len(lying(folder)), aside(folder)) == (1, [])
    await store.put(bytes(2500))
    again = stored(folder, clock, most=5000)
    with pytest.raises(FilesFull):
        await again.put(bytes(600))
    await again.forget(MEMBER)
    await again.put(bytes(600))
    clock.now += 30 * DAY
    await again.sweep()
    await again.put(bytes(2300))
    for _ in range(3):
        assert await again.put(bytes(2300)), "the same again takes room only for a moment"
    with pytest.raises(FileGone):
        await store.read(first)


@contextlib.contextmanager
def disk_of(octets: int) -> Iterator[None]:
    """Within it no file grows larger: the write fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_on_a_full_disk_nothing_is_half_written(store: FileStore, folder: Path) -> None:
    kept = await store.put(PHOTO)
    for octets, data in ((100_000, bytes(2 * PIECE)), (50, b"small"), (0, b"")):
        with disk_of(octets), pytest.raises(FilesFull, match="disk of the files is full"):
            await store.put(data)
    assert (len(lying(folder)), aside(folder)) == (1, [])
    assert await store.read(kept) == PHOTO
    assert await store.put(bytes(2 * PIECE))


async def test_who_is_cancelled_leaves_nothing(store: FileStore, folder: Path) -> None:
    async def receiving() -> None:
        async with store.receive(MEMBER) as incoming:
            while True:
                await incoming.write(bytes(PIECE))

    task = asyncio.create_task(receiving())
    await until(lambda: (folder / "tmp").is_dir() and aside(folder), "something is being written")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (lying(folder), aside(folder)) == ([], [])


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from kikao.channels.media.store import FileStore
from kikao.sessions.sealing import KeyRing
store = FileStore(Path(sys.argv[1]), KeyRing({"k1": bytes(range(32))}), days=30, most=10**7)
asyncio.run(store.put(b"before", owner="m"))
rename = Path.rename
def die(path, target):
    os.kill(os.getpid(), signal.SIGKILL)
Path.rename = die
asyncio.run(store.put(b"between", owner="m"))
"""


async def test_a_process_that_dies_before_the_rename_leaves_what_was(folder: Path) -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, folder)
    assert await child.wait() == -signal.SIGKILL
    store = FileStore(folder, KeyRing({"k1": K1}), days=30, most=10_000_000)
    assert (len(lying(folder)), len(aside(folder))) == (1, 1)
    await store.sweep()
    assert len(aside(folder)) == 1, "it may be somebody else's who is at work"
    past = time.time() - LEFT_OVER - 1
    os.utime(aside(folder)[0], (past, past))
    (folder / "tmp" / "removed").mkdir()
    os.utime(folder / "tmp" / "removed", (past, past))
    swept = await store.sweep()
    assert (aside(folder), swept.kept) == ([], 1)
    assert await store.read(await store.put(b"between", owner="m")) == b"between"


async def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FilesRefused, match=r"KIKAO_MEDIA: files cannot be kept in .*file/media"):
        await stored(tmp_path / "file" / "media", clock).put(PHOTO)


# --- secret keys ---


async def test_a_retired_key_can_go_once_everything_is_sealed_anew(folder: Path, clock: Clock) -> None:
    files = [await stored(folder, clock, k1=K1).put(bytes([n]), owner=MEMBER) for n in range(3)]
    clock.now += 10 * DAY
    with pytest.raises(FilesRefused, match="belong to other secret keys"):
        await stored(folder, clock, k2=K2).check()
    both = stored(folder, clock, k2=K2, k1=K1)
    await both.check()
    files.append(await both.put(b"new", owner=MEMBER))
    done = await both.reseal()
    assert (done.sealed, done.unreadable) == (3, 0)
    assert (await both.reseal()).sealed == 0
    alone = stored(folder, clock, k2=K2)
    await alone.check()
    assert [await alone.read(file) for file in files] == [b"\x00", b"\x01", b"\x02", b"new"]
    assert await alone.put(b"\x00", owner=MEMBER) == files[0], "names stay"
    assert [path.name for path in (folder / "keys").iterdir()] == ["k2"]
    clock.now += 20 * DAY - 60
    assert (await alone.sweep()).removed == 0
    clock.now += 60
    assert (await alone.sweep()).removed == 2, "sealing anew keeps nothing for longer"


async def test_a_start_without_a_key_is_refused_while_files_need_it(folder: Path, clock: Clock) -> None:
    await stored(folder, clock, k1=K1).put(PHOTO)
    (place,) = lying(folder)
    both = stored(folder, clock, k2=K2, k1=K1)
    damaged = place.read_bytes()
    place.write_bytes(b"KKF1" + damaged[4:20])
    assert (await both.reseal()).unreadable == 1
    names = folder / "names"
    names.write_bytes(KeyRing({"k2": K2}).seal(bytes(32), b"names of files", b"names of files"))
    with pytest.raises(FilesRefused, match="can only be opened with the secret key 'k1'"):
        await stored(folder, clock, k2=K2).check()
    clock.now += 30 * DAY
    await stored(folder, clock, k2=K2).check()


async def test_two_tenants_do_not_share_a_folder(folder: Path, clock: Clock) -> None:
    await stored(folder, clock, tenant="acme").put(PHOTO)
    with pytest.raises(FilesRefused, match="another tenant"):
        await stored(folder, clock, tenant="zeta").put(PHOTO)


# --- several processes ---


async def test_processes_that_share_a_folder_agree_on_its_names(folder: Path, clock: Clock) -> None:
    stores = [stored(folder, clock) for _ in range(4)]
    files = await asyncio.gather(*(each.put(PHOTO, owner=MEMBER) for each in stores))
    assert len(set(files)) == len(lying(folder)) == 1
    assert await asyncio.gather(*(each.read(files[0]) for each in stores)) == [PHOTO] * 4
    assert aside(folder) == []


async def test_they_may_sweep_and_seal_anew_at_the_same_time(folder: Path, clock: Clock) -> None:
    old = stored(folder, clock, k1=K1)
    expired = [await old.put(bytes([n])) for n in range(20)]
    clock.now += 29 * DAY
    kept = [await old.put(bytes([n, n])) for n in range(20)]
    clock.now += 2 * DAY
    both = [stored(folder, clock, k2=K2, k1=K1) for _ in range(3)]
    await asyncio.gather(*(each.sweep() for each in both), *(each.reseal() for each in both))
    assert len(lying(folder)) == len(kept)
    alone = stored(folder, clock, k2=K2)
    assert [await alone.read(file) for file in kept] == [bytes([n, n]) for n in range(20)]
    for file in expired:
        with pytest.raises(FileGone):
            await alone.read(file)
    assert aside(folder) == []


async def test_what_others_wrote_counts_from_the_next_sweep(folder: Path, clock: Clock) -> None:
    one, other = stored(folder, clock, most=5000), stored(folder, clock, most=5000)
    await one.put(bytes(100))
    await other.put(bytes(4000))
    await one.put(bytes(4001))  # nobody told it
    await one.sweep()
    with pytest.raises(FilesFull):
        await one.put(bytes(101))
    assert aside(folder) == []
