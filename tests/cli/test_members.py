"""`kikao members`: an operator answers a member who asks what is known, or wants to be erased."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kikao import App, Chat, Flows, t
from kikao.cli import main
from kikao.config import load
from kikao.conversation import Number
from kikao.conversation.errors import ErrorCode, RefusedError
from kikao.server import Server
from kikao.sessions.working import Services
from kikao.testing import Phone, in_process
from tests.alone import alone

ASHA, BINTA = "+256772000001", "+256772000002"
ACCOUNTS: dict[str, int] = {}
flows = Flows()


@flows.flow("shop")
async def shop(chat: Chat) -> None:
    await chat.ask("amount", Number(), t("How many?"))


async def close_account(_: Services, msisdns: tuple[str, ...]) -> None:
    if any(ACCOUNTS.get(number) for number in msisdns):
        raise RefusedError(ErrorCode.REJECTED, t("There is money on the account."))
    for number in msisdns:
        ACCOUNTS.pop(number, None)


app = App(flows, entry="shop", erase=close_account)
forgetful = App(flows, entry="shop", members=False)
TARGET = f"{__name__}:app"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder in which Asha and Binta have dialled."""
    alone(monkeypatch, tmp_path)
    monkeypatch.setenv("KIKAO_DATA", str(tmp_path / "data"))
    ACCOUNTS.clear()
    ACCOUNTS.update({ASHA: 0, BINTA: 500})

    async def dial(server: Server) -> None:
        for number in (ASHA, BINTA):
            assert "How many?" in await Phone(in_process(server), number).dial()

    at_work(dial)
    return tmp_path / "data"


def at_work(do: Callable[[Server], Awaitable[None]]) -> None:
    """Something that happens while a server runs on the data."""

    async def work() -> None:
        async with app.serving(load(makes_keys=True), background=False) as server:
            await do(server)

    asyncio.run(work())


def kikao(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ["members", *words], input=typed)


def id_of(number: str) -> str:
    exported: str = json.loads(kikao("export", number).stdout)["id"]
    return exported


def test_a_member_is_shown_with_masked_addresses(data: Path) -> None:
    async def choose(server: Server) -> None:
        assert server.members is not None
        await server.members.remember((await server.members.show(ASHA)).id, locale="sw")
        now = server.sessions.clock()
        await server.reach.heard("msisdn", ASHA, "sms/nalo", now)
        await server.reach.tell("msisdn", ASHA, "sms/nalo", "refuses_marketing", reason="131050", at=now)
        await server.reach.tell("msisdn", ASHA, "whatsapp/cloud-api", "gone", reason="131026", at=now)
        await server.reach.tell("msisdn", ASHA, "whatsapp/cloud-api", "paused", at=now)

    at_work(choose)
    shown = kikao("show", ASHA)

    assert shown.exit_code == 0, shown.output
    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC|[0-9a-f]{32}", "…", shown.stdout).splitlines() == [
        "member     …",
        "met        …",
        "language   sw",
        "time zone  Africa/Kampala (of the number)",
        "address    +25677****01  since …",
        "reach      +25677****01  sms/nalo  open, no marketing (131050) since …, wrote …",
        "           +25677****01  whatsapp/cloud-api  gone (131026) since …, no marketing until …",
    ]
    assert ASHA in kikao("show", ASHA, "--clear").stdout
    assert kikao("show", id_of(ASHA)).stdout == shown.stdout


def test_an_export_is_json_and_whole(data: Path) -> None:
    exported = json.loads(kikao("export", ASHA).stdout)
    assert [one["identity"] for one in exported["addresses"]] == [ASHA]
    assert exported["timezone_of_number"] == "Africa/Kampala"


def test_a_member_is_erased_everywhere(data: Path) -> None:
    member = id_of(ASHA)
    done = kikao("erase", TARGET, ASHA, typed="y\n")

    assert done.exit_code == 0, done.output
    assert "+25677****01" in done.output
    assert ASHA not in done.output
    assert "Erased." in done.stdout
    assert ACCOUNTS == {BINTA: 500}
    assert "erased " in kikao("show", member).stdout
    assert kikao("erase", TARGET, member).exit_code == 0, "it is done"

    async def left(server: Server) -> None:
        records = [record async for record in server.sessions.store.scan()]
        assert [server.sessions.address_of(record).msisdn for record in records] == [BINTA]
        assert server.members is not None
        assert (await server.members.meet("msisdn", ASHA)).id != member

    at_work(left)


def test_who_thinks_twice_erases_nobody(data: Path) -> None:
    done = kikao("erase", TARGET, ASHA, typed="n\n")
    assert (done.exit_code, "Aborted!" in done.stderr) == (1, True)
    assert kikao("show", ASHA).exit_code == 0
    assert ASHA in ACCOUNTS


def test_an_app_that_refuses_says_why(data: Path) -> None:
    done = kikao("erase", TARGET, BINTA, "--yes")
    assert done.exit_code == 2
    assert "nothing was erased: There is money on the account." in done.stderr
    assert kikao("show", BINTA).exit_code == 0
    assert ACCOUNTS[BINTA] == 500


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["show", "+256772000009"], "there is no member +25677****09"),
        (["export", "0" * 32], f"there is no member {'0' * 32}"),
        (["show", "0772000001"], "a member is named by a number like +256772000001"),
        (["erase", TARGET, "0772000001"], "a member is named by a number like +256772000001"),
        (["erase", f"{__name__}:forgetful", ASHA], "has no directory of members"),
        (["erase", f"{__name__}:shop", ASHA], "not a kikao App"),
    ],
)
def test_what_cannot_be_done_says_why(data: Path, words: list[str], reason: str) -> None:
    done = kikao(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_asking_makes_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIKAO_DATA", str(tmp_path / "data"))
    done = kikao("show", ASHA)
    assert done.exit_code == 2
    assert "there are no members yet" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_running_server_shows_and_erases(data: Path) -> None:
    async def during(server: Server) -> None:
        assert server.members is not None
        member = await server.members.meet("msisdn", ASHA)
        shown = await asyncio.to_thread(kikao, "show", ASHA)
        assert shown.exit_code == 0, shown.output
        refused = await asyncio.to_thread(kikao, "erase", TARGET, BINTA, "--yes")
        assert refused.exit_code == 2
        assert "nothing was erased: There is money on the account." in refused.stderr

        done = await asyncio.to_thread(kikao, "erase", TARGET, ASHA, "--yes")

        assert done.exit_code == 0, done.output
        assert (await server.members.meet("msisdn", ASHA)).id != member.id, (
            "it does not remember who was there"
        )
        records = [record async for record in server.sessions.store.scan()]
        assert [server.sessions.address_of(record).msisdn for record in records] == [BINTA]

    at_work(during)


def test_a_server_that_nobody_can_reach_keeps_its_sessions(data: Path) -> None:
    async def during(_: Server) -> None:
        (data / "control.sock").unlink()
        refused = await asyncio.to_thread(kikao, "erase", TARGET, ASHA, "--yes")
        assert refused.exit_code == 2
        assert "sessions.db is in use" in refused.stderr
        assert (await asyncio.to_thread(kikao, "show", ASHA)).exit_code == 0

    at_work(during)
