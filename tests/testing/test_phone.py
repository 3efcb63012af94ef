"""A phone shows what a member reads, whatever gateway lies in between."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import pytest

from kikao import App, Chat, Flows, t
from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.ussd.gateway import UssdReader
from kikao.channels.ussd.registry import kind
from kikao.config import load
from kikao.i18n.gsm7 import Cost
from kikao.testing import DROPPED, Phone, Stage
from tests.gateways import EACH_WAY
from tests.talk import whats
from tests.testing.shop import CONTINUE, HOW_MANY, PIN, WRONG, MemoryTill, Till, an_app

each_way = pytest.mark.parametrize("gateway", EACH_WAY)


@each_way
async def test_a_conversation(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone("+256772000001", gateway=gateway, code="*284#")

        assert await asha.dial() == HOW_MANY
        assert await asha.reply("3") == "Enter PIN\n0 Back\n00 Home"
        assert await asha.reply(PIN) == "3 cups sold. Ref S1" == asha.screen
        assert asha.ended


@each_way
async def test_several_answers_in_a_row(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()

        assert await asha.reply("0", "3", WRONG, WRONG, PIN) == "3 cups sold. Ref S1"


@each_way
async def test_two_phones_in_one_town(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha, binta = (
            stage.phone("+256772000001", gateway=gateway),
            stage.phone("+256772000002", gateway=gateway),
        )
        await asha.dial()
        await asha.reply("3")
        await binta.dial()

        assert await binta.reply("4", PIN) == "4 cups sold. Ref S1"
        assert await asha.reply(PIN) == "3 cups sold. Ref S2"


@each_way
async def test_a_member_who_hangs_up_goes_on_later(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()
        screen = await asha.reply("3")

        assert await asha.hang_up() == screen
        assert asha.ended
        assert await asha.dial() == CONTINUE
        assert await asha.reply("1") == HOW_MANY


@each_way
async def test_a_redelivered_request_gets_the_same_bytes(gateway: str) -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()
        await asha.reply("3", PIN)
        first = asha.raw

        assert await asha.again() == "3 cups sold. Ref S1"
        assert asha.raw == first
        assert len(till.sales) == 1


@each_way
async def test_an_answer_after_the_end_shows_the_last_screen(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()

        with pytest.raises(AssertionError, match=r"answer 3 of 3.*3 cups sold\. Ref S1"):
            await asha.reply("3", PIN, "1")


async def test_an_answer_before_the_first_dial() -> None:
    async with Stage(an_app()) as stage:
        with pytest.raises(AssertionError, match="no dialogue"):
            await stage.phone().reply("1")


async def test_a_long_dial() -> None:
    async with Stage(an_app()) as stage:
        assert await stage.phone().dial("3") == "Enter PIN\n0 Back\n00 Home"


async def test_no_two_dials_share_a_dialogue() -> None:
    sent: list[bytes] = []

    async def send(exchange: Exchange) -> Response:
        sent.append(exchange.body)
        return Response(200, (), b"CON Hello")

    phones = [Phone(send), Phone(send), Phone(send, "+256772000002")]
    for phone in phones * 2:
        await phone.dial()

    assert len({parse_qs(body.decode())["sessionId"][0] for body in sent}) == 6


async def test_a_hang_up_is_told_of_once() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        await asha.hang_up()
        await asha.dial()
        await asha.reply("3")
        await asha.hang_up()
        await asha.hang_up()

        assert whats(stage.events) == ["asked", "asked", "closed"]


async def test_a_refused_request_fails_the_test() -> None:
    async def send(exchange: Exchange) -> Response:
        return Response(404, (), b"not found\n")

    with pytest.raises(AssertionError, match="africastalking: HTTP 404 not found"):
        await Phone(send).dial()


async def test_no_reply_at_all() -> None:
    async def send(exchange: Exchange) -> Response:
        raise ConnectionResetError

    phone = Phone(send)

    assert await phone.dial() == DROPPED
    assert phone.raw is None
    assert phone.ended


def test_a_gateway_nobody_speaks() -> None:
    async def send(exchange: Exchange) -> Response:
        raise NotImplementedError

    with pytest.raises(LookupError, match=r"'smoke'.*africastalking"):
        Phone(send, gateway="smoke")


async def test_the_path_token_of_the_settings_is_used(tmp_path: Path) -> None:
    settings = load({"KIKAO_USSD_AFRICASTALKING_TOKEN": "a-token-of-20-letters"}, tmp_path)
    async with Stage(an_app(), settings, services={Till: MemoryTill()}) as stage:
        assert await stage.phone().dial() == HOW_MANY


# --- more of what members do ---


@each_way
async def test_the_same_dial_again(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone(gateway=gateway)
        assert await asha.dial("3") == await asha.redial() == "Enter PIN\n0 Back\n00 Home"


@each_way
async def test_a_line_that_breaks_is_told_to_nobody(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()
        before = len(stage.events)
        assert await asha.drop() == HOW_MANY
        assert asha.ended
        assert len(stage.events) == before


@each_way
async def test_lines_are_chosen_by_their_labels(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()
        await asha.reply("3")
        assert asha.options == {"0": "Back", "00": "Home"}
        assert await asha.choose("back") == HOW_MANY
        await asha.reply("3")
        assert await asha.choose("Ho") == HOW_MANY
        assert asha.options == {}
        with pytest.raises(AssertionError, match="0 lines say 'Back', not one"):
            await asha.choose("Back")


async def test_a_label_that_two_lines_begin_with() -> None:
    async def send(exchange: Exchange) -> Response:
        return Response(200, (), b"CON Which?\n1 Send money\n2 Send it all\n3 Send")

    phone = Phone(send)
    await phone.dial()
    assert await phone.choose("Send") == phone.screen
    with pytest.raises(AssertionError, match="2 lines say 'Send '"):
        await phone.choose("Send ")


@each_way
async def test_answers_that_cross(gateway: str) -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()
        await asha.reply("3")
        first, second = await asha.crossed(PIN, PIN)
        assert "3 cups sold. Ref S1" in (first, second)
        assert asha.screen == second
        assert len(till.sales) == 1


def to_a_dial_of_before(gateway: type[UssdReader]) -> str:
    """The reply of then where the request tells it; else it is a dial, or an answer where only the id tells one."""
    if gateway.dedupe == "exact":
        return HOW_MANY
    if gateway in (kind("infobip"), kind("dmark")):  # a dial that comes again is known by its id
        return "Enter PIN\n0 Back\n00 Home"
    if "new" in gateway.happenings:
        return CONTINUE
    return "Enter the 4 digits of your PIN.\nEnter PIN\n0 Back\n00 Home"


@each_way
async def test_a_request_from_before(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone(gateway=gateway)
        with pytest.raises(AssertionError, match="has sent 0 requests, not 1"):
            asha.earlier(0)
        await asha.dial()
        await asha.reply("3")
        screen = asha.screen
        assert await asha.again(1) == to_a_dial_of_before(kind(gateway))
        assert asha.screen == screen
        with pytest.raises(AssertionError, match="has sent 2 requests, not 3"):
            await asha.again(2)


@each_way
async def test_an_answer_that_arrives_in_a_dialogue_that_goes_on(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()
        late = asha.later("3")
        assert asha.screen == HOW_MANY
        assert await late.arrives() == "Enter PIN\n0 Back\n00 Home" == asha.screen == late.screen
        assert not asha.ended
        assert not late.ended


@each_way
async def test_an_answer_that_arrives_after_a_redial(gateway: str) -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()
        await asha.reply("3")
        late = asha.later(PIN)
        assert await asha.dial() == CONTINUE
        assert (await late.arrives()).endswith(CONTINUE)
        assert late.screen == CONTINUE or gateway == "imimobile", (
            "without an id nothing tells that it is late"
        )
        assert asha.screen.endswith(CONTINUE)
        assert till.sales == []
        assert await asha.reply("2") == HOW_MANY


# --- more of what members see ---


async def test_a_screen_is_expected_as_a_transcript_has_it() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        await asha.dial()
        asha.expect("A cup is 300. How many?")
        await asha.reply("3", PIN)
        asha.expect("""
            3 cups sold. Ref ...
            (end)
        """)
        with pytest.raises(AssertionError) as differs:
            asha.expect("3 cups sold. Ref S1")
        assert str(differs.value).startswith("another screen:\n┌─ expected ")
        assert "≠ │ (end)" in str(differs.value)


async def test_what_a_page_takes() -> None:
    pages = iter((b"CON 5 {cups}", "CON 5 ŋoma".encode()))

    async def send(exchange: Exchange) -> Response:
        return Response(200, (), next(pages))

    phone = Phone(send)
    await phone.dial()
    assert phone.cost == Cost("gsm7", 10)
    await phone.dial()
    assert phone.cost == Cost("ucs2", 6)
    for ask in (phone.language, phone.page):
        with pytest.raises(LookupError, match="use the phone of a Stage"):
            await ask()


@each_way
async def test_the_language_and_the_page(gateway: str) -> None:
    flows = Flows()

    @flows.flow("read", title=t("Read"))
    async def read(chat: Chat) -> None:
        numbers = {str(n): t("Number {n}", n=n * 10**9) for n in range(1, 13)}
        await chat.choose("what", t("Which?"), numbers)
        await chat.end(t("Thanks"))

    app = App(flows, entry="read", members=False, locales={"en": "English", "sw": "Kiswahili"})
    async with Stage(app, locale="sw") as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()
        assert await asha.language() == "sw"
        assert await asha.page() == (1, 2)
        await asha.reply("98")
        page = await asha.page()
        assert (page.number, page.of) == (2, 2)
        await asha.reply("12")
        assert await asha.page() == (1, 1)
        binta = stage.phone("+256772000002", gateway=gateway)
        binta.exchange = binta.client.dial("x")
        with pytest.raises(LookupError, match="keeps no session of \\+256772000002"):
            await binta.language()
