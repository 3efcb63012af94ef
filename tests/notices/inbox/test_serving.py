"""The inbox of an app at work: its tables, its keys, and what operators do with members who are users."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from click.testing import CliRunner, Result

from kikao import App, Chat, Flows, t
from kikao.cli import main
from kikao.config import load
from kikao.live import Live, anyone
from kikao.notices.inbox import Inbox, Notification, Notifications, offer
from kikao.notices.inbox.tables import INBOXES
from kikao.server import Server
from tests.alone import alone, keys
from tests.databases import rows
from tests.engines.postgresql import PostgreSQL
from tests.live.inside import inside
from tests.waiting import PATIENCE

T = TypeVar("T")

flows = Flows()


@flows.flow("menu")
async def menu(chat: Chat) -> None:
    await chat.end(t("Hello"))


TEXTED: asyncio.Queue[tuple[str, str]] = asyncio.Queue()


async def text(user_id: str, one: Notification) -> None:
    TEXTED.put_nowait((user_id, one.kind))


live = Live(users=anyone)
offer(live)
app = App(flows, entry="menu", live=live, notifications=Notifications(away=text))
TARGET = f"{__name__}:app"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, and the key k1."""
    alone(monkeypatch, tmp_path)
    monkeypatch.setenv("KIKAO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KIKAO_SECRET_KEYS", keys("k1"))
    return tmp_path / "data"


def at_work(do: Callable[[Server, Inbox], Awaitable[T]], *, background: bool = False) -> T:
    """What happens in a server with the settings as they are."""

    async def work() -> T:
        async with app.serving(load(makes_keys=True), background=background, door=False) as server:
            return await do(server, server.services[Inbox])

    return asyncio.run(work())


def kikao(*words: str) -> Result:
    done = CliRunner().invoke(main, words)
    assert done.exit_code in (0, 1), done.output
    return done


def test_it_tells_and_hands_over_by_itself(data: Path) -> None:
    async def work(server: Server, inbox: Inbox) -> None:
        async with inside(server, "asha") as phone:
            await phone.ask("notices:asha", "phx_join")
            await inbox.push_many(["asha", "binta"], "bill", {})
            assert (await phone.until("notice"))["kind"] == "bill"
            assert (await phone.until("unread"))["total"] == 1
            assert await asyncio.wait_for(TEXTED.get(), PATIENCE) == ("binta", "bill")
            assert TEXTED.empty(), "asha is there"

    at_work(work, background=True)


def test_a_member_who_is_a_user_gets_all_and_is_erased(data: Path, tmp_path: Path) -> None:
    async def begin(server: Server, inbox: Inbox) -> None:
        assert server.members is not None
        for user in ("asha", "binta"):
            await server.members.meet("user", user)
            await inbox.push(user, "bill", {"amount": "UGX 500"})

    at_work(begin)
    exported = json.loads(kikao("members", "export", "user:asha").stdout)
    (inbox,) = exported["inboxes"]
    assert (inbox["user"], inbox["notifications"][0]["payload"]) == ("asha", {"amount": "UGX 500"})
    kikao("members", "erase", TARGET, "user:asha", "--yes")

    async def look(server: Server, inbox: Inbox) -> tuple[int, int]:
        return (await inbox.unread("asha")).total, (await inbox.unread("binta")).total

    assert at_work(look) == (0, 1)
    assert len(asyncio.run(rows(tmp_path, INBOXES))) == 1


def test_keys_are_replaced(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def push(server: Server, inbox: Inbox) -> Notification | None:
        return await inbox.push("asha", "bill", {}, key="loan 17")

    first = at_work(push)
    monkeypatch.setenv("KIKAO_SECRET_KEYS", keys("k2", "k1"))
    done = kikao("migrate", "--rekey", "--reseal")
    assert "inboxes: looked up with k2" in done.stdout
    assert "inboxes: sealed with k2" in done.stdout
    monkeypatch.setenv("KIKAO_SECRET_KEYS", keys("k2"))

    async def look(server: Server, inbox: Inbox) -> Notification | None:
        assert (await inbox.unread("asha")).total == 1
        return await inbox.push("asha", "bill", {}, key="loan 17")

    assert at_work(look) == first


def test_on_postgresql_its_tables_are_made_by_migrate(
    data: Path, postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.database()
    monkeypatch.setenv("KIKAO_RECORDS", url)
    assert "kikao_inbox_version lacks 0001" in kikao("migrate", TARGET, "--check").stdout
    assert "kikao_inbox_version" not in kikao("migrate").stdout, "an app without notifications has none"
    assert "kikao_inbox_version upgraded to 0001" in kikao("migrate", TARGET).stdout
    assert "kikao_inbox_version at 0001" in kikao("migrate").stdout
