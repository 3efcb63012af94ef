"""Erasing, exporting, and new keys."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kikao.notices.inbox.tables import INBOXES, NOTIFICATIONS
from kikao.records import RecordsRefused
from kikao.testing import Clock
from tests.databases import ON_BOTH, its_records, rows
from tests.key_rings import K1, K2, ring
from tests.notices.inbox.inboxes import an_inbox


@ON_BOTH
async def test_a_user_gets_all_and_is_erased(tmp_path: Path) -> None:
    clock = Clock()
    async with an_inbox(tmp_path, clock=clock) as inbox:
        assert await inbox.export("asha") is None
        one = await inbox.push("asha", "bill", {"amount": "UGX 500"})
        await inbox.push("binta", "bill", {})
        await inbox.unsubscribe("asha", ["news"])
        assert one is not None
        before = await inbox.mark_read("asha", [one.id])
        assert await inbox.export("asha") == {
            "user": "asha",
            "muted": ["news"],
            "notifications": [
                {
                    "id": one.id,
                    "kind": "bill",
                    "payload": {"amount": "UGX 500"},
                    "at": one.at,
                    "expires_at": one.expires_at,
                    "is_read": True,
                }
            ],
        }
        assert await inbox.erase("asha")
        assert not await inbox.erase("asha")
        assert await inbox.export("asha") is None
        assert len(await rows(tmp_path, INBOXES)) == len(await rows(tmp_path, NOTIFICATIONS)) == 1
        clock.advance(1)
        again = await inbox.push("asha", "bill", {}, key="anew")
        assert again is not None
        counts = await inbox.mark_read("asha", [one.id])
        assert counts.total == 1, "an id of before means nothing now"
        assert counts.version > before.version, "and devices believe the new counts"


@ON_BOTH
async def test_a_push_at_the_time_of_erasing_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    async with an_inbox(tmp_path) as inbox, an_inbox(tmp_path) as other:
        await inbox.push("asha", "bill", {})
        await asyncio.gather(inbox.erase("asha"), *(other.push("asha", f"k{n}", {}) for n in range(5)))
        assert (await inbox.unread("asha")).total == len(await inbox.pending("asha"))


@ON_BOTH
async def test_new_keys(tmp_path: Path) -> None:
    users = [f"user{n}" for n in range(3)]
    heard: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        heard.append((done, total))

    async with an_inbox(tmp_path) as inbox:
        await inbox.push_many(users, "bill", {"n": 1}, key="a")
        await inbox.unsubscribe("user0", ["news"])
    both = ring(k2=K2, k1=K1)
    async with an_inbox(tmp_path, keys=both) as inbox:
        await inbox.push_many(users, "bill", {"n": 2}, key="a")
        assert [(await inbox.unread(user)).total for user in users] == [1, 1, 1], "found under the key before"
        await inbox.reseal(progress)
        assert await inbox.lookup_kids() == {"k1"}
        await inbox.rekey(both, progress)
        assert heard == [(0, 3), (3, 3), (0, 3), (3, 3)]
        await inbox.reseal(progress)
        assert heard[4:] == [(0, 0)]
    async with an_inbox(tmp_path, keys=ring(k2=K2)) as inbox:
        assert await inbox.lookup_kids() == {"k2"}
        (one,) = await inbox.pending("user0")
        assert one.payload == {"n": 1}
        assert await inbox.push("user0", "bill", {}, key="a") == one, "causes are known under every key"
        assert await inbox.push("user0", "news", {}) is None


async def test_a_ring_that_does_not_open_them_is_refused(tmp_path: Path) -> None:
    async with an_inbox(tmp_path) as inbox:
        await inbox.push("asha", "bill", {})
    for keys, reason in ((ring(k2=K2), "not among the secret keys"), (ring(k1=K2), "not the one")):
        with pytest.raises(RecordsRefused, match=reason):
            async with an_inbox(tmp_path, keys=keys):
                raise AssertionError("it started")


async def test_whether_there_are_tables(tmp_path: Path) -> None:
    from kikao.notices.inbox import Inbox

    async with its_records(tmp_path) as records:
        inbox = Inbox(records, ring())
        assert not await inbox.is_there()
        await inbox.start()
        assert await inbox.is_there()
