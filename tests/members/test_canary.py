"""No address, language or zone is in clear anywhere on the disk, and what was erased is gone from it."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from kikao.members import LastAddress, UnknownMember
from kikao.members.tables import ADDRESSES, KEYS, MEMBERS
from kikao.testing import Clock
from tests.databases import POSTGRESQL, rows
from tests.key_rings import ring
from tests.members.anchors import Anchors, anywhere
from tests.members.directories import a_directory
from tests.members.test_erasing import Duties

pytestmark = pytest.mark.skipif(bool(POSTGRESQL), reason="reads the files of SQLite")

NUMBER = "+256772918273"
CHAT = ("telegram", "5566778899")
MAIL = ("user", "asha.nakato@example")
WORDS = (NUMBER[1:], CHAT[1], MAIL[1], "Africa/Kampala", "Indian/Mahe", "lg-UG")


def forms(word: str) -> Iterator[bytes]:
    """How a text could be written."""
    octets = word.encode()
    yield octets
    yield word.encode("utf-16-le")
    yield octets.hex().encode()
    yield octets[::-1]
    for start in range(3):  # base64 of what begins at any place of three
        inside = base64.b64encode(octets[start : start + (len(octets) - start) // 3 * 3])
        if len(inside) > 7:
            yield inside


def found(folder: Path, *needles: bytes) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.stat().st_size for path in files)
    return [f"{path.name}: {needle!r}" for path in files for needle in needles if needle in path.read_bytes()]


async def test_nothing_of_a_member_is_in_clear(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    needles = [form for word in WORDS for form in forms(word)]
    (tmp_path / "control").write_text(f"{NUMBER}\n")
    assert found(tmp_path, *needles) == [f"control: {NUMBER[1:].encode()!r}"]
    (tmp_path / "control").unlink()
    caplog.set_level(logging.DEBUG)
    anchors, said = Anchors(), []
    anchors.alive = {MAIL}
    async with a_directory(tmp_path) as directory:
        known = await directory.meet("msisdn", NUMBER)
        await directory.link(known.id, *CHAT, anchor=anchors)
        await directory.link(known.id, *MAIL, anchor=anchors)
        await directory.remember(known.id, locale="lg-UG", timezone="Indian/Mahe")
        said += [repr(await directory.links_due()), repr(await directory.show(NUMBER)), repr(anchors.asked)]
        assert found(tmp_path, *needles) == []
        await directory.unlink(known.id, *CHAT, anchor=anchors)
        with pytest.raises(LastAddress) as last:
            await directory.unlink(known.id, "msisdn", NUMBER, anchor=anchors)
        await Duties().erase(directory, known.id)
        with pytest.raises(UnknownMember) as unknown:
            await directory.show(NUMBER)
        said += [repr(last.value), repr(unknown.value), caplog.text]
        assert found(tmp_path, *needles) == []
    assert found(tmp_path, *needles) == []
    for word in WORDS[:3]:
        assert word not in "".join(said)


async def test_keys_and_hashes_of_the_erased_are_gone_from_the_files_at_once(tmp_path: Path) -> None:
    async with a_directory(tmp_path, clock=Clock()) as directory:
        ids = [(await directory.meet("msisdn", f"+25677200{n:04}")).id for n in range(120)]
        await directory.link(ids[7], *CHAT, anchor=anywhere)
        await directory.remember(ids[7], locale="lg-UG")
        gone = {ids[7], ids[60], ids[119]}
        shredded = [row["sealed"] for row in await rows(tmp_path, KEYS) if row["member_id"] in gone]
        for row in await rows(tmp_path, ADDRESSES):
            shredded += [row["hash"], row["sealed"]] if row["member_id"] in gone else []
        shredded += [row["preferences"] for row in await rows(tmp_path, MEMBERS) if row["id"] in gone]
        assert len(shredded) == 3 + 4 * 2 + 3
        for member_id in gone:
            await Duties().erase(directory, member_id)
        # No process has to end before: the files are searched while the database is open.
        assert found(tmp_path, *shredded) == []
    assert ring().kids == ("k1",)
