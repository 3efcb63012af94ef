"""What is published of real conversations: in order, once, and only what is true."""

from __future__ import annotations

import pytest
from msgspec import structs

from kikao.sessions.store import CommitUnknown, Write
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import DROPPED, Stage
from tests.events.market import NUMBER, PIN, WRONG, Heard, at_the_market, market
from tests.testing.shop import Till

# --- in order ---


async def test_a_purchase_from_the_first_dial_to_the_last_screen() -> None:
    async with at_the_market() as (_, asha, heard):
        await asha.dial()
        assert heard.lines() == [
            "session.opened",
            "flow.started menu",
            "stage.changed menu/what#1",
            "screen.shown menu/what#1 kind=question",
            "turn.committed menu/what#1 what=asked",
        ]
        await asha.reply("1")
        assert heard.lines() == [
            "answer.taken menu/what#1",
            "flow.finished menu what=moved",
            "flow.started buy",
            "stage.changed buy/cups#1 from_flow=menu from_at=what#1",
            "screen.shown buy/cups#1 kind=question",
            "turn.committed buy/cups#1 what=asked",
        ]
        await asha.reply("3", WRONG)
        assert heard.lines()[4:] == [
            "step.intended buy/pin#1 kind=secret",
            "secret.used buy/pin#1 what=refused code=wrong_secret",
            "step.refused buy/pin#1 kind=secret source=turn code=wrong_secret",
            "screen.shown buy/pin#1 kind=question",
            "turn.committed buy/pin#1 what=asked",
        ]
        await asha.reply(PIN)
        assert heard.lines() == [
            "step.intended buy/pin#1 kind=secret",
            "secret.used buy/pin#1 what=done",
            "step.done buy/pin#1 kind=secret source=turn",
            "flow.finished buy what=ended",
            "screen.shown buy kind=end",
            "turn.committed buy what=ended",
        ]


async def test_answers_that_are_none() -> None:
    async with at_the_market() as (_, asha, heard):
        await asha.dial()
        for tries in (1, 2):
            heard.news()
            await asha.reply("9")
            assert heard.lines()[0] == f"answer.refused menu/what#1 tries={tries}"
        await asha.reply("1", "3")
        heard.news()
        await asha.reply("25")
        assert heard.lines() == [
            "answer.refused buy/pin#1 tries=1",
            "screen.shown buy/pin#1 kind=question",
            "turn.committed buy/pin#1 what=asked",
        ]


async def test_back_home_and_the_menu() -> None:
    async with at_the_market() as (_, asha, heard):
        await asha.dial()
        await asha.reply("1", "3")
        heard.news()
        await asha.reply("0")
        assert heard.lines()[0] == "stage.changed buy/cups#1 from_flow=buy from_at=pin#1"
        await asha.reply("00")
        assert heard.lines() == [
            "flow.abandoned buy/cups#1 what=home",
            "flow.started menu",
            "stage.changed menu/what#1 from_flow=buy from_at=cups#1",
            "stage.menu menu/what#1 from_flow=buy from_at=cups#1",
            "screen.shown menu/what#1 kind=question",
            "turn.committed menu/what#1 what=asked",
        ]
        await asha.reply("2")
        heard.news()
        await asha.reply("0")
        assert heard.lines()[:2] == [
            "stage.changed menu/what#1 from_flow=menu from_at=order#1/cups#1",
            "stage.menu menu/what#1 from_flow=menu from_at=order#1/cups#1",
        ]


async def test_a_lost_line_is_taken_up_or_started_again() -> None:
    async with at_the_market() as (_, asha, heard):
        await asha.dial()
        await asha.reply("2")
        await asha.hang_up()
        heard.news()
        await asha.dial()
        assert heard.lines() == [
            "session.resumed menu/order#1/cups#1 silence=0.0",
            "screen.shown menu/resume kind=overlay",
            "turn.committed menu/resume what=offered",
        ]
        await asha.reply("7")
        assert heard.lines()[0] == "answer.refused menu/resume"
        await asha.reply("1")
        assert heard.lines() == [
            "screen.shown menu/order#1/cups#1 kind=question",
            "turn.committed menu/order#1/cups#1 what=asked",
        ]
        await asha.hang_up()
        await asha.dial()
        heard.news()
        await asha.reply("2")
        assert heard.lines()[:5] == [
            "session.reset menu/order#1/cups#1 by=restart",
            "flow.abandoned menu/order#1/cups#1 what=restart",
            "flow.started menu",
            "stage.changed menu/what#1 from_flow=menu from_at=order#1/cups#1",
            "stage.menu menu/what#1 from_flow=menu from_at=order#1/cups#1",
        ]


async def test_times_that_pass_between_two_dials() -> None:
    async with at_the_market() as (stage, asha, heard):
        await asha.dial()
        await asha.reply("1")
        heard.news()
        stage.clock.advance(100)
        await asha.dial()
        assert heard.lines()[:4] == [
            "session.resumed buy/cups#1 silence=100.0",
            "session.reset buy/cups#1 by=dial",
            "flow.abandoned buy/cups#1 what=dial",
            "flow.started menu",
        ]
        await asha.reply("1")
        heard.news()
        stage.clock.advance(600)
        await asha.dial()
        assert heard.lines()[:5] == [
            "session.expired buy/cups#1 silence=600.0",
            "flow.abandoned buy/cups#1 what=expired",
            "session.opened",
            "flow.started menu",
            "stage.changed menu/what#1",
        ]


async def test_a_session_is_ended_by_the_app_and_the_next_dial_opens_another() -> None:
    async with at_the_market() as (_, asha, heard):
        await asha.dial()
        heard.news()
        await asha.reply("3")
        assert heard.lines()[1:3] == ["flow.finished menu what=ended", "session.ended menu by=app"]
        await asha.dial()
        assert heard.lines()[:2] == ["session.opened", "flow.started menu"]


async def test_an_outcome_that_comes_late() -> None:
    async with at_the_market() as (stage, asha, heard):
        await asha.dial()
        await asha.reply("1", "3")
        slow = stage.service(Till).slow("pay")
        heard.news()
        await asha.reply(PIN)
        assert heard.lines() == [
            "step.intended buy/pin#1 kind=secret",
            "secret.used buy/pin#1 what=working",
            "screen.shown buy kind=notice",
            "turn.committed buy what=overdue",
        ]
        slow.end()
        await stage.settle()
        assert heard.lines() == ["step.done buy/pin#1 kind=secret source=late", "recovery.done buy what=late"]
        await asha.dial()
        assert heard.lines()[1:] == [
            "flow.finished buy what=ended",
            "screen.shown buy kind=end",
            "turn.committed buy what=ended",
        ]


async def test_an_outcome_that_nobody_can_say_and_then_somebody_can() -> None:
    async with at_the_market() as (stage, asha, heard):
        await asha.dial()
        await asha.reply("1", "3")
        heard.news()
        with stage.service(Till).away():
            await asha.reply(PIN)
            steps = [text for text in heard.lines() if text.startswith("s") and not text.startswith("sc")]
            assert steps == [
                "step.intended buy/pin#1 kind=secret",
                "secret.used buy/pin#1 what=unknown",
                "step.unknown buy/pin#1 kind=secret source=turn tries=1 reason=ConnectionError",
            ]
        await asha.dial()
        assert "step.voided buy/pin#1 kind=secret source=turn" in heard.lines()


# --- once, and only what is true ---


async def test_a_redelivery_is_a_duplicate_and_nothing_else() -> None:
    async with at_the_market() as (_, asha, heard):
        await asha.dial()
        await asha.reply("1", "3", PIN)
        heard.news()
        for _ in range(3):
            await asha.again()
        assert heard.lines() == ["turn.duplicated"] * 3


@pytest.mark.parametrize("before", [True, False])
async def test_a_crash_at_the_commit(before: bool) -> None:
    """What was not committed is not said; what was is not said again: a dead process says nothing any more."""
    async with at_the_market() as (stage, asha, heard):
        await asha.dial()
        heard.news()
        stage.crash_at("commit", before=before)
        assert await asha.reply("1") == DROPPED
        assert heard.lines() == []
        await stage.restart()
        await asha.again()
        assert [text.partition(" ")[0] for text in heard.lines()] == (
            [
                "answer.taken",
                "flow.finished",
                "flow.started",
                "stage.changed",
                "screen.shown",
                "turn.committed",
            ]
            if before
            else ["turn.duplicated"]
        )


async def test_a_crash_after_an_effect_is_settled_by_recovery() -> None:
    async with at_the_market() as (stage, asha, heard):
        await asha.dial()
        await asha.reply("1", "3")
        heard.news()
        stage.crash_at("commit")
        assert await asha.reply(PIN) == DROPPED
        assert heard.lines() == ["step.intended buy/pin#1 kind=secret", "secret.used buy/pin#1 what=done"]
        stage.clock.advance(60)
        await stage.restart()
        assert heard.lines() == [
            "step.done buy/pin#1 kind=secret source=recovery",
            "recovery.done buy what=settled",
        ]


@pytest.mark.parametrize("stored", [True, False])
async def test_a_commit_that_nobody_confirmed_is_told_once(stored: bool) -> None:
    async with at_the_market() as (stage, asha, heard):
        await asha.dial()
        heard.news()
        stage.faults.unanswered = ("commit", stage.faults.calls["commit"] + 1, stored)
        await asha.reply("1")
        assert [text.partition(" ")[0] for text in heard.lines()] == [
            "answer.taken",
            "flow.finished",
            "flow.started",
            "stage.changed",
            "screen.shown",
            "turn.committed",
        ]
        await asha.again()
        assert heard.lines() == ["turn.duplicated"]


@pytest.mark.parametrize("stored", [True, False])
async def test_a_late_outcome_whose_commit_nobody_confirmed_is_told_once(stored: bool) -> None:
    async with at_the_market() as (stage, asha, heard):
        await asha.dial()
        await asha.reply("1", "3")
        slow = stage.service(Till).slow("pay")
        await asha.reply(PIN)
        heard.news()
        stage.leave_unanswered("commit", stored=stored)
        slow.end()
        await stage.settle()
        stage.clock.advance(6)  # until it is tried again
        await stage.settle()
        assert heard.lines() == ["step.done buy/pin#1 kind=secret source=late", "recovery.done buy what=late"]


class Silent(MemoryStore):
    """A store that does not answer one commit, which it keeps or not."""

    keeps: bool | None = None

    async def commit(self, write: Write) -> None:
        keeps, self.keeps = self.keeps, None
        if keeps is not False:
            await super().commit(write)
        if keeps is not None:
            raise CommitUnknown


@pytest.mark.parametrize("keeps", [True, False])
async def test_what_recovery_settled_is_told_once_if_the_store_kept_it(keeps: bool) -> None:
    store = Silent()
    async with Stage(market(), store=store) as stage:
        asha, heard = stage.phone(NUMBER), Heard(stage)
        await asha.dial()
        await asha.reply("1", "3")
        stage.crash_at("commit")
        assert await asha.reply(PIN) == DROPPED
        heard.news()
        stage.clock.advance(60)
        store.keeps = keeps
        await stage.restart()
        stage.clock.advance(60)
        await stage.settle()
        told = [text for text in heard.lines() if "conflict" not in text]
        source, what = ("recovery", "settled") if keeps else ("late", "late")
        assert told == [f"step.done buy/pin#1 kind=secret source={source}", f"recovery.done buy what={what}"]


class Contested(MemoryStore):
    """A store in which others are faster so many times: what a turn expects to find has changed."""

    lost = 0

    async def commit(self, write: Write) -> None:
        if self.lost:
            self.lost -= 1
            write = structs.replace(write, version=write.version + 1)
        await super().commit(write)


async def test_a_turn_that_was_overtaken_says_nothing_of_the_try() -> None:
    store = Contested()
    async with Stage(market(), store=store) as stage:
        asha, heard = stage.phone(NUMBER), Heard(stage)
        await asha.dial()
        heard.news()
        store.lost = 1
        await asha.reply("1")
        assert heard.lines() == [
            "answer.taken menu/what#1",
            "flow.finished menu what=moved",
            "flow.started buy",
            "stage.changed buy/cups#1 from_flow=menu from_at=what#1",
            "screen.shown buy/cups#1 kind=question",
            "turn.committed buy/cups#1 what=asked",
        ]
        store.lost = 3
        await asha.reply("3")
        (rejected, screen) = heard.lines()
        assert rejected.startswith("turn.rejected what=busy")
        assert screen == "screen.shown kind=notice"


async def test_a_turn_that_breaks_says_nothing_of_what_is_taken_back() -> None:
    async with at_the_market() as (_, asha, heard):
        await asha.dial()
        heard.news()
        await asha.reply("4")
        screen, committed = heard.lines()
        assert screen == "screen.shown menu/what#1 kind=question"
        assert committed.startswith("turn.committed menu/what#1 what=failed error=KeyError at market.py:")
