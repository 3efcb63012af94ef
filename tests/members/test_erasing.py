"""What a member may ask for: to see what is stored, and to be erased."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from kikao.conversation.errors import ErrorCode, RefusedError
from kikao.members import MemberAddress, UnknownMember
from kikao.members.directory import Directory
from kikao.members.tables import ADDRESSES, KEYS, MEMBERS, WISHES
from kikao.members.vault import MemberKey, Vault
from kikao.records import CommitUnknown
from kikao.sessions.sealing import SealError
from kikao.testing import Clock
from tests.databases import ON_BOTH, POSTGRESQL, rows
from tests.key_rings import ring
from tests.members.anchors import Anchors, anywhere
from tests.members.directories import ASHA, BINTA, a_directory

CHAT = ("telegram", "77001")
WORK = ("user", "asha@work")


class Duties:
    """An app's own data and the sessions, which have to go with a member."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.refusal: Exception | None = None
        self.live: Exception | None = None

    async def forget(self, numbers: tuple[str, ...]) -> None:
        self.told.append(numbers)
        if self.refusal:
            raise self.refusal

    async def end_sessions(self, addresses: tuple[MemberAddress, ...]) -> None:
        self.told.append(addresses)
        if self.live:
            raise self.live

    async def erase(self, directory: Directory, member_id: str) -> bool:
        return await directory.erase(member_id, forget=self.forget, end_sessions=self.end_sessions)


# --- what is stored ---


async def test_a_member_is_shown_whole_by_id_number_or_chat(tmp_path: Path) -> None:
    anchors, clock = Anchors(), Clock()
    anchors.alive = {WORK}
    async with a_directory(tmp_path, clock=clock) as directory:
        asha = await directory.meet("msisdn", ASHA)
        clock.now += 60
        chatting = await directory.meet(*CHAT)
        await directory.link(asha.id, *CHAT, anchor=anchors)
        await directory.link(asha.id, *WORK, anchor=anchors)
        await directory.remember(asha.id, locale="sw")

        shown = [await directory.show(who) for who in (asha.id, chatting.id, ASHA, "telegram:77001")]
        assert shown == [shown[0]] * 4
        assert ASHA not in repr(shown[0])
        assert "+25677****01" in repr(shown[0])
        exported = await directory.export(chatting.id)
        with pytest.raises(UnknownMember):
            await directory.show(BINTA)
        with pytest.raises(UnknownMember):
            await directory.export("0" * 32)

    assert json.loads(json.dumps(exported)) == {
        "id": asha.id,
        "aliases": [chatting.id],
        "created_at": "2025-06-15T15:06:40+00:00",
        "erased_at": None,
        "locale": "sw",
        "timezone": "",
        "timezone_of_number": "Africa/Kampala",
        "addresses": [
            {"kind": "msisdn", "identity": ASHA, "linked_at": "2025-06-15T15:06:40+00:00"},
            {"kind": "telegram", "identity": "77001", "linked_at": "2025-06-15T15:07:40+00:00"},
        ],
        "pending_links": [
            {
                "wish": "link",
                "kind": "user",
                "identity": "asha@work",
                "wished_at": "2025-06-15T15:07:40+00:00",
            }
        ],
        "reach": [],
    }


# --- erasing ---


@ON_BOTH
async def test_nothing_is_known_of_a_member_who_was_erased(tmp_path: Path) -> None:
    duties, clock = Duties(), Clock()
    async with a_directory(tmp_path, clock=clock) as directory:
        asha = await directory.meet("msisdn", ASHA)
        await directory.link(asha.id, *CHAT, anchor=anywhere)
        await directory.remember(asha.id, locale="sw")
        binta = await directory.meet("msisdn", BINTA)
        clock.now += 60

        assert await duties.erase(directory, asha.id)

        assert duties.told == [(ASHA,), (MemberAddress("msisdn", ASHA), MemberAddress("telegram", "77001"))]
        assert await directory.find("msisdn", ASHA) is None
        profile = await directory.show(asha.id)
        assert (profile.erased_at, profile.locale, profile.addresses) == (clock.now, "", ())
        for attempt in (
            directory.remember(asha.id, locale="en"),
            directory.link(asha.id, *WORK, anchor=anywhere),
        ):
            with pytest.raises(UnknownMember, match="erased"):
                await attempt
        assert not await duties.erase(directory, asha.id), "it is done"
        assert len(duties.told) == 2

        again = await directory.meet("msisdn", ASHA)
        assert again.id != asha.id
        assert again.locale == ""
        assert await directory.meet("msisdn", BINTA) == binta


async def test_an_app_that_refuses_keeps_everything(tmp_path: Path) -> None:
    duties = Duties()
    duties.refusal = RefusedError(ErrorCode.REJECTED)
    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
        with pytest.raises(RefusedError):
            await duties.erase(directory, asha.id)
        assert duties.told == [(ASHA,)]
        assert await directory.meet("msisdn", ASHA) == asha


async def test_a_session_that_cannot_end_puts_it_off(tmp_path: Path) -> None:
    duties = Duties()
    duties.live = ZeroDivisionError()
    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
        with pytest.raises(ZeroDivisionError):
            await duties.erase(directory, asha.id)
        assert await directory.find("msisdn", ASHA) == asha.id
        duties.live = None
        assert await duties.erase(directory, asha.id)
        assert await directory.find("msisdn", ASHA) is None


async def test_who_was_two_members_is_erased_by_either_id(tmp_path: Path) -> None:
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as directory:
        asha = await directory.meet("msisdn", ASHA)
        clock.now += 1
        chatting = await directory.meet(*CHAT)
        await directory.link(asha.id, *CHAT, anchor=anywhere)
        assert await Duties().erase(directory, chatting.id)
        assert (await directory.show(asha.id)).erased_at == clock.now
        assert await directory.aliases(chatting.id) == (asha.id, chatting.id)
    assert await rows(tmp_path, KEYS) == []
    assert {row["erased_at"] for row in await rows(tmp_path, MEMBERS)} == {clock.now}


async def test_an_address_that_comes_meanwhile_is_told_to_the_app_too(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory, a_directory(tmp_path) as other:
        asha = await directory.meet("msisdn", ASHA)
        told: list[tuple[str, ...]] = []

        async def forget(numbers: tuple[str, ...]) -> None:
            told.append(numbers)
            if len(told) == 1:
                await other.link(asha.id, "msisdn", BINTA, anchor=anywhere)

        assert await directory.erase(asha.id, forget=forget, end_sessions=Duties().end_sessions)
        assert told == [(ASHA,), (ASHA, BINTA)]
        assert await directory.find("msisdn", BINTA) is None


@ON_BOTH
async def test_erasing_twice_at_once_is_erasing_once(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as one, a_directory(tmp_path) as other:
        asha = await one.meet("msisdn", ASHA)
        erased = await asyncio.gather(*[Duties().erase(directory, asha.id) for directory in (one, other)])
        assert sorted(erased) in ([False, True], [True, True])
        assert await one.find("msisdn", ASHA) is None


async def test_links_that_were_wished_go_too(tmp_path: Path) -> None:
    anchors, clock = Anchors(), Clock()
    anchors.alive = {("msisdn", ASHA), WORK}
    async with a_directory(tmp_path, clock=clock) as directory:
        binta = await directory.meet("msisdn", BINTA)
        clock.now += 1
        asha = await directory.meet("msisdn", ASHA)
        await directory.link(asha.id, *WORK, anchor=anchors)
        await directory.link(binta.id, "msisdn", ASHA, anchor=anchors)
        assert len(await directory.links_due()) == 2
        await Duties().erase(directory, asha.id)
        assert await directory.links_due() == []


@pytest.mark.skipif(bool(POSTGRESQL), reason="fails the commit of a SQLite file")
@pytest.mark.parametrize("kept", [True, False])
async def test_after_a_commit_that_nobody_confirmed_erasing_again_finishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    commit = Connection.commit

    def fail(connection: Connection) -> None:
        if kept:
            commit(connection)
        raise OperationalError("COMMIT", None, sqlite3.OperationalError("disk I/O error"))

    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
        with monkeypatch.context() as patch:
            patch.setattr("sqlalchemy.Connection.commit", fail)
            with pytest.raises(CommitUnknown):
                await Duties().erase(directory, asha.id)
        assert await Duties().erase(directory, asha.id) is not kept
        assert (await directory.meet("msisdn", ASHA)).id != asha.id


# --- what is left in the database ---


async def test_old_rows_do_not_open_without_the_key_that_was_shredded(tmp_path: Path) -> None:
    """Whoever has the key ring, and old copies of every table but the keys, reads nothing of the member."""
    anchors = Anchors()
    anchors.alive = {WORK}
    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
        await directory.meet("msisdn", BINTA)
        await directory.link(asha.id, *WORK, anchor=anchors)
        await directory.remember(asha.id, locale="sw")
        before = {table.name: await rows(tmp_path, table) for table in (MEMBERS, KEYS, ADDRESSES, WISHES)}
        await Duties().erase(directory, asha.id)
        keys_left = await rows(tmp_path, KEYS)
    sealed = [row for name in ("kikao_addresses", "kikao_links") for row in before[name]]
    sealed = [row for row in sealed if row["member_id"] == asha.id]
    sealed += [row for row in before["kikao_members"] if row["id"] == asha.id]
    assert len(sealed) == 3

    assert all(opened(row, asha.id, before["kikao_member_keys"]) for row in sealed), (
        "the attempt is a real one"
    )
    assert not any(opened(row, asha.id, keys_left) for row in sealed)


def opened(row: Mapping[str, Any], member_id: str, keys: list[Mapping[str, Any]]) -> bool:
    """Whether a sealed value opens with any member key there is, or with the ring itself."""
    purposes = ["preferences", "address/msisdn", "address/user"]
    blob = row.get("sealed") or row["preferences"]
    attempts: list[Callable[[], bytes]] = []
    for purpose in purposes:
        attempts += [lambda p=purpose: ring().unseal(blob, bytes.fromhex(member_id), p.encode())]  # type: ignore[misc]
        for one in keys:
            # The key itself, in the place of the erased member.
            bare = ring().unseal(one["sealed"], bytes.fromhex(one["member_id"]), b"member key")
            attempts += [lambda p=purpose, k=bare: MemberKey(member_id, k).unseal(blob, p)]  # type: ignore[misc]
    for attempt in attempts:
        try:
            attempt()
        except (SealError, ValueError):
            continue
        return True
    return False


async def test_a_key_of_one_member_opens_nothing_of_another_and_nothing_in_another_place() -> None:
    vault = Vault(ring())
    one, sealed = vault.new_key("0" * 32)
    blob = one.seal(b"sw", "preferences")
    assert vault.open("0" * 32, sealed).unseal(blob, "preferences") == b"sw"
    with pytest.raises(SealError):
        vault.open("1" * 32, sealed)
    with pytest.raises(SealError):
        one.unseal(blob, "address/msisdn")
    with pytest.raises(SealError):
        one.unseal(blob[:-1] + bytes([blob[-1] ^ 1]), "preferences")
    with pytest.raises(SealError):
        one.unseal(b"", "preferences")
