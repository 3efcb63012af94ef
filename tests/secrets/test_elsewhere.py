"""A secret typed where none was asked for: it is nowhere when it is no answer, and one like any other when it is."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

import pytest

from kikao import Chat, t
from kikao.channels.channel import Request
from kikao.channels.inbound import Inbound
from kikao.channels.ussd.clients.client import FORM, JSON, Exchange
from kikao.channels.ussd.gateways.nalo import Nalo
from kikao.events import ErrorUncaught
from kikao.sessions.policy import SessionPolicy
from tests.secrets.scenes import NUMBER, WAYS, Scene, scene
from tests.secrets.till import PROMPTS

Place = Callable[[Scene], Awaitable[None]]
PLACES: Final[dict[str, Place]] = {}


def place(where: Place) -> Place:
    PLACES[where.__name__] = where
    return where


def _prompt(name: str) -> Place:
    async def where(at: Scene) -> None:
        await at.dial()
        await at.say(str(2 + list(PROMPTS).index(name)))
        assert f"Your {name}?" in at.phone.screen
        await at.type()
        assert f"Your {name}?" in at.phone.screen, "it is no answer there"
        await at.again()
        await at.dial()

    return where


for _name in PROMPTS:
    PLACES[f"at_a_{_name}"] = _prompt(_name)


@place
async def at_the_first_question(at: Scene) -> None:
    await at.dial()
    assert "Invalid choice" in await at.type()


@place
async def at_continue_or_start_again(at: Scene) -> None:
    await at.to_the_secret()
    assert "Continue where" in await at.dial()
    assert "Continue where" in await at.type()
    await at.dial(at.secret)


@place
async def at_check_again_or_start_again(at: Scene) -> None:
    at.shop.till.forgets = True
    at.till.breaks("sell")
    await at.to_the_secret()
    await at.type()
    assert "Check again" in await at.dial()
    assert "Check again" in await at.type()


@place
async def at_the_languages(at: Scene) -> None:
    await at.dial()
    assert "Kiswahili" in await at.say("97")
    assert "Kiswahili" in await at.type()
    await at.say("2")


@place
async def on_a_long_last_screen(at: Scene) -> None:
    async def after(chat: Chat) -> None:
        await chat.end(t("{text}", text="A long story. " * 30))

    at.shop.after = after
    await at.to_the_secret()
    assert "98 More" in await at.type()
    await at.type()
    await at.say("98")
    await at.type()


@place
async def after_the_end(at: Scene) -> None:
    await at.to_the_secret()
    await at.type()
    assert "Bye." in await at.say("no")
    await at.phone.send(at.phone.client.answer(at.secret))
    await at.phone.send(at.phone.client.answer(at.secret))


@place
async def before_any_dial(at: Scene) -> None:
    at.phone.client.dial("x1")  # which got lost
    await at.phone.send(at.phone.client.answer(at.secret))


@place
async def as_a_gateway_repeats_it_at_the_next_question(at: Scene) -> None:
    await at.to_the_secret()
    await at.type()
    sent = at.phone.exchange
    at.stage.clock.advance(30)
    await at.phone.send(sent)
    assert "More?" in at.phone.screen


@place
async def when_it_was_answered_late(at: Scene) -> None:
    slow = at.till.slow("sell")
    await at.to_the_secret()
    await at.type()
    await at.phone.send(at.phone.client.answer(at.secret))
    slow.release()
    await at.stage.settle()


@pytest.mark.parametrize(("gateway", "kind"), WAYS)
@pytest.mark.parametrize("where", PLACES)
async def test_what_is_no_answer_there_is_nowhere(
    where: str, gateway: str, kind: str, tmp_path: Path
) -> None:
    async with scene(tmp_path, gateway, kind) as at:
        await PLACES[where](at)


async def test_an_answer_there_is_sealed_and_neither_logged_nor_published(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        await at.dial()
        await at.say(str(2 + len(PROMPTS)))
        assert "Anything else?" in await at.type()
        at.kept = True


# --- in requests that no gateway sends, or that are not let in ---


Raw = tuple[str, tuple[tuple[str, str], ...], bytes]
"""Path, headers and body of a request."""


def _africastalking(secret: str) -> list[Raw]:
    typed, path = quote_plus(secret).encode(), "/ussd/africastalking"
    good = (
        f"sessionId=x1&phoneNumber={quote(NUMBER)}&serviceCode=*284%23&networkCode=1&text=".encode() + typed
    )
    ended = b"&status=Success&durationInMillis=9&cost=0&hopsCount=1&errorMessage="
    end = good.replace(b"&text=", b"&input=") + ended
    return [
        (path, FORM, good + b"&note=" + typed),
        (path, FORM, good + b"&" + typed + b"=1"),
        (path, FORM, good + b"&x" + typed + b"=1"),
        (path, FORM, good + b"&" + typed),
        (path, FORM, good + b"&text=" + typed),
        (path, FORM, good.replace(b"sessionId", typed)),
        (path, FORM, good.replace(b"phoneNumber", b"number_" + typed)),
        (path, FORM, good.replace(quote(NUMBER).encode(), typed)),
        (path, FORM, good.replace(b"%23", b"%2")),
        (path, FORM, good.replace(b"&text=", b"&tekst=")),
        (path, FORM, good[: -len(typed)] + secret.encode("utf-16")),
        (path, FORM, good + typed * 700),
        (path, JSON, good),
        (path, FORM, end + typed),
        (path, FORM, end.replace(b"Success", typed) + typed),
        (path, FORM, end.replace(b"=9&", b"=" + typed + b"0&") + typed),
        (path, (*FORM, ("x-pin", quote(secret)), ("x-forwarded-for", quote(secret))), good),
        (path, (("content-type", quote(secret)),), good),
        (path, (*FORM, ("content-length", secret)), good),
        (path, (*FORM, ("cookie", quote(secret)), ("user-agent", quote(secret))), good),
        (f"{path}/{secret}", FORM, good),
        (f"/ussd/{secret}", FORM, good),
        (f"/{secret}", FORM, good),
    ]


def _nalo(secret: str) -> list[Raw]:
    path = "/ussd/nalo"
    good = {"USERID": "K", "MSISDN": "233241234567", "USERDATA": secret, "MSGTYPE": False, "SESSIONID": "x1"}
    bodies = [
        {**good, "NOTE": secret},
        {**good, secret: "1"},
        {**good, f"x{secret}": "1"},
        {**good, "USERDATA": [secret]},
        {**good, "USERDATA": {secret: secret}},
        {**good, "MSGTYPE": secret},
        {**good, "MSISDN": secret},
        {**good, "MSGTYPE": True, "USERDATA": f"*920*1*{secret}#"},
        {**good, "MSGTYPE": True, "USERDATA": secret},
        [good],
        secret,
    ]
    written = [json.dumps(body).encode() for body in bodies]
    twice = json.dumps(good)[:-1] + f', "USERDATA": {json.dumps(secret)}' + "}"
    return [
        *((path, JSON, body) for body in written),
        (path, JSON, twice.encode()),
        (path, JSON, twice[:-5].encode()),
        (path, FORM, json.dumps(good).encode()),
        (path, JSON, json.dumps(good).encode("utf-16")),
        (path, JSON, b"[" * 20 + json.dumps(good).encode()),
    ]


@pytest.mark.parametrize("kind", ["pin", "password"])
async def test_requests_that_are_refused_leave_nothing_of_what_they_hold(kind: str, tmp_path: Path) -> None:
    async with scene(tmp_path, kind=kind, policy=SessionPolicy.per_url()) as at:
        answers = []
        for path, headers, body in _africastalking(at.secret) + _nalo(at.secret):
            answers.append((await at.post(Exchange(path, headers, body), path))[0])
        assert {200, 400, 404} <= set(answers)
        assert 500 not in answers


class Broken(Nalo):
    """A gateway with a mistake in it."""

    def parse(self, request: Request) -> Inbound:
        """Raises what holds all of the request."""
        raise ValueError(f"cannot read {request.body!r}")


async def test_a_gateway_that_breaks_is_told_by_type_and_place(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        at.stage.server.web.gateways["nalo"] = Broken()
        path, headers, body = _nalo(at.secret)[0]
        assert await at.post(Exchange(path, headers, body), path) == (500, b"internal error\n")
        (event,) = at.stage.events
        assert isinstance(event, ErrorUncaught)
        assert event.error.startswith("ValueError at test_elsewhere.py:")
