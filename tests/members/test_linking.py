"""Several addresses, one member: linking, merging and unlinking."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from kikao.members import Known, LastAddress, UnknownMember
from kikao.members.directory import Directory
from kikao.members.known import Move
from kikao.members.tables import ADDRESSES, MEMBERS, WISHES
from kikao.records import CommitUnknown
from kikao.testing import Clock
from tests.databases import ON_BOTH, POSTGRESQL, rows
from tests.members.anchors import Anchors, anywhere
from tests.members.directories import ASHA, BINTA, CHIDI, a_directory

CHAT = ("telegram", "77001")
WORK = ("user", "asha@work")


async def ids(directory: Directory, *addresses: tuple[str, str]) -> list[str | None]:
    return [await directory.find(*address) for address in addresses]


# --- linking ---


async def test_a_second_address_leads_to_the_same_member(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
        await directory.remember(asha.id, locale="sw")
        assert await directory.link(asha.id, *CHAT, anchor=anywhere)
        assert await directory.meet(*CHAT) == Known(asha.id, "sw", "Africa/Kampala", ASHA)
        assert await directory.links_due() == []
        assert await directory.aliases(asha.id) == (asha.id,)


async def test_who_was_met_in_chat_first_gets_the_zone_of_the_number_that_is_linked(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory:
        chatting = await directory.meet(*CHAT)
        assert chatting.timezone == ""
        await directory.link(chatting.id, "msisdn", CHIDI, anchor=anywhere)
        assert (await directory.meet(*CHAT)).timezone == "Africa/Nairobi"
        await directory.link(chatting.id, "msisdn", ASHA, anchor=anywhere)
        assert (await directory.meet(*CHAT)).timezone == "Africa/Nairobi"
        await directory.unlink(chatting.id, "msisdn", CHIDI, anchor=anywhere)
        assert (await directory.meet(*CHAT)).timezone == "Africa/Kampala"


async def test_two_members_become_the_elder(tmp_path: Path) -> None:
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as directory:
        elder = await directory.meet("msisdn", ASHA)
        clock.now += 1
        younger = await directory.meet(*CHAT)
        await directory.link(younger.id, *WORK, anchor=anywhere)
        await directory.remember(younger.id, locale="sw", timezone="Europe/London")
        await directory.remember(elder.id, locale="lg")

        assert await directory.link(younger.id, "msisdn", ASHA, anchor=anywhere)

        one, both = Known(elder.id, "lg", "Europe/London"), Known(elder.id, "lg", "Europe/London", ASHA)
        assert await directory.meet("msisdn", ASHA) == one
        assert [await directory.meet(*each) for each in (CHAT, WORK)] == [both] * 2
        assert await directory.aliases(younger.id) == (elder.id, younger.id)
        assert await directory.aliases(elder.id) == (elder.id, younger.id)
        await directory.remember(younger.id, locale="en")
        assert (await directory.meet(*WORK)).locale == "en"


async def test_three_members_become_one_in_whatever_order(tmp_path: Path) -> None:
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as directory:
        met = []
        for number in (ASHA, BINTA, CHIDI):
            clock.now += 1
            met.append((await directory.meet("msisdn", number)).id)
        first, second, third = met
        assert await directory.link(second, "msisdn", CHIDI, anchor=anywhere)
        assert await directory.link(third, "msisdn", ASHA, anchor=anywhere)
        assert await ids(directory, *(("msisdn", number) for number in (ASHA, BINTA, CHIDI))) == [first] * 3
        assert await directory.aliases(third) == (first, second, third)


@ON_BOTH
async def test_linking_twice_and_at_once_is_linking_once(tmp_path: Path) -> None:
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as one, a_directory(tmp_path, clock=clock) as other:
        asha = await one.meet("msisdn", ASHA)
        clock.now += 1
        done = await asyncio.gather(
            *[(one, other)[n % 2].link(asha.id, *CHAT, anchor=anywhere) for n in range(6)],
            *[(one, other)[n % 2].meet(*CHAT) for n in range(6)],
        )
        assert all(done)
        assert await ids(one, CHAT) == [asha.id]
        assert await one.links_due() == []
    assert len(await rows(tmp_path, ADDRESSES)) == 2


@ON_BOTH
async def test_members_who_link_each_other_at_once_become_one(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as one, a_directory(tmp_path) as other:
        asha, binta = await one.meet("msisdn", ASHA), await one.meet("msisdn", BINTA)
        assert all(
            await asyncio.gather(
                one.link(asha.id, "msisdn", BINTA, anchor=anywhere),
                other.link(binta.id, "msisdn", ASHA, anchor=anywhere),
            )
        )
        assert len(set(await ids(one, ("msisdn", ASHA), ("msisdn", BINTA)))) == 1
        assert await other.links_due() == []


async def test_only_members_link(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory:
        with pytest.raises(UnknownMember):
            await directory.link("0" * 32, *CHAT, anchor=anywhere)
        assert await ids(directory, CHAT) == [None]


# --- anchors of sessions ---


async def test_a_link_is_pending_while_a_session_is_alive(tmp_path: Path) -> None:
    anchors = Anchors()
    anchors.alive = {CHAT}
    clock = Clock()
    async with a_directory(tmp_path, clock=clock) as directory:
        asha = await directory.meet("msisdn", ASHA)
        clock.now += 1
        chatting = await directory.meet(*CHAT)
        assert not await directory.link(asha.id, *CHAT, anchor=anchors)
        assert await ids(directory, CHAT) == [chatting.id]

    async with a_directory(tmp_path) as later:
        [link] = await later.links_due()
        assert (link.member_id, link.address.identity, link.wish) == (asha.id, CHAT[1], "link")
        assert not await later.settle(link, anchor=anchors)
        anchors.alive.clear()
        assert await later.settle(link, anchor=anchors)
        assert await ids(later, CHAT) == [asha.id]
        assert await later.links_due() == []
        assert await later.settle(link, anchor=anchors), "twice does no harm"


async def test_the_addresses_of_a_member_share_the_sessions_of_the_first(tmp_path: Path) -> None:
    anchors, clock = Anchors(), Clock()
    async with a_directory(tmp_path, clock=clock) as directory:
        elder = await directory.meet("msisdn", ASHA)
        clock.now += 1
        younger = await directory.meet(*CHAT)
        await directory.link(younger.id, *WORK, anchor=anchors)
        assert {anchors.where(one) for one in (CHAT, WORK)} == {CHAT}
        await directory.link(elder.id, *WORK, anchor=anchors)
        assert {anchors.where(one) for one in (CHAT, WORK)} == {("msisdn", ASHA)}
        assert anchors.asked[-1].member_id == elder.id

        await directory.unlink(elder.id, "msisdn", ASHA, anchor=anchors)
        assert {anchors.where(one) for one in (CHAT, WORK)} == {CHAT}
        await directory.unlink(elder.id, *CHAT, anchor=anchors)
        assert anchors.where(WORK) == WORK
        assert all(anchors.where(one) == one for one in (("msisdn", ASHA), CHAT))


async def test_an_address_that_comes_while_anchors_move_is_moved_too(tmp_path: Path) -> None:
    anchors, clock = Anchors(), Clock()
    async with a_directory(tmp_path, clock=clock) as directory, a_directory(tmp_path) as other:
        elder = await directory.meet("msisdn", ASHA)
        clock.now += 1
        younger = await directory.meet(*CHAT)

        async def slow(move: Move) -> bool:
            if not anchors.asked:
                await other.link(younger.id, *WORK, anchor=anchors)
            return await anchors(move)

        assert await directory.link(elder.id, *CHAT, anchor=slow)
        assert await ids(directory, CHAT, WORK) == [elder.id, elder.id]
        assert {anchors.where(one) for one in (CHAT, WORK)} == {("msisdn", ASHA)}


# --- unlinking ---


async def test_who_comes_from_an_address_that_was_unlinked_is_new(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
        await directory.link(asha.id, *CHAT, anchor=anywhere)
        assert await directory.unlink(asha.id, *CHAT, anchor=anywhere)
        assert await directory.unlink(asha.id, *CHAT, anchor=anywhere), "twice does no harm"
        assert (await directory.meet(*CHAT)).id != asha.id


async def test_the_last_address_stays(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
        with pytest.raises(LastAddress) as caught:
            await directory.unlink(asha.id, "msisdn", ASHA, anchor=anywhere)
        assert ASHA[4:] not in str(caught.value)
        assert await directory.links_due() == []


@ON_BOTH
async def test_of_two_last_addresses_that_go_at_once_one_stays(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as one, a_directory(tmp_path) as other:
        asha = await one.meet("msisdn", ASHA)
        await one.link(asha.id, *CHAT, anchor=anywhere)
        outcomes = await asyncio.gather(
            one.unlink(asha.id, "msisdn", ASHA, anchor=anywhere),
            other.unlink(asha.id, *CHAT, anchor=anywhere),
            return_exceptions=True,
        )
        assert all(isinstance(outcome, bool | LastAddress) for outcome in outcomes), outcomes
        assert sorted(await ids(one, ("msisdn", ASHA), CHAT), key=str) == sorted([asha.id, None], key=str)
        assert await one.links_due() == []


async def test_a_pending_link_can_be_taken_back(tmp_path: Path) -> None:
    anchors = Anchors()
    anchors.alive = {CHAT}
    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
        assert not await directory.link(asha.id, *CHAT, anchor=anchors)
        [link] = await directory.links_due()
        assert await directory.unlink(asha.id, *CHAT, anchor=anchors)
        anchors.alive.clear()
        assert await directory.links_due() == []
        assert not await directory.settle(link, anchor=anchors)
        assert await ids(directory, CHAT) == [None]


async def test_a_number_on_its_way_to_a_new_owner_does_not_make_them_one(tmp_path: Path) -> None:
    """Asha gives a number away while a session on it is alive; its new owner links it meanwhile."""
    anchors = Anchors()
    anchors.alive = {("msisdn", ASHA)}
    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
        binta = await directory.meet("msisdn", BINTA)
        anchors.alive = set()
        await directory.link(asha.id, *CHAT, anchor=anchors)
        anchors.alive = {("msisdn", ASHA)}
        assert not await directory.unlink(asha.id, "msisdn", ASHA, anchor=anchors)
        assert not await directory.link(binta.id, "msisdn", ASHA, anchor=anchors)
        anchors.alive = set()
        for link in await directory.links_due():
            await directory.settle(link, anchor=anchors)
        assert await ids(directory, CHAT, ("msisdn", ASHA)) == [asha.id, binta.id]
        assert await directory.links_due() == []


# --- crashes ---


class Died(BaseException):
    """The process ended here."""


@pytest.mark.skipif(bool(POSTGRESQL), reason="fails the commits of a SQLite file")
@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("wish", ["link", "unlink"])
async def test_a_crash_leaves_the_old_state_or_the_new_and_a_retry_finishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wish: str, kept: bool
) -> None:
    """Killed at every commit, before and after it, and at every move of an anchor."""
    for moment in range(20):
        folder = tmp_path / str(moment)
        folder.mkdir()
        clock = Clock()
        async with a_directory(folder, clock=clock) as directory:
            asha = await directory.meet("msisdn", ASHA)
            clock.now += 1
            chatting = await directory.meet(*CHAT)
            await directory.link(chatting.id, *WORK, anchor=anywhere)
            if wish == "unlink":
                await directory.link(asha.id, *CHAT, anchor=anywhere)
        old = [asha.id, chatting.id, chatting.id] if wish == "link" else [asha.id] * 3
        new = [asha.id] * 3 if wish == "link" else [asha.id, None, asha.id]
        if await died(folder, monkeypatch, wish, asha.id, moment, kept):
            async with a_directory(folder) as directory:
                found = await ids(directory, ("msisdn", ASHA), CHAT, WORK)
                assert found in (old, new)
                for link in await directory.links_due():
                    assert await directory.settle(link, anchor=anywhere)
                if found == old and await ids(directory, CHAT) == [
                    old[1]
                ]:  # it died before the wish was kept
                    assert await getattr(directory, wish)(asha.id, *CHAT, anchor=anywhere)
                assert await ids(directory, ("msisdn", ASHA), CHAT, WORK) == new
                assert await directory.links_due() == []
        else:
            assert moment >= 3, "nothing was killed"
            return
    raise AssertionError("it never came through")


async def died(
    folder: Path, monkeypatch: pytest.MonkeyPatch, wish: str, member_id: str, moment: int, kept: bool
) -> bool:
    """Link or unlink, and die at the n-th commit or move; False when there were not so many."""
    left = moment
    commit = Connection.commit

    def now() -> bool:
        nonlocal left
        left -= 1
        return left == -1

    def fail(connection: Connection) -> None:
        dying = now()
        if kept or not dying:
            commit(connection)
        if dying:
            raise OperationalError("COMMIT", None, sqlite3.OperationalError("disk I/O error"))

    async def anchor(move: Move) -> bool:
        if now():
            raise Died
        return True

    async with a_directory(folder) as directory:
        with monkeypatch.context() as patch:
            patch.setattr("sqlalchemy.Connection.commit", fail)
            try:
                assert await getattr(directory, wish)(member_id, *CHAT, anchor=anchor)
            except (Died, CommitUnknown):
                return True
    return False


async def test_the_rows_of_everybody_who_ever_was_stay(tmp_path: Path) -> None:
    async with a_directory(tmp_path) as directory:
        asha, chatting = await directory.meet("msisdn", ASHA), await directory.meet(*CHAT)
        await directory.link(asha.id, *CHAT, anchor=anywhere)
    assert {row["id"] for row in await rows(tmp_path, MEMBERS)} == {asha.id, chatting.id}
    assert await rows(tmp_path, WISHES) == []


# --- links that are taken back on their way ---


async def test_anchors_that_moved_for_a_link_that_is_taken_back_move_back(tmp_path: Path) -> None:
    """The process died between the move and the link, so the address leads to a member it does not belong to."""
    anchors, clock = Anchors(), Clock()
    async with a_directory(tmp_path, clock=clock) as directory:
        asha = await directory.meet("msisdn", ASHA)
        clock.now += 1
        chatting = await directory.meet(*CHAT)
        await directory.link(chatting.id, *WORK, anchor=anchors)

        async def dying(move: Move) -> bool:
            await anchors(move)
            if move.address.kind == "telegram":
                raise Died
            return True

        with pytest.raises(Died):
            await directory.link(asha.id, *CHAT, anchor=dying)
        assert {anchors.where(one) for one in (CHAT, WORK)} == {("msisdn", ASHA)}

    async with a_directory(tmp_path, clock=clock) as later:
        assert await later.unlink(asha.id, *CHAT, anchor=anchors)
        assert await ids(later, ("msisdn", ASHA), CHAT, WORK) == [asha.id, chatting.id, chatting.id]
        assert {anchors.where(one) for one in (CHAT, WORK)} == {CHAT}
        assert await later.links_due() == []


@pytest.mark.parametrize("alive", [False, True])
async def test_a_link_that_is_taken_back_while_its_anchor_moves_leaves_no_anchor(
    tmp_path: Path, alive: bool
) -> None:
    anchors = Anchors()
    async with a_directory(tmp_path) as one, a_directory(tmp_path) as other:
        asha = await one.meet("msisdn", ASHA)

        async def slow(move: Move) -> bool:
            if not anchors.kept:
                assert await other.unlink(asha.id, *CHAT, anchor=anchors)
                assert await anchors(move)
                anchors.alive = {("msisdn", ASHA)} if alive else set()
                return True
            return await anchors(move)

        assert not await one.link(asha.id, *CHAT, anchor=slow)
        assert await ids(one, CHAT) == [None]
        if alive:
            assert anchors.where(CHAT) == ("msisdn", ASHA)
            anchors.alive = set()
            [link] = await other.links_due()
            assert await other.settle(link, anchor=anchors)
        assert anchors.where(CHAT) == CHAT
        assert await one.links_due() == []


async def test_anchors_that_moved_to_a_member_who_is_erased_meanwhile_move_back(tmp_path: Path) -> None:
    anchors = Anchors()
    async with a_directory(tmp_path) as one, a_directory(tmp_path) as other:
        asha = await one.meet("msisdn", ASHA)

        async def nothing(_: object) -> None:
            pass

        async def slow(move: Move) -> bool:
            if not anchors.kept:
                await other.erase(asha.id, forget=nothing, end_sessions=nothing)
            return await anchors(move)

        with pytest.raises(UnknownMember):
            await one.link(asha.id, *CHAT, anchor=slow)
        assert anchors.where(CHAT) == CHAT


# --- unlinks that are taken back on their way ---


async def test_anchors_that_moved_for_an_unlink_that_is_taken_back_move_back(tmp_path: Path) -> None:
    """The process died between the moves and the unlink, so the addresses of one member stand alone."""
    anchors = Anchors()
    async with a_directory(tmp_path) as directory:
        asha = await directory.meet("msisdn", ASHA)
        for address in (CHAT, WORK):
            await directory.link(asha.id, *address, anchor=anchors)

        async def dying(move: Move) -> bool:
            await anchors(move)
            if move.address.kind == "user":
                raise Died
            return True

        with pytest.raises(Died):
            await directory.unlink(asha.id, "msisdn", ASHA, anchor=dying)
        assert {anchors.where(one) for one in (CHAT, WORK)} == {CHAT}

    async with a_directory(tmp_path) as later:
        assert await later.link(asha.id, "msisdn", ASHA, anchor=anchors)
        assert await ids(later, ("msisdn", ASHA), CHAT, WORK) == [asha.id] * 3
        assert {anchors.where(one) for one in (CHAT, WORK)} == {("msisdn", ASHA)}
        assert await later.links_due() == []


@pytest.mark.parametrize("alive", [False, True])
async def test_an_unlink_that_is_taken_back_while_its_anchor_moves_leaves_the_anchor(
    tmp_path: Path, alive: bool
) -> None:
    anchors = Anchors()
    async with a_directory(tmp_path) as one, a_directory(tmp_path) as other:
        asha = await one.meet("msisdn", ASHA)
        await one.link(asha.id, *CHAT, anchor=anchors)

        async def slow(move: Move) -> bool:
            if anchors.kept[CHAT] != CHAT and not anchors.alive:
                assert await other.link(asha.id, *CHAT, anchor=anchors)
                assert await anchors(move)
                anchors.alive = {CHAT} if alive else set()
                return True
            return await anchors(move)

        assert not await one.unlink(asha.id, *CHAT, anchor=slow)
        assert await ids(one, CHAT) == [asha.id]
        if alive:
            assert anchors.where(CHAT) == CHAT
            anchors.alive = set()
            [link] = await other.links_due()
            assert await other.settle(link, anchor=anchors)
        assert anchors.where(CHAT) == ("msisdn", ASHA)
        assert await one.links_due() == []
