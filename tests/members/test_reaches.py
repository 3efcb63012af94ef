"""What is known of addresses, kept in the records or remembered by a process: one protocol, the same answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kikao.events import AddressMarketing, AddressResumed, AddressStopped, Event
from kikao.members import No, OnlyTemplate, Reach, Reaches, Yes
from kikao.members.reach import DAY, Mark
from kikao.members.reaches import RememberedReaches
from kikao.testing import Clock
from tests.key_rings import ring
from tests.members.directories import ASHA, BINTA, a_directory

CHAT = ("telegram", "77001")
BOT = "telegram/bot-api"
CLOUD = "whatsapp/cloud-api"
SMS = "sms/africastalking"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["kept", "remembered"])
async def reaches(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Reaches]:
    if request.param == "remembered":
        yield RememberedReaches(ring(), clock=clock)
        return
    async with a_directory(tmp_path, clock=clock) as directory:
        yield directory.reach


@pytest.fixture
def events(reaches: Reaches) -> list[Event]:
    found: list[Event] = []
    reaches.publish = found.append
    return found


async def test_who_blocks_is_left_alone_until_they_write(
    reaches: Reaches, clock: Clock, events: list[Event]
) -> None:
    await reaches.heard(*CHAT, BOT, clock.now)
    assert await reaches.may(*CHAT, BOT, "notice") == Yes()
    assert await reaches.tell(*CHAT, BOT, "blocked", reason="forbidden", at=clock.now + 1) is True
    assert (await reaches.of(*CHAT, BOT)).blocked == Mark(clock.now, "forbidden"), "never later than now"
    assert await reaches.may(*CHAT, BOT, "reply") == No("blocked")
    assert await reaches.tell(*CHAT, BOT, "blocked", reason="forbidden", at=clock.now - 9) is False

    clock.advance(60)
    await reaches.heard(*CHAT, BOT, clock.now - 100)
    assert await reaches.may(*CHAT, BOT, "reply") == No("blocked"), "it was written before"
    await reaches.heard(*CHAT, BOT, clock.now)
    assert await reaches.may(*CHAT, BOT, "reply") == Yes()
    assert events == [
        AddressStopped(channel="telegram", gateway="bot-api", what="blocked", reason="forbidden"),
        AddressResumed(channel="telegram", gateway="bot-api", was="blocked"),
    ]


async def test_a_late_report_of_a_block_is_older_than_what_was_heard(reaches: Reaches, clock: Clock) -> None:
    await reaches.heard(*CHAT, BOT, clock.now)
    clock.advance(600)
    await reaches.heard(*CHAT, BOT, clock.now)
    assert await reaches.tell(*CHAT, BOT, "blocked", at=clock.now - 60) is False
    assert await reaches.may(*CHAT, BOT, "notice") == Yes()


async def test_stop_and_start(reaches: Reaches, clock: Clock, events: list[Event]) -> None:
    sms = ("msisdn", ASHA, SMS)
    assert await reaches.tell(*sms, "stopped", reason="stop", at=clock.now)
    assert await reaches.may(*sms, "confirmation") == Yes()
    clock.advance(3600)
    await reaches.heard(*sms, clock.now)
    assert await reaches.may(*sms, "notice", heard_at=clock.now) == No("stopped")
    assert await reaches.may(*sms, "reply", heard_at=clock.now) == Yes(), "they asked for it"
    assert await reaches.tell(*sms, "started", at=clock.now)
    assert await reaches.may(*sms, "notice") == Yes()
    assert [type(event) for event in events] == [AddressStopped, AddressResumed]


async def test_marketing_is_refused_allowed_and_paused_apart_from_the_rest(
    reaches: Reaches, clock: Clock, events: list[Event]
) -> None:
    line = ("whatsapp", "256772000001", CLOUD)
    await reaches.heard(*line, clock.now)
    await reaches.tell(*line, "refuses_marketing", reason="131050", at=clock.now)
    assert await reaches.may(*line, "marketing") == No("marketing_refused")
    assert await reaches.may(*line, "notice") == Yes(clock.now + DAY)
    await reaches.tell(*line, "allows_marketing", at=clock.now + 1)
    assert await reaches.may(*line, "marketing") == No("marketing_refused"), (
        "not later than now: on one second it is no"
    )
    clock.advance(1)
    await reaches.tell(*line, "allows_marketing", at=clock.now)
    assert await reaches.may(*line, "marketing") == Yes(clock.now - 1 + DAY)
    await reaches.tell(*line, "paused", reason="131049", at=clock.now)
    assert await reaches.may(*line, "marketing") == No("marketing_paused", clock.now + DAY)
    told = [(event.what, event.reason) for event in events if isinstance(event, AddressMarketing)]
    assert told == [("refused", "131050"), ("allowed", ""), ("paused", "131049")]


async def test_the_window_is_open_for_a_day(reaches: Reaches, clock: Clock) -> None:
    line = ("whatsapp", "256772000001", CLOUD)
    assert await reaches.may(*line, "reply") == OnlyTemplate()
    await reaches.heard(*line, clock.now)
    assert await reaches.may(*line, "notice") == Yes(clock.now + DAY)
    clock.advance(DAY)
    assert await reaches.may(*line, "notice") == OnlyTemplate()
    assert await reaches.may(*line, "reply", heard_at=clock.now - 60) == Yes(clock.now - 60 + DAY)
    assert await reaches.may(*line, "notice") == OnlyTemplate(), "what a message knows is not kept"


async def test_addresses_and_lines_are_apart(reaches: Reaches, clock: Clock) -> None:
    await reaches.tell("msisdn", ASHA, SMS, "gone", at=clock.now)
    assert (await reaches.of("msisdn", ASHA, f"{SMS}/4000")) == Reach()
    assert (await reaches.of("msisdn", BINTA, SMS)) == Reach()
    assert (await reaches.of("whatsapp", ASHA, SMS)) == Reach()
    assert (await reaches.of("msisdn", ASHA, SMS)).standing == "gone"


async def test_a_time_that_is_yet_to_come_counts_as_now(reaches: Reaches, clock: Clock) -> None:
    await reaches.heard(*CHAT, BOT, clock.now + 9999)
    assert (await reaches.of(*CHAT, BOT)).heard_at == clock.now
    assert await reaches.may("whatsapp", "1", CLOUD, "reply", heard_at=clock.now + 99) == Yes(clock.now + DAY)


@pytest.mark.parametrize(
    ("kind", "identity", "line"), [("msisdn", "0772", SMS), ("fax", "1", SMS), (*CHAT, "telegram")]
)
async def test_what_is_no_address_and_no_line_is_refused_and_not_shown(
    reaches: Reaches, kind: str, identity: str, line: str
) -> None:
    for asked in (reaches.heard(kind, identity, line, 1.0), reaches.of(kind, identity, line)):
        with pytest.raises(ValueError, match=r"members:|reach:") as refused:
            await asked
        assert "0772" not in str(refused.value)


async def test_a_process_forgets_who_is_open_before_who_is_not(clock: Clock) -> None:
    reaches = RememberedReaches(ring(), clock=clock, size=3)
    await reaches.tell("user", "stopped", SMS, "stopped", at=clock.now)
    await reaches.tell("user", "refused", SMS, "refuses_marketing", at=clock.now)
    for number in range(9):
        await reaches.heard("user", str(number), SMS, clock.now)
    assert len(reaches) == 5
    assert await reaches.may("user", "stopped", SMS, "notice") == No("stopped")
    assert await reaches.may("user", "refused", SMS, "marketing") == No("marketing_refused")
    assert (await reaches.of("user", "0", SMS)) == Reach()
    assert (await reaches.of("user", "8", SMS)).heard_at == clock.now
