"""Stand-ins for services: their answers are those registered, else made up; a call may fail."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import msgspec
import pytest

from kikao.checking.exploring import explore
from kikao.checking.exploring.oracle import Oracle
from kikao.checking.exploring.services import Circumstances, StandIn, stand_in
from kikao.conversation import BackendError, Chat, Done, ErrorCode, Refused, RefusedError, examples
from kikao.conversation.examples import examples_of
from kikao.conversation.outcomes import Unknown, Voided
from kikao.i18n import Amount, t
from tests.checking.exploring.apps import app_of


def fee_of(amount: Amount, *, extra: int = 0) -> Amount:
    return Amount(amount.currency, amount.minor // 100 + extra)


class Bank(Protocol):
    limit: int

    @examples(fee_of)
    async def fee(self, amount: Amount, *, extra: int = 0) -> Amount: ...

    @examples("short", "the longest", ValueError("broken"))
    def name(self) -> str: ...

    async def pay(self, key: str) -> Done[None] | Refused: ...

    async def pays(self, key: str) -> str: ...

    async def find(self, key: str) -> Done[None] | Voided | Unknown: ...

    @property
    def open(self) -> bool: ...


class Settings(msgspec.Struct, frozen=True):
    phone: str = "0800 000 000"


class Needy(msgspec.Struct, frozen=True):
    phone: str


def ways(around: Circumstances, call: Any) -> list[Any]:
    """Every answer of a call: what it returned or raised."""
    found: list[Any] = []
    for way in range(100):
        around.oracle = Oracle((way,))
        try:
            result = call()
            found.append(asyncio.run(result) if asyncio.iscoroutine(result) else result)
        except Exception as error:
            found.append(error)
        if way + 1 >= around.oracle.decisions[0].ways:
            return found
    raise AssertionError("too many answers")


def bank(around: Circumstances) -> Any:
    return stand_in(Bank, None, around)


def test_examples_are_the_answers_and_the_longest_is_usual() -> None:
    around = Circumstances()

    found = ways(around, bank(around).name)

    assert found[:2] == ["the longest", "short"]
    assert [type(each) for each in found[2:]] == [ValueError, BackendError, TimeoutError, ConnectionError]


def test_an_example_may_depend_on_the_call() -> None:
    around = Circumstances()

    found = ways(around, lambda: bank(around).fee(Amount("KES", 5000), extra=7))

    assert found[0] == Amount("KES", 57)


def test_an_effect_may_be_refused_for_every_reason() -> None:
    around = Circumstances()
    around.within = "effect"

    returned = ways(around, lambda: bank(around).pay("key"))
    raised = ways(around, lambda: bank(around).pays("key"))

    assert returned[0] == Done(None)
    assert {each.code for each in returned if isinstance(each, Refused)} == set(ErrorCode) - {
        ErrorCode.UNKNOWN_OUTCOME
    }
    assert Unknown() in returned
    assert {each.code for each in raised if isinstance(each, RefusedError)} == {
        each.code for each in returned if isinstance(each, Refused)
    }


def test_a_check_answers_what_a_check_may() -> None:
    around = Circumstances()
    around.within = "check"

    for method in (bank(around).find, bank(around).pay):
        found = [each for each in ways(around, lambda m=method: m("key")) if not isinstance(each, Exception)]
        assert set(map(type, found)) == {Done, Voided, Unknown}


def test_attributes_and_properties_have_values() -> None:
    around = Circumstances(numbers=(17,))

    assert {17, 18, 16} <= set(ways(around, lambda: bank(around).limit))
    assert ways(around, lambda: bank(around).open) == [True, False]
    with pytest.raises(AttributeError, match="Bank has no closed"):
        _ = bank(around).closed


def test_settings_are_themselves() -> None:
    around = Circumstances()
    mine = Settings("1")

    assert stand_in(Settings, {Settings: mine}, around) is mine
    assert stand_in(Settings, None, around) == Settings()
    assert stand_in(Needy, None, around).phone
    with pytest.raises(LookupError, match="no service Settings"):
        stand_in(Settings, {}, around)


class Real:
    """A service of which there is an instance."""

    currency = "KES"

    def __init__(self) -> None:
        self.region = "KE"
        self.later = len

    @staticmethod
    def twice(of: int) -> bool:
        raise AssertionError

    @classmethod
    def made(cls) -> bool:
        raise AssertionError

    def __call__(self) -> bool:
        raise AssertionError


def test_of_an_instance_the_data_are_real_and_no_method_is() -> None:
    around = Circumstances()
    real = stand_in("bank", {"bank": Real()}, around)

    assert isinstance(real, StandIn)
    assert (real.region, real.currency) == ("KE", "KES")
    assert real.twice(1) is True
    assert real.made() is True
    assert real.later([1]) is None
    assert set(around.unknown) == {"Real.later"}


def test_answers_stay_what_they_were_unless_decided_otherwise() -> None:
    oracle = Oracle((2,))
    assert oracle.choose("a", "xyz", (True,) * 3) == "z"

    later = Oracle(taken=dict(oracle.taken))

    assert later.choose("a", "xyz", (True,) * 3) == "z"
    assert later.choose("b", "xyz", (True,) * 3) == "x"
    assert later.choose("a", "xy", (True,) * 2) == "x"
    failing = Oracle((1,))
    failing.choose("a", "xy", (True, False))
    assert failing.taken == {}


def test_examples_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        examples()
    assert examples_of(len) == ()
    assert examples_of(Bank.fee) == (fee_of,)


def test_a_services_factory_is_never_opened() -> None:
    def services(settings: object) -> Any:
        raise AssertionError("opened")

    async def asking(chat: Chat) -> None:
        await chat.end(t("{name}", name=await chat.read("name", chat.service(Bank).name)))

    exploration = explore(app_of(asking, services=services))

    assert [finding.message for finding in exploration.findings] == ["ValueError: broken"]
    assert exploration.screens == 4
