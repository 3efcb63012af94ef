"""What the ledger took and the store behind it did not: it stands, so nobody is told that nothing happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from kikao.sessions import confirming
from kikao.sessions.ledger import LedgeredStore
from kikao.sessions.ledger.ledgered import KEPT
from kikao.sessions.store import CommitUnknown, StoreUnavailable
from kikao.testing.timers import let_pass
from kikao.turn import BUDGET
from tests.bank import PIN
from tests.sessions.forgetful import ForgetfulStore
from tests.sessions.ledgers import Life, a_ledger, a_life
from tests.waiting import until

UNCERTAIN = "We are checking your request. Do not repeat it. Dial again to see the result."


class Away:
    """The store goes away before a write, and stays away until it is back."""

    def __init__(self, fast: ForgetfulStore, write: int) -> None:
        self.is_away = False
        self._claim = fast.claim
        fast.before_write = self._before(write)
        fast.claim = self._when_there  # type: ignore[method-assign]

    def _before(self, write: int) -> Callable[[int], None]:
        def before(number: int) -> None:
            if number == write:
                self.is_away = True
            self._check()

        return before

    async def _when_there(self, *args: object, **kwargs: object) -> object:
        self._check()
        return await self._claim(*args, **kwargs)

    def back(self, fast: ForgetfulStore) -> None:
        self.is_away, fast.before_write = False, None

    def _check(self) -> None:
        if self.is_away:
            raise StoreUnavailable


async def at_the_pin(life: Life) -> None:
    await life.talk.dial()
    await life.talk.say("Ann", "700", "1")


async def test_an_outcome_that_only_the_ledger_has_is_told_by_the_next_dial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirming, "PAUSE", 0.01)
    async with a_ledger(tmp_path / "records.db") as ledger:
        life, fast = await a_life(ledger)
        await at_the_pin(life)
        away = Away(fast, fast.writes + 2)
        assert await life.talk.say(PIN) == UNCERTAIN
        away.back(fast)
        looking = life.talk.process.late._confirming
        await until(lambda: not len(looking), "nothing more to be looked for")
        assert "Sent. Ref" in await life.talk.dial()
        assert len(life.bank.moved) == 1


async def test_an_intent_that_could_not_be_taken_back_is_uncertain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_ledger(tmp_path / "records.db") as ledger:
        life, fast = await a_life(ledger)
        await at_the_pin(life)
        Away(fast, fast.writes + 1)

        async def gone(*_: object) -> None:
            raise StoreUnavailable

        ledger.withdraw = gone  # type: ignore[method-assign,assignment]
        assert await life.talk.say(PIN) == UNCERTAIN, "recovery finds it, and may perform it"


async def test_an_intent_that_was_taken_back_did_not_happen(tmp_path: Path) -> None:
    async with a_ledger(tmp_path / "records.db") as ledger:
        life, fast = await a_life(ledger)
        await at_the_pin(life)
        away = Away(fast, fast.writes + 1)
        assert await life.talk.say(PIN) == "Service unavailable. Try again later."
        away.back(fast)
        assert await ledger.due(1e12, 10) == []
        assert "Sent. Ref" in await life.talk.send()


async def test_who_waits_for_the_ledger_and_gives_up_looks_there_next(tmp_path: Path) -> None:
    """A turn that is cancelled while it writes to the ledger does not know what the ledger has."""
    async with a_ledger(tmp_path / "records.db") as ledger:
        life, _ = await a_life(ledger)
        await at_the_pin(life)
        put = ledger.put

        async def hangs(*args: object) -> None:
            await put(*args)  # type: ignore[arg-type]
            asyncio.get_running_loop().call_soon(let_pass, BUDGET)
            await asyncio.Event().wait()

        ledger.put = hangs  # type: ignore[method-assign,assignment]
        assert await life.talk.say(PIN) == UNCERTAIN
        ledger.put = put  # type: ignore[method-assign]
        store = life.talk.process.store.store
        assert isinstance(store, LedgeredStore)
        assert len(store._latest) == 1, "whoever claims the session next looks"


async def test_while_the_ledger_is_away_the_store_still_knows_that_an_effect_is_at_work(
    tmp_path: Path,
) -> None:
    async with a_ledger(tmp_path / "records.db") as ledger:
        life, fast = await a_life(ledger)
        await at_the_pin(life)
        life.bank.gate = asyncio.Event()
        paying = asyncio.create_task(life.talk.say(PIN))
        await life.bank.arrived.wait()
        let_pass(BUDGET)
        await paying
        (row,) = await fast.due(now=1e12, limit=9)
        store = life.talk.process.store.store

        async def gone(*_: object) -> None:
            raise StoreUnavailable

        ledger.renew = gone  # type: ignore[method-assign,assignment]
        with pytest.raises(StoreUnavailable):
            await store.renew(row.session, (row.id,), row.fence, row.lease_until + 10.0)
        (renewed,) = await fast.due(now=1e12, limit=9)
        assert renewed.lease_until == row.lease_until + 10.0
        life.bank.gate.set()
        await life.talk.process.settle()


async def test_what_it_is_in_doubt_about_is_forgotten_in_the_end(tmp_path: Path) -> None:
    async with a_ledger(tmp_path / "records.db") as ledger:
        life, _ = await a_life(ledger)
        await at_the_pin(life)
        put = ledger.put

        async def unanswered(*args: object) -> None:
            raise CommitUnknown

        ledger.put = unanswered  # type: ignore[method-assign,assignment]
        assert await life.talk.say(PIN) == UNCERTAIN
        ledger.put = put  # type: ignore[method-assign]
        store = life.talk.process.store.store
        assert isinstance(store, LedgeredStore)
        assert len(store._behind) == 1
        life.clock.advance(KEPT + 1.0)
        await store.due(now=life.clock(), limit=1)
        assert (store._behind, store._latest) == ({}, {})
