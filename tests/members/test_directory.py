"""Who is behind an address: meeting members, and what they prefer."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from kikao.members import Known, UnknownMember
from kikao.members.tables import ADDRESSES, MEMBERS
from kikao.records import RecordsAway, RecordsRefused
from kikao.testing import Clock
from tests.databases import ON_BOTH, POSTGRESQL, its_records, rows
from tests.key_rings import K1, K2, ring
from tests.members.directories import ASHA, BINTA, a_directory
from tests.waiting import PATIENCE


async def test_an_address_has_one_member_for_good(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
        assert await directory.meet("msisdn", ASHA) == asha
        assert (await directory.meet("msisdn", BINTA)).id != asha.id
        assert await directory.find("msisdn", ASHA) == asha.id

    async with a_directory(tmp_path) as directory:
        assert await directory.meet("msisdn", ASHA) == asha


async def test_a_new_member_has_a_random_id_no_language_and_the_zone_of_the_number(tmp_path: Path) -> None:
    async with a_directory(tmp_path / "one") as one, a_directory(tmp_path / "other") as other:
        asha, twin = await one.meet("msisdn", ASHA), await other.meet("msisdn", ASHA)
    assert (asha.locale, asha.timezone) == ("", "Africa/Kampala")
    assert len(asha.id) == 32
    assert asha.id != twin.id


async def test_one_text_is_another_address_on_another_channel(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory:
        ids = {(await directory.meet(kind, "256772000001")).id for kind in ("whatsapp", "telegram", "user")}
    assert len(ids) == 3


async def test_finding_makes_nobody(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory:
        assert await directory.find("msisdn", ASHA) is None
    assert await rows(tmp_path, MEMBERS) == []


@ON_BOTH
async def test_many_processes_that_meet_a_new_address_at_once_find_one_member(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as one, a_directory(tmp_path) as other:
        met = await asyncio.gather(*[(one, other)[n % 2].meet("msisdn", ASHA) for n in range(40)])
    assert len({known.id for known in met}) == 1
    assert len(await rows(tmp_path, MEMBERS)) == 1
    assert len(await rows(tmp_path, ADDRESSES)) == 1


NO_ADDRESSES = [
    ("msisdn", "0772000001"),
    ("msisdn", "256772000001"),
    ("msisdn", "+256 772 000001"),
    ("msisdn", "+0772000001"),
    ("msisdn", "+٢٥٦٧٧٢٠٠٠٠٠١"),
    ("msisdn", "+2567720000012345"),
    ("sms", "+256772000001"),
    ("+256772000001", "msisdn"),
    ("whatsapp", ""),
    ("telegram", " 12345678"),
    ("telegram", "12345678\n"),
    ("user", "12345678" * 40),
    ("user", "12345678\ud800"),
]


async def test_what_is_no_address_is_refused_without_showing_it(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory:
        for kind, identity in NO_ADDRESSES:
            with pytest.raises(ValueError, match="members: ") as caught:
                await directory.meet(kind, identity)
            assert "772" not in str(caught.value).replace("like +256772000001", "")
            assert "12345678" not in str(caught.value)
    assert await rows(tmp_path, MEMBERS) == []


# --- preferences ---


async def test_what_a_member_chose_is_remembered(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
        await directory.remember(asha.id, locale="lg-UG")
        assert await directory.meet("msisdn", ASHA) == Known(asha.id, "lg-UG", "Africa/Kampala")
        await directory.remember(asha.id, timezone="Europe/London")
        assert await directory.meet("msisdn", ASHA) == Known(asha.id, "lg-UG", "Europe/London")
        await directory.remember(asha.id, locale="", timezone="")

    async with a_directory(tmp_path) as directory:
        assert await directory.meet("msisdn", ASHA) == Known(asha.id, "", "Africa/Kampala")


NO_CHOICES = [
    {"locale": "sw KE"},
    {"locale": "'; --"},
    {"timezone": "Kampala"},
    {"timezone": "localtime"},
    {"timezone": "../etc/passwd"},
    {"timezone": "Africa/Kampala\n"},
]


async def test_what_nobody_could_choose_is_refused(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
        for choice in NO_CHOICES:
            with pytest.raises(ValueError, match="members: "):
                await directory.remember(asha.id, **choice)
        assert await directory.meet("msisdn", ASHA) == asha


async def test_nobody_is_remembered_who_was_never_met(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory:
        with pytest.raises(UnknownMember):
            await directory.remember("0" * 32, locale="sw")


@ON_BOTH
async def test_choices_made_at_once_are_all_kept(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as one, a_directory(tmp_path) as other:
        asha = await one.meet("msisdn", ASHA)
        await asyncio.gather(
            one.remember(asha.id, locale="sw"), other.remember(asha.id, timezone="Africa/Nairobi")
        )
    async with a_directory(tmp_path) as directory:
        assert await directory.meet("msisdn", ASHA) == Known(asha.id, "sw", "Africa/Nairobi")


async def test_a_choice_made_in_another_process_is_seen_within_half_a_minute(tmp_path: Path) -> None:
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as one, a_directory(tmp_path, clock=clock) as other:
        asha = await one.meet("msisdn", ASHA)
        await other.remember(asha.id, locale="sw")
        clock.now += 30.0
        assert (await one.meet("msisdn", ASHA)).locale == "sw"


# --- keys ---


async def test_a_new_key_in_front_changes_nothing_for_members(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
    async with a_directory(tmp_path, ring(k2=K2, k1=K1)) as directory:
        assert await directory.meet("msisdn", ASHA) == asha


@ON_BOTH
@pytest.mark.parametrize("keys", [{"k2": K2}, {"k1": K2}, {"k2": K2, "k1": K2}])
async def test_without_the_key_of_its_look_ups_it_does_not_start(
    tmp_path: Path, keys: dict[str, bytes]
) -> None:
    async with a_directory(tmp_path) as directory:
        await directory.meet("msisdn", ASHA)
    with pytest.raises(RecordsRefused, match=r"'k1'.*KIKAO_SECRET_KEYS"):
        async with a_directory(tmp_path, ring(**keys)):
            pass


# --- when the database is away ---


@pytest.mark.skipif(bool(POSTGRESQL), reason="holds the writer of a SQLite file")
async def test_a_new_address_has_to_wait_and_a_known_one_has_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kikao.records.sqlite.BUSY_SECONDS", 0.05)
    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
        with closing(sqlite3.connect(tmp_path / "data" / "records.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            assert await directory.meet("msisdn", ASHA) == asha
            with pytest.raises(RecordsAway) as caught:
                await directory.meet("msisdn", BINTA)
        assert BINTA[4:] not in str(caught.value)
        assert (await directory.meet("msisdn", BINTA)).id != asha.id


@pytest.mark.skipif(bool(POSTGRESQL), reason="fails the commit of a SQLite file")
@pytest.mark.parametrize("kept", [True, False])
async def test_a_commit_that_nobody_confirmed_makes_no_second_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    commit = Connection.commit

    def fail(connection: Connection) -> None:
        if kept:
            commit(connection)
        monkeypatch.setattr("sqlalchemy.Connection.commit", commit)
        raise OperationalError("COMMIT", None, sqlite3.OperationalError("disk I/O error"))

    async with a_directory(tmp_path) as directory:
        monkeypatch.setattr("sqlalchemy.Connection.commit", fail)
        asha = await directory.meet("msisdn", ASHA)
        assert await directory.find("msisdn", ASHA) == asha.id
    assert [row["id"] for row in await rows(tmp_path, MEMBERS)] == [asha.id]


# --- records that do not answer ---


@pytest.mark.skipif(bool(POSTGRESQL), reason="holds the writer of a SQLite file")
async def test_nobody_waits_long_to_be_met(tmp_path: Path) -> None:
    async with its_records(tmp_path) as records, a_directory(tmp_path) as directory:
        await directory.meet("msisdn", ASHA)
        held, done = threading.Event(), threading.Event()

        def hold(connection: Connection) -> None:
            held.set()
            done.wait(PATIENCE)

        holding = asyncio.create_task(records.write(hold))
        await asyncio.to_thread(held.wait)
        patience, directory._patience = directory._patience, 0.1
        try:
            with pytest.raises(RecordsAway):
                await directory.meet("msisdn", BINTA)
            assert (await directory.meet("msisdn", ASHA)).id, "who was met lately is known"
        finally:
            directory._patience = patience
            done.set()
            await holding
        assert (await directory.meet("msisdn", BINTA)).id
