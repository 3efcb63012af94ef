"""A secret is typed, and its turn ends in one of the ways turns can end: nothing that was written or said has it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from kikao import Chat, ErrorCode, Refused, Secret, t
from kikao.conversation import RefusedError
from kikao.sessions.keeper import LEASE
from kikao.testing import DROPPED
from tests.secrets.scenes import NUMBER, WAYS, Scene, scene
from tests.secrets.till import SECRETS, Clumsy, Parrot
from tests.secrets.witness import frames_of_kikao

Ending = Callable[[Scene], Awaitable[None]]
ENDINGS: Final[dict[str, Ending]] = {}


def ending(way: Ending) -> Ending:
    ENDINGS[way.__name__] = way
    return way


@ending
async def done(at: Scene) -> None:
    await at.to_the_secret()
    assert "Got Sale(ref='S0'" in await at.type()


@ending
async def wrong(at: Scene) -> None:
    at.shop.till.behave = lambda pin: Refused(ErrorCode.WRONG_SECRET)
    await at.to_the_secret()
    assert "Wrong PIN" in await at.type()
    assert "Wrong PIN" in await at.type()


@ending
async def locked(at: Scene) -> None:
    at.shop.till.behave = lambda pin: Refused(ErrorCode.LOCKED)
    await at.to_the_secret()
    assert "locked" in await at.type()


@ending
async def invalid(at: Scene) -> None:
    await at.to_the_secret()
    at.shop.asks = SECRETS["pin"]
    await at.say(at.secret + "1")
    await at.say("x" + at.secret)
    await at.say(at.secret[:-1])


@ending
async def invalid_by_an_answer_type_that_repeats_it(at: Scene) -> None:
    at.shop.asks = Parrot()
    await at.to_the_secret()
    assert "Invalid choice. Try again.\nSecret?" in await at.type()
    await at.dial()


@ending
async def a_mistake_in_the_answer_type(at: Scene) -> None:
    at.shop.asks = Clumsy()
    await at.to_the_secret()
    assert "Something went wrong" in await at.type()


@ending
async def unknown_and_settled(at: Scene) -> None:
    at.till.breaks("sell", times=1)
    await at.to_the_secret()
    assert "checking" in await at.type()
    at.stage.clock.advance(60)
    await at.stage.settle()
    assert "Got Sale" in await at.dial()


@ending
async def unknown_for_long(at: Scene) -> None:
    at.shop.till.forgets = True
    at.shop.till.behave = lambda pin: _raise(TimeoutError(pin.reveal()))
    await at.to_the_secret()
    assert "checking" in await at.type()
    await at.dial()
    await at.say("1")
    assert "again to make sure" in at.phone.screen
    await at.type()


@ending
async def after_the_deadline(at: Scene) -> None:
    slow = at.till.slow("sell")
    await at.to_the_secret()
    assert "Request received" in await at.type()
    assert "still being processed" in await at.dial()
    slow.release()
    await at.stage.settle()
    assert "Got Sale" in await at.dial()


def _dies(call: str, *, before: bool) -> Ending:
    async def way(at: Scene) -> None:
        await at.to_the_secret()
        at.stage.crash_at(call, before=before)
        assert await at.type() == DROPPED
        await at.stage.restart()
        at.stage.clock.advance(LEASE + 1)
        await at.stage.settle()
        await at.again()
        await at.to_the_secret() if "Continue" in await at.dial() else None

    return way


for _call in ("claim", "intent", "commit"):
    for _before in (True, False):
        ENDINGS[f"dies_{'before' if _before else 'after'}_{_call}"] = _dies(_call, before=_before)


@ending
async def another_writer_is_faster_once(at: Scene) -> None:
    await at.to_the_secret()
    at.store.lost = 1
    await at.type()


@ending
async def another_writer_is_always_faster(at: Scene) -> None:
    await at.to_the_secret()
    at.store.lost = 9
    await at.type()


@ending
async def the_store_is_away(at: Scene) -> None:
    await at.to_the_secret()
    at.stage.faults.unavailable = True
    assert "unavailable" in await at.type()
    at.stage.faults.unavailable = False
    await at.again()


def _unanswered(call: str, *, stored: bool) -> Ending:
    async def way(at: Scene) -> None:
        await at.to_the_secret()
        faults = at.stage.faults
        faults.unanswered = (call, faults.calls.get(call, 0) + 1, stored)
        await at.type()
        await at.again()

    return way


for _call in ("intent", "commit"):
    for _stored in (True, False):
        ENDINGS[f"{_call}_unanswered_{'and' if _stored else 'not'}_stored"] = _unanswered(
            _call, stored=_stored
        )


@ending
async def the_flow_raises(at: Scene) -> None:
    async def after(chat: Chat) -> None:
        raise RuntimeError("a mistake")

    at.shop.after = after
    await at.to_the_secret()
    assert "went wrong" in await at.type()


@ending
async def the_flow_raises_a_refusal(at: Scene) -> None:
    async def after(chat: Chat) -> None:
        raise RefusedError(ErrorCode.REJECTED)

    at.shop.after = after
    await at.to_the_secret()
    await at.type()


@ending
async def the_service_is_refusing_and_the_flow_sees_it(at: Scene) -> None:
    at.shop.till.behave = lambda pin: _raise(
        RefusedError(ErrorCode.REJECTED, t("No {pin}", pin=pin.reveal()))
    )
    await at.to_the_secret()
    await at.type()


def _inside(what: Callable[[Chat, Secret], Awaitable[Any]]) -> Ending:
    async def way(at: Scene) -> None:
        at.shop.inside = what
        await at.to_the_secret()
        await at.type()

    return way


async def _steps(chat: Chat, pin: Secret) -> None:
    async def effect(key: str) -> str:
        return pin.reveal()

    await chat.step("inside", effect, retry="key")


for _name, _what in {
    "ask": lambda chat, pin: chat.ask("inside", SECRETS["pin"], pin.reveal()),
    "say": lambda chat, pin: chat.say(pin.reveal()),
    "end": lambda chat, pin: chat.end(pin.reveal()),
    "read": lambda chat, pin: chat.read("inside", pin.reveal),
    "step": _steps,
    "secret": lambda chat, pin: chat.secret("inside", SECRETS["pin"], pin.reveal(), use=None),
    "session": lambda chat, pin: chat.session.set("pin", pin.reveal()),
    "restart_with": lambda chat, pin: chat.restart_with(pin=pin.reveal()),
    "call": lambda chat, pin: chat.call("sell", pin=pin.reveal()),
}.items():
    ENDINGS[f"inside_use_{_name}"] = _inside(_what)


@ending
async def inside_use_say_and_a_wrong_one(at: Scene) -> None:
    at.shop.inside = lambda chat, pin: chat.say(pin.reveal())
    at.shop.till.behave = lambda pin: Refused(ErrorCode.WRONG_SECRET)
    await at.to_the_secret()
    await at.type()


@ending
async def cancelled_at_shutdown(at: Scene) -> None:
    stalled = at.till.stalls("sell")
    await at.to_the_secret()
    request = at.phone.client.answer(at.secret)
    typing = asyncio.create_task(at.post(request, f"/ussd/{at.phone.gateway}"))
    await stalled.began.wait()
    typing.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await typing
    assert at.secret not in frames_of_kikao(cancelled.value)
    stalled.release()
    await at.stage.restart()
    await at.dial()


@ending
async def redelivered(at: Scene) -> None:
    await at.to_the_secret()
    first = await at.type()
    assert await at.again() == first
    await at.say("no more")
    await at.again()


@ending
async def crossed(at: Scene) -> None:
    await at.to_the_secret()
    at.phone.before_answer = None
    await asyncio.gather(at.type(), at.type())
    await at.again()


@ending
async def redialled_meanwhile(at: Scene) -> None:
    stalled = at.till.stalls("sell")
    await at.to_the_secret()
    typing = asyncio.create_task(at.type())
    await stalled.began.wait()
    other = at.stage.phone(NUMBER, gateway=at.phone.gateway)
    await other.dial()
    stalled.release()
    await typing


@ending
async def behind_a_long_dial(at: Scene) -> None:
    await at.dial(f"1*1000*{at.secret}")
    await at.dial(f"1*1000*{at.secret}*{at.secret}")
    await at.dial(at.secret)


@ending
async def hung_up(at: Scene) -> None:
    await at.to_the_secret()
    await at.type()
    await at.phone.hang_up()


@pytest.mark.parametrize(("gateway", "kind"), WAYS)
@pytest.mark.parametrize("way", ENDINGS)
async def test_a_secret_is_nowhere_however_its_turn_ends(
    way: str, gateway: str, kind: str, tmp_path: Path
) -> None:
    async with scene(tmp_path, gateway, kind) as at:
        await ENDINGS[way](at)


@pytest.mark.parametrize("way", ["done", "after_the_deadline", "dies_after_intent", "the_flow_raises"])
async def test_the_event_loop_may_tell_all_it_executes(way: str, tmp_path: Path) -> None:
    """In its debug mode it shows tasks, results and arguments of callbacks, by their repr."""
    async with scene(tmp_path, debug=True) as at:
        await ENDINGS[way](at)


@pytest.mark.parametrize("way", ["done", "wrong", "redelivered", "behind_a_long_dial", "hung_up"])
async def test_a_password_may_have_the_separator_of_answers_in_it(way: str, tmp_path: Path) -> None:
    async with scene(tmp_path, "africastalking", "password") as at:
        await ENDINGS[way](at)


async def test_after_the_end_there_is_nothing_to_try_pins_against(tmp_path: Path) -> None:
    """While a dialogue lasts, its text is known by a keyed hash: whoever has store and keys could try PINs."""
    async with scene(tmp_path) as at:
        await at.to_the_secret()
        await at.type()
        (session,) = await at.stage.stored()
        assert session.dialogue is not None
        typed = session.hashed("text", f"1*1000*{at.secret}")
        assert session.dialogue.text == typed
        assert "Bye." in await at.say("no")
        (session,) = await at.stage.stored()
        assert session.dialogue is not None
        assert session.dialogue.text == b""


def _raise(error: BaseException) -> Any:
    raise error
