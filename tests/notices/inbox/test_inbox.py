"""What users were told, whether they read it, and what they want to hear: on every database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from kikao.notices.inbox import Inbox, Notification, Notifications, Unread
from kikao.notices.inbox.tables import INBOXES, NOTIFICATIONS
from kikao.testing import Clock
from tests.databases import ON_BOTH, rows
from tests.notices.inbox.inboxes import an_inbox


async def pushed(inbox: Inbox, user: str, kind: str = "bill", **options: object) -> Notification:
    """A notification of something that its user wants to hear."""
    one = await inbox.push(user, kind, {"n": 1}, **options)  # type: ignore[arg-type]
    assert one is not None
    return one


def counts(unread: Unread) -> tuple[int, dict[str, int]]:
    return unread.total, unread.by_kind


@ON_BOTH
async def test_a_user_is_told_reads_and_has_read(tmp_path: Path) -> None:
    clock = Clock()
    async with an_inbox(tmp_path, clock=clock) as inbox:
        assert await inbox.pending("asha") == ()
        assert await inbox.unread("asha") == Unread()
        first = await inbox.push("asha", "bill", {"amount": "UGX 500", "lines": [1, None, {"a": 2.5}]})
        assert first is not None
        clock.advance(1)
        second = await pushed(inbox, "asha", "news.daily")
        await pushed(inbox, "binta")
        assert first == Notification(
            first.id,
            "bill",
            {"amount": "UGX 500", "lines": [1, None, {"a": 2.5}]},
            clock.now - 1,
            first.expires_at,
        )
        assert await inbox.pending("asha") == (second, first), "the newest first"
        assert counts(await inbox.unread("asha")) == (2, {"bill": 1, "news.daily": 1})
        read = await inbox.mark_read("asha", [first.id])
        assert counts(read) == (1, {"news.daily": 1})
        assert await inbox.mark_read("asha", [first.id]) == read, "again is no change"
        page = await inbox.page("asha")
        assert [(one.id, one.is_read) for one in page.notifications] == [(second.id, False), (first.id, True)]
        assert page.unread == read
        assert counts(await inbox.mark_read("asha")) == (0, {})
        assert counts(await inbox.unread("binta")) == (1, {"bill": 1}), "nobody reads for others"
        assert await inbox.mark_read("nobody") == Unread()


@ON_BOTH
async def test_a_cause_that_comes_again_notifies_once(tmp_path: Path) -> None:
    async with an_inbox(tmp_path) as inbox, an_inbox(tmp_path) as other:
        every = await asyncio.gather(
            *(
                each.push("asha", "bill", {"n": 1}, key="loan 17 due")
                for each in (inbox, other)
                for _ in range(4)
            )
        )
        assert len({one.id for one in every if one}) == 1
        await inbox.mark_read("asha")
        again = await pushed(inbox, "asha", key="loan 17 due")
        assert again.is_read
        assert await inbox.unread("asha") == await inbox.mark_read("asha")
        assert (await pushed(inbox, "asha", key="loan 18 due")).id != again.id
        assert (await pushed(inbox, "binta", key="loan 17 due")).id != again.id


@ON_BOTH
async def test_many_users_are_notified_together_or_not_at_all(tmp_path: Path) -> None:
    users = [f"user {n}" for n in range(30)]
    async with an_inbox(tmp_path) as inbox:
        await pushed(inbox, users[3], key="storm")
        await inbox.unsubscribe(users[4], ["warning"])
        made = await inbox.push_many(users, "warning", {"text": "Storm"}, key="storm")
        assert list(made) == users
        assert made[users[4]] is None
        before = made[users[3]]
        assert before is not None
        assert before.kind == "bill", "its cause was told before"
        assert [(await inbox.unread(each)).total for each in users] == [0 if n == 4 else 1 for n in range(30)]
        with pytest.raises(ValueError, match="user id"):
            await inbox.push_many(["binta", ""], "warning", {})
        assert await inbox.pending("binta") == ()
        assert await inbox.push_many([], "warning", {}) == {}


@ON_BOTH
async def test_pages_kinds_and_what_was_seen(tmp_path: Path) -> None:
    async with an_inbox(tmp_path) as inbox:
        every = [await pushed(inbox, "asha", "bill" if n % 2 else "news") for n in range(5)]
        newest = list(reversed(every))
        first = await inbox.page("asha", limit=2)
        assert (first.notifications, first.more) == (tuple(newest[:2]), True)
        rest = await inbox.page("asha", limit=3, before=newest[1].id)
        assert (rest.notifications, rest.more) == (tuple(newest[2:]), False)
        assert await inbox.pending("asha", kinds=["bill"]) == (every[3], every[1])
        assert counts(await inbox.mark_read("asha", kinds=["bill"], until=every[2].id)) == (
            4,
            {"bill": 1, "news": 3},
        )
        assert counts(await inbox.mark_read("asha", until=every[2].id)) == (2, {"bill": 1, "news": 1})
        assert await inbox.pending("asha", before=every[0].id) == ()
        assert counts(await inbox.mark_read("asha", [every[3].id, every[4].id], kinds=["news"])) == (
            1,
            {"bill": 1},
        )


async def test_who_does_not_want_a_kind_gets_nothing_of_it(tmp_path: Path) -> None:
    declared = Notifications(kinds=["bill", "news"])
    async with an_inbox(tmp_path, declared) as inbox:
        assert await inbox.kinds("asha") == {"bill": True, "news": True}
        assert await inbox.subscribe("asha", ["news"]) == {"bill": True, "news": True}
        assert await rows(tmp_path, INBOXES) == [], "to want what everybody gets is nothing to remember"
        before = await pushed(inbox, "asha", "news")
        assert await inbox.unsubscribe("asha", ["news", "older"]) == {
            "bill": True,
            "news": False,
            "older": False,
        }
        assert await inbox.push("asha", "news", {}, key="a") is None
        assert await inbox.pending("asha") == (before,), "what is there stays"
        assert await inbox.subscribe("asha", ["news", "older"]) == {"bill": True, "news": True}
        assert await inbox.push("asha", "news", {}, key="a") is not None


@ON_BOTH
async def test_devices_that_mark_at_once_count_once(tmp_path: Path) -> None:
    async with an_inbox(tmp_path) as inbox, an_inbox(tmp_path) as other:
        every = [await pushed(inbox, "asha") for _ in range(6)]
        ids = [one.id for one in every]
        told = await asyncio.gather(
            inbox.mark_read("asha", ids[:4]),
            other.mark_read("asha", ids[2:]),
            inbox.push("asha", "news", {}),
            other.mark_read("asha", ids[:1]),
            inbox.mark_read("asha", kinds=["bill"]),
        )
        assert counts(await inbox.unread("asha")) == (1, {"news": 1})
        versions = {one.version: counts(one) for one in told if isinstance(one, Unread)}
        newest = await inbox.unread("asha")
        assert versions.get(newest.version, counts(newest)) == counts(newest), "a version says one thing"


@ON_BOTH
async def test_what_has_expired_is_gone_and_does_not_count(tmp_path: Path) -> None:
    clock = Clock()
    async with an_inbox(tmp_path, Notifications(days=2), clock=clock) as inbox:
        await pushed(inbox, "asha", "code", expires=60)
        caused = await pushed(inbox, "asha", "code", expires=60, key="login 1")
        kept = await pushed(inbox, "asha", expires=86_400 * 30)
        clock.advance(60)
        before = await inbox.unread("asha")
        assert counts(before) == (1, {"bill": 1})
        assert await inbox.sweep() == 1
        after = await inbox.unread("asha")
        assert (counts(after), after.version) == (counts(before), before.version + 1), "devices hear of it"
        assert (await pushed(inbox, "asha", "code", key="login 1")).id == caused.id, (
            "its cause is known for a day"
        )
        assert (await inbox.page("asha")).notifications == (kept,)
        clock.advance(86_400)
        assert await inbox.sweep() == 1
        clock.advance(86_400)
        assert await inbox.sweep() == 1, "and nothing is kept longer than the app says"
        assert await rows(tmp_path, NOTIFICATIONS) == []


@ON_BOTH
async def test_a_user_has_the_newest(tmp_path: Path) -> None:
    async with an_inbox(tmp_path, Notifications(most=3)) as inbox:
        every = [await pushed(inbox, "asha") for _ in range(5)]
        assert await inbox.pending("asha") == (every[4], every[3], every[2])
        assert (await inbox.unread("asha")).total == 3


async def test_what_is_none_is_refused(tmp_path: Path) -> None:
    class Bill(msgspec.Struct):
        amount: int

    async with an_inbox(tmp_path, Notifications(kinds={"bill": Bill, "news": dict})) as inbox:
        assert await inbox.push("asha", "bill", Bill(5)) is not None
        assert await inbox.push("asha", "news", {"text": "x" * (16 * 1024 - 11)}) is not None
        one = await pushed(inbox, "asha", "news")
        for attempt, reason in (
            (inbox.push("asha", "bill", {"amount": "five"}), "payload of bill"),
            (inbox.push("asha", "gossip", {}), "no such kind"),
            (inbox.push("asha", "Bill", {}), "a kind is"),
            (inbox.push("asha", "news", {"text": "x" * (16 * 1024)}), "16384 is the most"),
            (inbox.push("asha", "news", [1]), "JSON object"),  # type: ignore[arg-type]
            (inbox.push("asha", "news", {"of": object()}), "JSON object"),
            (inbox.push("asha", "news", {}, key=""), "a key has"),
            (inbox.push("asha", "news", {}, key="x" * 201), "a key has"),
            (inbox.push("asha", "news", {}, expires=0.0), "more than 0"),
            (inbox.push("asha", "news", {}, expires=float("nan")), "more than 0"),
            (inbox.push("a\nb", "news", {}), "user id"),
            (inbox.push("\ud800", "news", {}), "user id"),
            (inbox.push_many("asha", "news", {}), "list"),
            (inbox.push_many([f"{n}" for n in range(1001)], "news", {}), "1000 is the most"),
            (inbox.pending("asha", limit=0), "limit"),
            (inbox.pending("asha", before="1"), "no id"),
            (inbox.mark_read("asha", one.id), "list"),
            (inbox.mark_read("asha", ["1; DROP TABLE"]), "no id"),
            (inbox.mark_read("asha", until="99999999999999999999-0000000000000000"), "no id"),
            (inbox.mark_read("asha", [f"{n}-{n:016x}" for n in range(1, 1002)]), "1000 is the most"),
            (inbox.unsubscribe("asha", "news"), "list"),
            (inbox.unsubscribe("asha", [f"k{n}" for n in range(201)]), "200 is the most"),
        ):
            with pytest.raises(ValueError, match=reason):
                await attempt
        await inbox.unsubscribe("asha", [f"k{n}" for n in range(150)])
        with pytest.raises(ValueError, match="does not want"):
            await inbox.unsubscribe("asha", [f"l{n}" for n in range(51)])
        assert (await inbox.unread("asha")).total == 3
    with pytest.raises(ValueError, match="more than 0"):
        Notifications(days=0)


async def test_nothing_of_a_user_lies_about(tmp_path: Path) -> None:
    async with an_inbox(tmp_path) as inbox:
        await inbox.push("asha-4711", "bill", {"amount": "UGX 4712"}, key="loan 4713")
        await inbox.unsubscribe("asha-4711", ["gossip4714"])
    for file in (tmp_path / "data").iterdir():
        octets = file.read_bytes()
        assert not any(said in octets for said in (b"4711", b"4712", b"4713", b"4714")), file.name
