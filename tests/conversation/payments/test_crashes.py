"""A payment while processes die: at most once, and exactly once for who finishes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from kikao.conversation import Refused, Secret
from kikao.testing import ProcessDied
from tests.bank import PIN, Bank
from tests.conversation.payments.sending import WELCOME, phone, to_the_pin
from tests.talk import Process, Talk


class TestCrash:
    """A stubborn member finishes the payment, whatever dies on the way."""

    STORE: ClassVar = [
        (when, method, nth)
        for when in ("before", "after")
        for method, most in (("claim", 6), ("intent", 1), ("commit", 6), ("release", 1))
        for nth in range(1, most + 1)
    ]
    BANK: ClassVar = [(when, "bank", 1) for when in ("before", "after")]

    @staticmethod
    def prepare(process: Process, bank: Bank, point: tuple[str, str, int]) -> None:
        when, method, nth = point
        if method == "bank":

            def die() -> None:
                process.store.dead = True
                raise ProcessDied

            setattr(bank, when, die)
        else:
            setattr(process.store, f"die_{when}", (method, nth))

    @staticmethod
    def answer(text: str) -> str:
        for screen, answer in [
            ("To whom?", "Ann"),
            ("Amount", "700"),
            ("Send 700 to Ann?", "1"),
            ("Enter PIN", PIN),
            ("Continue where you stopped?", "1"),
            ("We are checking", "1"),
        ]:
            if screen in text:
                return answer
        raise AssertionError(f"no member knows what to say to {text!r}")

    async def finish(self, points: list[tuple[str, str, int]], *, redelivers: bool, tombstones: bool) -> None:
        talk, bank = await phone(tombstones=tombstones)
        left = list(points)
        self.prepare(talk.process, bank, left.pop(0))
        move: Callable[[], Any] = talk.dial
        for _ in range(60):
            try:
                await move()
            except ProcessDied:
                await talk.restart()
                if left:
                    self.prepare(talk.process, bank, left.pop(0))
                move = talk.send if redelivers else talk.dial
                continue
            assert len(bank.moved) <= 1
            if "Sent. Ref" in talk.text:
                break
            if bank.moved and talk.text == WELCOME:
                return  # the last reply was committed and lost on the air; the member dials and begins anew
            move = talk.dial if talk.ended else (lambda: talk.say(self.answer(talk.text)))
        assert talk.text == "Sent. Ref TX1"
        assert [r.amount for r in bank.moved] == [700]
        talk.process.store.die_before = talk.process.store.die_after = None
        assert await talk.send() == "Sent. Ref TX1", "the last request, redelivered, gets the same reply"
        assert len(bank.moved) == 1
        assert not [row async for row in self._open(talk)]
        assert not await talk.process.holds(PIN)

    @staticmethod
    async def _open(talk: Talk) -> Any:
        for row in await talk.process.sessions.store.due(now=1e12, limit=10):
            yield row

    @pytest.mark.parametrize("point", STORE + BANK, ids=str)
    @pytest.mark.parametrize("redelivers", [True, False], ids=["redelivered", "redialled"])
    @pytest.mark.parametrize("tombstones", [True, False], ids=["voids", "cannot-void"])
    async def test_it_pays_exactly_once_when_the_process_dies(
        self, point: tuple[str, str, int], redelivers: bool, tombstones: bool
    ) -> None:
        await self.finish([point], redelivers=redelivers, tombstones=tombstones)

    @pytest.mark.parametrize("first", STORE + BANK, ids=str)
    async def test_it_pays_exactly_once_when_the_next_process_dies_too(
        self, first: tuple[str, str, int]
    ) -> None:
        points = self.STORE + self.BANK
        for nth, second in enumerate(points, start=points.index(first)):
            # Every other pair with a redelivery: each point is met with both, as the first and as the second.
            await self.finish([first, second], redelivers=nth % 2 == 0, tombstones=True)

    async def test_a_request_on_its_way_when_the_process_died_is_refused_by_the_bank(self) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        self.prepare(talk.process, bank, ("before", "bank", 1))
        with pytest.raises(ProcessDied):
            await talk.say(PIN)
        await talk.restart()
        assert await talk.process.recovery.once() == 1
        assert bank.voided == set(bank.keys)
        late = await bank.transfer("Ann", 700, Secret(PIN), bank.keys[0])
        assert isinstance(late, Refused)
        assert bank.moved == []
        assert (await talk.dial()).startswith("Your last request was not carried out.\nAmount")

    async def test_recovery_finds_what_the_bank_did_and_the_next_dial_tells_it(self) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        self.prepare(talk.process, bank, ("after", "bank", 1))
        with pytest.raises(ProcessDied):
            await talk.say(PIN)
        await talk.restart()
        await talk.process.recovery.once()
        assert await talk.dial() == "Sent. Ref TX1"
        assert len(bank.moved) == 1
        assert await talk.dial() == WELCOME, "it is told once"
