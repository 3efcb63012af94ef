"""A conversation over every gateway, through the whole server, from dial to end; and what its provider sends twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from kikao import App, Chat, Flows, Text
from kikao.channels.channel import Response
from kikao.channels.line import Posted, through
from kikao.channels.ussd.registry import OPTIONS, SLUGS, client, kind
from kikao.config import load
from kikao.testing import Phone, Stage, in_process
from tests.channels.ussd.told import CODE, NUMBER, environment, fixtures, made, request_of, settings_of

THINKING = 30.0
"""Seconds, less than any session here lasts."""

flows = Flows()


@flows.flow("names")
async def names(chat: Chat) -> None:
    """Two questions and a last word."""
    first = await chat.ask("first", Text(), "Your first name?")
    last = await chat.ask("last", Text(), "Your last name?")
    await chat.end(f"Thank you, {first} {last}.")


def staged(slug: str, folder: Path) -> Stage:
    return Stage(App(flows, entry="names", members=False), load(environment(slug), folder, gateways=OPTIONS))


async def once_more(stage: Stage, phone: Phone) -> Response:
    """What the provider gets that delivers its last request again."""
    return await in_process(stage.server)(replace(phone.exchange, path=f"/ussd/{phone.gateway}"))


@pytest.mark.parametrize("slug", SLUGS)
def test_a_client_says_what_its_gateway_reads(slug: str) -> None:
    found = made(slug, {"codes": [CODE]})
    phone = client(slug, NUMBER, CODE, settings_of(slug))
    ahead = "" if "long_dial" in fixtures(slug) else "1*2"
    read = []
    for exchange in (phone.dial("d1", ahead), phone.answer("ŋ*3")):
        request = exchange.request(f"/ussd/{slug}")
        assert request.method in found.methods
        assert not request.rest or (found.rest is not None and found.rest.fullmatch(request.rest))
        found.verify(request)
        read.append(found.parse(request))
    dialled, answered = read
    assert dialled.identity == answered.identity
    assert dialled.msisdn == answered.msisdn
    assert dialled.msisdn in (NUMBER, "")
    assert (dialled.text if dialled.dialled is None else dialled.dialled).reveal() == ahead
    assert answered.text.reveal() == (f"{ahead}*ŋ*3".lstrip("*") if answered.accumulated else "ŋ*3")
    assert dialled.dialogue == answered.dialogue
    told = phone.hang_up()
    assert (told is not None) == bool({"end", "abort"} & found.happenings)
    if told is not None:
        assert found.parse(told.request(f"/ussd/{slug}")).happening in ("end", "abort")


@pytest.mark.parametrize("slug", SLUGS)
def test_a_client_says_the_same_of_the_same(slug: str) -> None:
    """Two of them do: the simulator shows one, with secrets masked, and sends the other."""
    phones = [client(slug, NUMBER, CODE, settings_of(slug)) for _ in range(2)]
    for phone in (phones[0], *phones):
        phone.dial("d1")
    assert phones[0].answer("1") == phones[1].answer("1")


@pytest.mark.parametrize("slug", SLUGS)
async def test_a_conversation_is_held_over_it(slug: str, tmp_path: Path) -> None:
    async with staged(slug, tmp_path) as stage:
        phone = stage.phone(NUMBER, gateway=slug)
        assert await phone.dial() == "Your first name?"
        assert (await phone.reply("Ama")).startswith("Your last name?")
        await phone.hang_up()
        assert (await phone.dial()).startswith("Continue where you stopped?")
        assert (await phone.reply("1")).startswith("Your last name?")
        assert await phone.reply("Mensah") == "Thank you, Ama Mensah."
        assert phone.ended
        if "long_dial" not in fixtures(slug):
            assert (await phone.dial("Kofi")).startswith("Your last name?"), "a long dial"


@pytest.mark.parametrize("slug", SLUGS)
async def test_what_is_delivered_twice_gets_the_same_bytes_and_does_nothing(
    slug: str, tmp_path: Path
) -> None:
    """`exact` for as long as the provider may send again, `window` at once; of `none` nothing can be said."""
    mode = kind(slug).dedupe
    if mode == "none":
        return
    async with staged(slug, tmp_path) as stage:
        phone = stage.phone(NUMBER, gateway=slug)
        for answer in ("", "Ama", "Mensah"):
            if answer:
                await phone.reply(answer)
            else:
                await phone.dial()
            first = await once_more(stage, phone)
            assert phone.raw == (first.status, first.body)
            if mode == "exact":
                stage.clock.advance(min(kind(slug).retention / 2, THINKING))
                again = await once_more(stage, phone)
                assert (again.status, again.body) == (first.status, first.body)
                assert again.headers == first.headers
        assert (phone.screen, phone.ended) == ("Thank you, Ama Mensah.", True)


@pytest.mark.parametrize("slug", SLUGS)
async def test_a_server_answers_every_request_of_the_fixtures(slug: str, tmp_path: Path) -> None:
    async with staged(slug, tmp_path) as stage:
        line = through(stage.server)
        for case in fixtures(slug)["requests"]:
            asked = request_of(slug, case)
            path = f"{asked.path}/{asked.rest}" if asked.rest else asked.path
            sent = Posted(
                path,
                tuple(asked.headers.items()),
                asked.body,
                "127.0.0.1",
                asked.method,
                asked.query.decode(),
            )
            reply = await line(sent)
            assert reply.status in (200, 202, 400, 403, 404, 405), case["case"]
            if "inbound" in case and not {"codes", "options", "region"} & case.keys():
                assert reply.status < 300, case["case"]
