"""A stage is the app with the world around it: opened cleanly, killed anywhere, deployed over, gone without a trace."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kikao import Amount, App, Chat, Day, Flows, Message, Number, Text, t
from kikao.config import Settings
from kikao.sessions.store import SessionStore
from kikao.sessions.stores.memory import MemoryStore
from kikao.sessions.stores.sqlite import SQLiteStore
from kikao.testing import DROPPED, Clock, Phone, Stage
from kikao.testing.stage import UNHURRIED
from kikao.testing.timers import let_pass
from tests.gateways import EACH_WAY
from tests.testing.shop import (
    AWAY,
    CHECKING,
    CLOSING,
    HOW_MANY,
    PIN,
    WORKING,
    MemoryTill,
    Till,
    an_app,
    flows_of,
)

BINTA = "+256772000002"
SOLD = "3 cups sold. Ref S1"


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SessionStore:
    return MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "sessions.db")


# --- opening and closing ---


async def test_nothing_of_the_machine_comes_in_and_nothing_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIKAO_ENV", "production")
    monkeypatch.setenv("KIKAO_NONSENSE", "1")
    app = App(flows_of(), entry="buy", services={Till: MemoryTill()})  # members are kept in a file
    async with Stage(app) as stage:
        assert stage.settings.env == "dev"
        assert await stage.phone().dial() == HOW_MANY
        records = Path(stage.settings.records)
        assert records.exists()

    assert not records.parent.parent.exists()
    assert list(tmp_path.iterdir()) == []


async def test_services_open_once_and_close_at_the_end() -> None:
    said: list[str] = []
    till = MemoryTill()

    @asynccontextmanager
    async def services(settings: Settings) -> AsyncIterator[Mapping[Any, Any]]:
        said.append(f"open in {settings.env}")
        yield {Till: till}
        said.append("close")

    async with Stage(an_app(), services=services) as stage:
        await stage.phone().dial()
        await stage.crash()
        await stage.restart()
        await stage.restart()
        assert said == ["open in dev"]

    assert said == ["open in dev", "close"]
    assert till.asked > 0


async def test_services_close_even_when_the_app_does_not_open(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "sessions.db").mkdir()

    @asynccontextmanager
    async def services(_: Settings) -> AsyncIterator[Mapping[Any, Any]]:
        try:
            yield {}
        finally:
            said.append("close")

    stage = Stage(an_app(), store=SQLiteStore(tmp_path / "sessions.db"), services=services)
    with pytest.raises(Exception, match=r"sessions\.db"):
        async with stage:
            raise NotImplementedError

    assert said == ["close"]


async def test_the_languages_of_new_members() -> None:
    app = App(an_app().engine.flows, entry="buy", services={Till: MemoryTill()}, locales={"en": "", "sw": ""})
    async with Stage(app, locale="sw") as stage:
        await stage.phone().dial()

        assert [session.conversation.locale for session in await stage.stored()] == ["sw"]


async def test_a_clock_that_services_share() -> None:
    clock = Clock(1_000.0)
    async with Stage(an_app(), clock=clock) as stage:
        asha = stage.phone()
        await asha.dial()
        await asha.reply("3")
        clock.advance(301)

        assert stage.clock is clock
        assert await asha.dial() == HOW_MANY, "the time to go on is over"


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="forward"):
        Clock().advance(-1)


async def test_what_is_kept_can_be_searched() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        await asha.dial()
        await asha.reply("3", PIN)

        assert not await stage.holds(PIN)
        assert await stage.holds("buy")


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (3691, True),
        (-3691, True),
        (3691.0, True),
        (("", 3691), True),
        ({"a": [{3691: None}]}, True),
        (Amount("UGX", 3691), True),
        (Amount("KES", 369100), True),
        (Amount("KES", 369150), True),
        (Message("{x}", {"x": 3691}), True),
        (36910, False),
        (13691, False),
        (Day(2026, 1, 2), False),
        (True, False),
    ],
    ids=str,
)
async def test_a_number_that_was_kept_is_found(value: Any, held: bool) -> None:
    flows = Flows()

    @flows.flow("keep")
    async def keep(chat: Chat) -> None:
        await chat.session.set("last", value)
        await chat.ask("more", Number(), t("More?"))

    @flows.flow("look")
    async def look(chat: Chat) -> None:
        await chat.read("last", lambda: value)
        await chat.ask("more", Number(), t("More?"))

    for entry in ("keep", "look"):
        async with Stage(App(flows, entry=entry)) as stage:
            await stage.phone().dial()
            assert await stage.holds("3691") is held
            assert not await stage.holds("2026")


@pytest.mark.parametrize("text", ["0042", "42", "KES 42.50", "42.50"])
async def test_a_number_is_found_as_it_is_written(text: str) -> None:
    flows = Flows()

    @flows.flow("keep")
    async def keep(chat: Chat) -> None:
        await chat.session.set("last", [42, Amount("KES", 4250)] if "." not in text else Amount("KES", 4250))
        await chat.ask("more", Number(), t("More?"))

    async with Stage(App(flows, entry="keep")) as stage:
        await stage.phone().dial()
        assert await stage.holds(text)


def test_importing_needs_no_test_runner_and_nothing_heavy() -> None:
    script = "import kikao.testing, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {
        "pytest",
        "_pytest",
        "hypothesis",
        "sqlalchemy",
        "alembic",
        "argon2",
        "httpx",
        "phonenumbers",
        "uvicorn",
    }

    assert set(done.stdout.split()) & heavy == set()
    assert "kikao.testing" in done.stdout


# --- deaths ---


async def test_a_conversation_goes_on_after_a_crash(store: SessionStore) -> None:
    async with Stage(an_app(), store=store) as stage:
        asha = stage.phone()
        await asha.dial()
        await asha.reply("3")
        await stage.crash()
        assert await asha.reply(PIN) == DROPPED
        await stage.restart()

        assert await asha.again() == SOLD


@pytest.mark.parametrize("gateway", EACH_WAY)
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("call", ["claim", "intent", "commit"])
async def test_whenever_the_process_dies_the_cups_are_paid_once(
    store: SessionStore, gateway: str, before: bool, call: str
) -> None:
    till = MemoryTill()
    async with Stage(an_app(till), store=store) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()
        await asha.reply("3")
        stage.crash_at(call, before=before)

        assert await asha.reply(PIN) == DROPPED
        assert asha.ended
        await stage.restart()

        assert await finished(asha) == SOLD
        assert [sale.cups for sale in till.sales] == [3]


async def finished(phone: Phone) -> str:
    """A member who wants their cups: the provider redelivers, and they dial and answer until they are sold."""
    screen = await phone.again()
    for _ in range(6):
        if screen == SOLD:
            break
        if phone.ended:
            screen = await phone.dial()
        elif "Enter PIN" in screen:
            screen = await phone.reply(PIN)
        else:
            screen = await phone.reply("1" if "Continue" in screen else "3")
    return screen


async def test_everybody_who_waits_at_that_moment_gets_no_reply() -> None:
    async with Stage(an_app()) as stage:
        asha, binta = stage.phone("+256772000001"), stage.phone("+256772000002")
        for phone in (asha, binta):
            await phone.dial()
            await phone.reply("3")
        stage.crash_at("intent", nth=2)

        assert [*await asyncio.gather(asha.reply(PIN), binta.reply(PIN))] == [DROPPED, DROPPED]


async def test_the_second_commit_from_now() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        stage.crash_at("commit", nth=2)

        assert await asha.dial() == HOW_MANY
        assert await asha.reply("3") == DROPPED


async def test_a_dead_process_answers_nobody_and_cannot_die_again() -> None:
    async with Stage(an_app()) as stage:
        await stage.crash()
        await stage.crash()

        assert await stage.phone().dial() == DROPPED
        with pytest.raises(AssertionError, match=r"stage\.restart"):
            stage.crash_at("commit")


async def test_a_crash_at_what_no_store_does() -> None:
    async with Stage(an_app()) as stage:
        with pytest.raises(ValueError, match=r"'comit'; it has claim, intent, commit"):
            stage.crash_at("comit")


async def test_a_death_during_recovery() -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        asha = stage.phone()
        await asha.dial()
        await asha.reply("3")
        stage.service(Till).breaks("pay", times=1)
        assert await asha.reply(PIN) == CHECKING
        stage.clock.advance(60)
        stage.crash_at("commit")
        await stage.settle()

        assert await asha.dial() == DROPPED
        await stage.restart()
        assert await asha.dial() == SOLD
        assert len(till.sales) == 1


async def test_a_store_in_trouble() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        stage.faults.unavailable = True
        assert await asha.dial() == AWAY
        stage.faults.unavailable = False
        assert await asha.dial() == HOW_MANY


# --- restarts and deploys ---


async def test_a_deploy_in_the_middle_of_a_conversation(store: SessionStore) -> None:
    till = MemoryTill()
    async with Stage(an_app(till), store=store) as stage:
        asha = stage.phone()
        await asha.dial()
        await asha.reply("3")
        await stage.restart(an_app(MemoryTill(), greeting="Thank you. "))

        assert await asha.reply(PIN) == f"Thank you. {SOLD}"
        assert len(till.sales) == 1, "the till is still the same one"


async def test_a_deploy_brings_the_services_it_needs() -> None:
    class Music:
        async def song(self) -> str:
            return "la la"

    flows = Flows()

    @flows.flow("sing")
    async def sing(chat: Chat) -> None:
        await chat.ask("more", Text(), t("{song}", song=await chat.read("song", chat.service(Music).song)))

    said: list[str] = []

    @asynccontextmanager
    async def services(_: Settings) -> AsyncIterator[Mapping[Any, Any]]:
        yield {Music: Music()}
        said.append("close")

    async with Stage(an_app()) as stage:
        await stage.restart(App(flows, entry="sing", members=False), services=services)

        assert await stage.phone().dial() == "la la"
        with stage.service(Music).away():
            assert await stage.phone().dial() == AWAY
        assert await stage.service(Till).real.price() == 300
        assert said == []
    assert said == ["close"]


async def test_a_restart_waits_for_replies_that_are_on_their_way() -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        asha = stage.phone()
        await asha.dial()
        await asha.reply("3")
        slow = stage.service(Till).slow("pay")
        paying = asyncio.create_task(asha.reply(PIN))
        await slow.began.wait()
        await stage.restart()

        assert await paying == CLOSING
        assert await asha.dial() == SOLD, (
            "the effect was abandoned at the shutdown, and asked for at the start"
        )


# --- time ---


async def test_nobody_waits_for_a_deadline() -> None:
    async with Stage(an_app(), budget=14.0) as stage:
        asha = stage.phone()
        await asha.dial()
        await asha.reply("3")
        stage.service(Till).slow("pay")
        before, began = stage.clock.now, time.monotonic()

        assert await asha.reply(PIN) == CLOSING
        took, passed = time.monotonic() - began, stage.clock.now - before
        assert took < 12.6
        assert passed < 14.0 < passed + took + 2.0, "for the app the time has passed"
        began = time.monotonic()
    assert time.monotonic() - began < 10.0, "nor for the end of effects"


async def test_a_slow_service_hurries_nobody_else() -> None:
    flows = flows_of()

    @flows.flow("start")
    async def start(chat: Chat) -> None:
        if chat.member.msisdn == BINTA:
            digest = functools.partial(hashlib.pbkdf2_hmac, "sha256", b"", b"", 100_000)
            await chat.read("work", lambda: asyncio.to_thread(lambda: digest().hex()))
            await chat.end(t("Worked."))
        await chat.goto(flows["buy"])

    async with Stage(App(flows, entry="start", services={Till: MemoryTill()})) as stage:
        asha, binta = stage.phone(), stage.phone(BINTA)
        await asha.dial()
        await asha.reply("3")
        stage.service(Till).slow("pay")

        assert [*await asyncio.gather(asha.reply(PIN), binta.dial())] == [CLOSING, "Worked."]


async def test_a_copy_that_arrives_meanwhile_gets_the_same_reply() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        await asha.dial()
        await asha.reply("3")
        slow = stage.service(Till).slow("pay")
        paying = asyncio.create_task(asha.reply(PIN))
        await slow.began.wait()

        assert await asha.again() == CLOSING == await paying


async def test_an_effect_lives_through_the_time_a_test_lets_pass() -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        asha = stage.phone()
        await asha.dial()
        await asha.reply("3")
        slow = stage.service(Till).slow("pay")
        assert await asha.reply(PIN) == CLOSING
        for _ in range(4):
            stage.clock.advance(60)
            assert await asha.dial() == WORKING
        slow.release()
        await stage.settle()

        assert await asha.dial() == SOLD
        assert len(till.sales) == 1


async def test_an_effect_that_never_ends_is_asked_about() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        await asha.dial()
        await asha.reply("3")
        stage.service(Till).slow("pay")
        await asha.reply(PIN)
        stage.clock.advance(400)

        assert await asha.dial() == SOLD


async def test_a_service_that_hangs_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    class HangingTill(MemoryTill):
        async def price(self) -> int:
            asyncio.get_running_loop().call_soon(let_pass, UNHURRIED)
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    monkeypatch.setattr("kikao.testing.stage.PATIENCE", 0.0)
    async with Stage(an_app(HangingTill())) as stage:
        await stage.phone().dial()
        with pytest.raises(AssertionError, match=r"HangingTill\.price"):
            await stage.settle()
