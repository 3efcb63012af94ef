"""A service gives the secret back, in whatever it answers: it is not kept, not said, and what was done counts."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import enum
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from kikao import Chat, Done, ErrorCode, Refused, Secret, t, tn
from kikao.conversation import BackendError, RefusedError, Unknown
from kikao.i18n import Amount
from tests.secrets.scenes import WAYS, scene
from tests.secrets.till import Sale


class Nested(msgspec.Struct):
    """An answer with the secret somewhere in it."""

    ref: str
    said: Any = None
    more: Nested | None = None


class Counted(msgspec.Struct):
    """An answer with a number in it."""

    ref: str
    count: int


class Nobody(BaseException):
    """An error that is no `Exception`."""


class Odd:
    """Not plain data, with a text form that shows all it has."""

    def __init__(self, pin: str) -> None:
        self.pin = pin

    def __repr__(self) -> str:
        return f"Odd({self.pin})"

    @property
    def ref(self) -> str:
        raise ValueError(f"no reference for {self.pin}")


def number(pin: str) -> int:
    """A PIN as a number, or the number of another text."""
    return int(pin) if pin.isdigit() else 4


def fail(error: BaseException) -> Any:
    raise error


def enumerated(pin: str) -> enum.Enum:
    class Echo(enum.Enum):
        X = pin

    return Echo.X


def caused(pin: str) -> Any:
    try:
        raise KeyError(pin)
    except KeyError as error:
        raise RuntimeError(f"refused {pin}", {"pin": pin}) from error


def during(pin: str) -> Any:
    try:
        raise KeyError(pin)
    except KeyError:
        raise RuntimeError("refused")  # noqa: B904 - the context is what is looked for


Returned = Callable[[str], Any]

ANSWERS: Final[dict[str, Returned]] = {
    "a text": lambda pin: f"paid with {pin}.",
    "octets": lambda pin: {"ref": "A", "raw": b"<pin>" + pin.encode() + b"</pin>"},
    "octets of other widths": lambda pin: {"ref": "A", "raw": pin.encode("utf-16-le")},
    "an array of octets": lambda pin: {"ref": "A", "raw": bytearray(pin.encode())},
    "a number": lambda pin: {"ref": "A", "pin": number(pin)},
    "a longer number": lambda pin: {"ref": "A", "pin": number(f"{number(pin)}00")},
    "a negative number": lambda pin: {"ref": "A", "pin": -number(pin)},
    "a fraction": lambda pin: {"ref": "A", "pin": float(number(pin))},
    "a decimal": lambda pin: {"ref": "A", "pin": decimal.Decimal(number(pin))},
    "a list": lambda pin: Done(["A", pin, [pin]]),
    "a set": lambda pin: {"ref": "A", "pins": {pin}},
    "a key": lambda pin: {pin: "A"},
    "a numeric key": lambda pin: {number(pin): "A"},
    "a key of octets": lambda pin: {"keys": {pin.encode(): "A"}},
    "a field": lambda pin: Nested("A", pin),
    "a field of octets": lambda pin: Nested("A", pin.encode()),
    "a field, deep": lambda pin: Nested("A", more=Nested("B", more=Nested(pin, [{pin: [pin]}]))),
    "a field that must be a number": lambda pin: Counted("A", number(pin)),
    "a reference": lambda pin: Sale(pin, Amount("UGX", 1)),
    "an amount": lambda pin: Sale("A", Amount("UGX", number(pin))),
    "a list of structs": lambda pin: [Sale(pin, Amount("UGX", 1)), Sale("A", Amount(pin, 1))],
    "an enumeration": lambda pin: {"ref": "A", "pin": enumerated(pin)},
    "upper case": lambda pin: {"ref": "A", "pin": pin.upper()},
    "what cannot be kept": Odd,
    "what cannot be kept, inside": lambda pin: {pin: Odd(pin)},
    "a type that nobody knows": lambda pin: type(f"T{pin.title()}", (), {})(),
    "a refusal": lambda pin: Refused(ErrorCode.WRONG_SECRET, t("{pin} is wrong", pin=pin)),
    "a refusal for good": lambda pin: Refused(ErrorCode.LOCKED, t(f"{pin} is wrong")),
    "a refusal with a number": lambda pin: Refused(
        ErrorCode.REJECTED, tn("{n} is wrong", "{n} are wrong", number(pin))
    ),
    "a refusal with a parameter": lambda pin: Refused(ErrorCode.REJECTED, t("{p}", p=t("{pin}", pin=pin))),
    "a refusal that is no message": lambda pin: Refused(ErrorCode.REJECTED, Odd(pin)),  # type: ignore[arg-type]
    "a refusal that is a text": lambda pin: Refused(ErrorCode.WRONG_SECRET, pin),  # type: ignore[arg-type]
    "a refusal with no code": Refused,  # type: ignore[dict-item]
    "a reason": lambda pin: Unknown(f"no answer for {pin}"),
    "a reason that is none": lambda pin: Unknown(Odd(pin)),  # type: ignore[arg-type]
    "an error": lambda pin: fail(ValueError(f"bad pin {pin}")),
    "an error with a note": lambda pin: fail(_noted(pin)),
    "an error that has a cause": caused,
    "an error during another": during,
    "a group of errors": lambda pin: fail(ExceptionGroup(f"all of {pin}", [ValueError(pin), KeyError(pin)])),
    "a group of any errors": lambda pin: fail(BaseExceptionGroup(pin, [Nobody(pin), ValueError(pin)])),
    "an error that is no exception": lambda pin: fail(Nobody(pin)),
    "an error of a class of its own": lambda pin: fail(type(f"E{pin.title()}", (Exception,), {})(pin)),
    "an error that says it is safe": lambda pin: fail(type("Safe", (Exception,), {"SAFE": True})(pin)),
    "a cancellation": lambda pin: fail(asyncio.CancelledError(pin)),
    "a timeout": lambda pin: fail(TimeoutError(pin)),
    "a refusal that is raised": lambda pin: fail(RefusedError(ErrorCode.REJECTED, t("No {pin}", pin=pin))),
    "an absence that is raised": lambda pin: fail(
        BackendError(ErrorCode.BACKEND_TIMEOUT, t("No {pin}", pin=pin))
    ),
    "a date": lambda pin: {"ref": "A", "at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "pin": pin},
}


def _noted(pin: str) -> Exception:
    error = ValueError("bad")
    error.add_note(pin)
    return error


async def test_a_service_that_exits_ends_nothing_but_its_call(tmp_path: Path) -> None:
    async def inside(chat: Chat, pin: Secret) -> None:
        raise SystemExit(f"bad pin {pin.reveal()}")

    async with scene(tmp_path) as at:
        at.shop.inside = inside
        await at.to_the_secret()
        assert "We are checking your request" in await at.type()


@pytest.mark.parametrize(("gateway", "kind"), WAYS)
@pytest.mark.parametrize("answer", ANSWERS)
async def test_what_a_service_answers(answer: str, gateway: str, kind: str, tmp_path: Path) -> None:
    async with scene(tmp_path, gateway, kind) as at:
        at.shop.till.behave = lambda pin: ANSWERS[answer](pin.reveal())
        await at.to_the_secret()
        await at.type()
        await at.dial()
        at.stage.clock.advance(60)
        await at.stage.settle()
        await at.dial()


COUNTED: Final = frozenset(
    name for name in ANSWERS if any(word in name for word in ("number", "numeric", "amount", "fraction"))
)
"""Answers in which four digits are a number, and cannot be told from an amount."""


@pytest.mark.parametrize("answer", sorted(ANSWERS.keys() - COUNTED))
async def test_four_digits_are_taken_out_where_they_stand_alone(answer: str, tmp_path: Path) -> None:
    await test_what_a_service_answers(answer, "africastalking", "short", tmp_path)
