"""Devices of users over their sockets: what they find as they come, what they hear, and what they say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kikao import App, Chat, Flows, t
from kikao.live import Live, anyone
from kikao.notices.inbox import Inbox, Notification, Notifications, offer
from kikao.testing import Stage
from tests.live.inside import InsideSocket, inside

flows = Flows()


@flows.flow("order")
async def order(chat: Chat) -> None:
    """A flow that notifies its member's user."""

    async def notify(key: str) -> str:
        told = await chat.service(Inbox).push("asha", "order", {"n": 1}, key=key)
        return "" if told is None else told.id

    await chat.step("notify", notify, retry="key")
    await chat.end(t("Thank you"))


def an_app(**declared: Any) -> App:
    live = Live(users=anyone)
    offer(live)
    return App(flows, entry="order", live=live, notifications=Notifications(**declared))


@asynccontextmanager
async def a_stage(app: App) -> AsyncIterator[tuple[Stage, Inbox]]:
    async with Stage(app) as stage:
        yield stage, stage.server.services[Inbox]


async def joined(socket: InsideSocket, user: str, **params: Any) -> dict[str, Any]:
    """What a device finds as it joins."""
    reply = await socket.ask(f"notices:{user}", "phx_join", params)
    assert reply["status"] == "ok", reply
    found: dict[str, Any] = reply["response"]
    return found


async def asked(socket: InsideSocket, event: str, payload: Any) -> dict[str, Any]:
    reply: dict[str, Any] = await socket.ask("notices:asha", event, payload, join_ref="1")
    return reply


async def test_a_device_finds_what_is_pending_and_hears_the_rest() -> None:
    async with a_stage(an_app(kinds=["bill", "news"])) as (stage, inbox):
        await inbox.push("asha", "bill", {"n": 1})
        async with inside(stage.server, "asha") as phone, inside(stage.server, "asha") as laptop:
            for device in (phone, laptop):
                found = await joined(device, "asha")
                assert [(one["kind"], one["payload"], one["read"]) for one in found["pending"]] == [
                    ("bill", {"n": 1}, False)
                ]
                assert found["unread"] == {
                    "total": 1,
                    "by_kind": {"bill": 1},
                    "version": found["unread"]["version"],
                }
                assert (found["more"], found["kinds"]) == (False, {"bill": True, "news": True})
                assert found["recovered"] is False
            await inbox.once()
            await inbox.push("asha", "news", {"text": "Hello"})
            await inbox.once()
            notice: dict[str, Any] = {}
            for device in (phone, laptop):
                assert (await device.until("unread"))["total"] == 1, "of the push before they came"
                notice = await device.until("notice")
                assert (notice["kind"], notice["payload"]) == ("news", {"text": "Hello"})
                assert (await device.until("unread"))["total"] == 2
            reply = await asked(phone, "read", {"ids": [notice["id"]]})
            assert (reply["status"], reply["response"]["by_kind"]) == ("ok", {"bill": 1})
            await inbox.once()
            for device in (phone, laptop):
                assert await device.until("unread") == {**reply["response"], "seq": 5}


async def test_what_is_pushed_while_a_device_joins_is_in_the_reply_or_comes_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with a_stage(an_app()) as (stage, inbox):
        look = Inbox.page

        async def slowly(self: Inbox, *of: Any, **options: Any) -> Any:
            found = await look(self, *of, **options)
            await inbox.push("asha", "late", {})  # stored after it was looked, and told before the reply
            await inbox.once()
            return found

        monkeypatch.setattr(Inbox, "page", slowly)
        async with inside(stage.server, "asha") as phone:
            assert (await joined(phone, "asha"))["pending"] == []
            assert (await phone.until("notice"))["kind"] == "late"


async def test_who_comes_back_gets_what_was_missed() -> None:
    async with a_stage(an_app()) as (stage, inbox):
        async with inside(stage.server, "asha") as phone:
            first = await joined(phone, "asha")
            await phone.lose()
        await inbox.push("asha", "bill", {})
        await inbox.once()
        async with inside(stage.server, "asha") as phone:
            found = await joined(phone, "asha", last_seq=first["seq"], epoch=first["epoch"])
            assert found["recovered"]
            assert [each["event"] for each in found["messages"]] == ["notice", "unread"]
            assert found["messages"][0]["payload"]["id"] == found["pending"][0]["id"]


async def test_what_devices_say() -> None:
    async with a_stage(an_app()) as (stage, inbox):
        made = [await inbox.push("asha", "bill" if n % 2 else "news", {"n": n}) for n in range(4)]
        ids = [one.id for one in made if one is not None]
        async with inside(stage.server, "asha") as phone:
            found = await joined(phone, "asha", limit=1)
            assert ([one["id"] for one in found["pending"]], found["more"]) == ([ids[3]], True)
            listed = (await asked(phone, "list", {"before": ids[3], "limit": 2}))["response"]
            assert ([one["payload"]["n"] for one in listed["notices"]], listed["more"]) == ([2, 1], True)
            assert (await asked(phone, "read", {"kinds": ["news"]}))["response"]["total"] == 2
            assert (await asked(phone, "read", {"until": ids[1]}))["response"]["total"] == 1
            assert (await asked(phone, "read", {"all": True}))["response"]["total"] == 0
            listed = (await asked(phone, "list", {}))["response"]
            assert [one["read"] for one in listed["notices"]] == [True] * 4
            assert (await asked(phone, "list", {"unread": True}))["response"]["notices"] == []
            assert (await asked(phone, "unsubscribe", {"kinds": ["news"]}))["response"] == {
                "kinds": {"news": False}
            }
            assert await inbox.push("asha", "news", {}) is None
            assert (await asked(phone, "subscribe", {"kinds": ["news"]}))["response"] == {"kinds": {}}
            for event, payload in (
                ("read", {}),
                ("read", {"ids": ["nonsense"]}),
                ("read", {"ids": "1"}),
                ("list", {"limit": 0}),
                ("list", {"before": "; DROP TABLE"}),
                ("subscribe", {"kinds": ["No Kind"]}),
                ("unsubscribe", {}),
            ):
                reply = await asked(phone, event, payload)
                assert (reply["status"], reply["response"]["reason"]) == ("error", "invalid payload"), event
        async with inside(stage.server, "binta") as other:
            reply = await other.ask("notices:asha", "phx_join")
            assert reply["response"] == {"reason": "unauthorized"}


async def test_a_flow_notifies_once_and_who_is_away_is_texted() -> None:
    texted: list[tuple[str, str]] = []

    async def text(user_id: str, one: Notification) -> None:
        texted.append((user_id, one.kind))

    async with a_stage(an_app(away=text)) as (stage, inbox):
        await stage.phone("+256772000001").dial()
        await inbox.once()
        assert texted == [("asha", "order")]
        async with inside(stage.server, "asha") as phone:
            assert (await joined(phone, "asha"))["unread"]["total"] == 1
            await inbox.push("asha", "bill", {})
            await inbox.once()
        assert texted == [("asha", "order")], "who is there hears of it"


async def test_while_the_records_are_away_a_device_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from kikao.records import RecordsAway

    async def away(self: Inbox, *_: Any, **__: Any) -> Any:
        raise RecordsAway("records: nobody is there")

    async with a_stage(an_app()) as (stage, _), inside(stage.server, "asha") as phone:
        await joined(phone, "asha")
        monkeypatch.setattr(Inbox, "page", away)
        assert (await asked(phone, "list", {}))["response"] == {"reason": "unavailable"}


async def test_large_ones_are_shown_some_at_a_time() -> None:
    async with a_stage(an_app()) as (stage, inbox):
        for _ in range(20):
            await inbox.push("asha", "book", {"text": "x" * 16_000})
        async with inside(stage.server, "asha") as phone:
            found = await joined(phone, "asha")
            assert (len(found["pending"]), found["more"]) == (16, True)
            rest = (await asked(phone, "list", {"before": found["pending"][-1]["id"]}))["response"]
            assert (len(rest["notices"]), rest["more"]) == (4, False)


def test_it_is_offered_once() -> None:
    live = Live(users=anyone)
    offer(live)
    with pytest.raises(ValueError, match="already"):
        offer(live)
