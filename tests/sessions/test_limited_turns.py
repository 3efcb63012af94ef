"""Members who come too often: a polite screen, nothing consumed, and nothing lost."""

from __future__ import annotations

from collections.abc import Mapping

from kikao import App, Chat, Done, Flows, Text, t
from kikao.channels.ussd.clients.africastalking import AfricasTalkingClient
from kikao.events import LimitHit, TurnEvent
from kikao.members.directory import Directory
from kikao.members.links import Links
from kikao.sessions.limits import Limits, Rate
from kikao.sessions.policy import SessionPolicy
from kikao.sessions.store import Record
from kikao.testing import Stage
from tests.http.asgi import Answer, call

BINTA = "+256772000002"
TOO_MANY = "Too many attempts. Try again later."
FEW = Limits(address=Rate(6, per=60.0, burst=3))
"""Three at once, and then one in ten seconds."""


class Press:
    """Prints, once a key."""

    def __init__(self) -> None:
        self.printed: list[str] = []

    async def run(self, text: str, *, key: str) -> Done[str]:
        """Print a text."""
        if key not in self.printed:
            self.printed.append(key)
        return Done(text.upper())


def an_app(limits: Limits = FEW, locales: Mapping[str, str] | None = None, *, members: bool = False) -> App:
    """Two questions and an effect."""
    flows = Flows()

    @flows.flow("print")
    async def printing(chat: Chat) -> None:
        first = await chat.ask("first", Text(), t("First word?"))
        second = await chat.ask("second", Text(), t("Second word?"))
        press = chat.service(Press)
        done = await chat.step("print", lambda key: press.run(f"{first} {second}", key=key), retry="key")
        await chat.end(t("Printed: {text}", text=done))

    policy = SessionPolicy(limits=limits)
    return App(
        flows, entry="print", services={Press: Press()}, policy=policy, members=members, locales=locales
    )


async def stored(stage: Stage) -> list[Record]:
    return [record async for record in stage.store.scan()]


def told(stage: Stage) -> list[LimitHit]:
    return [event for event in stage.events if isinstance(event, LimitHit)]


# --- a member over the limit ---


async def test_who_comes_too_often_is_told_so_and_goes_on_later() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        await asha.dial()
        assert "Second word?" in await asha.reply("hello")
        assert "Continue where you stopped?" in await asha.dial()
        assert await asha.dial() == TOO_MANY
        assert asha.ended
        stage.clock.advance(9.99)
        assert await asha.dial() == TOO_MANY
        stage.clock.advance(0.01)
        assert await asha.dial() == "Continue where you stopped?\n1 Continue\n2 Start again"


async def test_a_limited_inbound_leaves_no_trace() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        await asha.dial()
        await asha.reply("kikao")
        await asha.dial()
        before = await stored(stage)
        turns = sum(isinstance(event, TurnEvent) for event in stage.events)

        for _ in range(5):
            assert await asha.dial() == TOO_MANY

        assert await stored(stage) == before
        assert sum(isinstance(event, TurnEvent) for event in stage.events) == turns
        assert [(event.kind, event.gateway, event.retry_after) for event in told(stage)] == [
            ("address", "africastalking", 10.0)
        ] * 5
        assert {event.session for event in told(stage)} == {before[0].key.hex()[:12]}


async def test_a_stranger_who_is_limited_gets_no_session() -> None:
    async with Stage(an_app(Limits(member=Rate(1), address=None))) as stage:
        asha = stage.phone()
        await asha.dial()
        await stage.server.sessions.store.end((await stored(stage))[0].key)

        assert await asha.dial() == TOO_MANY
        assert await stored(stage) == []


async def test_an_answer_over_the_limit_is_not_taken() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        await asha.dial()
        await asha.reply("hello")
        await asha.dial()
        assert await asha.reply("1") == TOO_MANY
        stage.clock.advance(60)
        await asha.dial()
        assert "Second word?" in await asha.reply("1")


async def test_members_are_limited_each_for_themselves() -> None:
    async with Stage(an_app()) as stage:
        asha, binta = stage.phone(), stage.phone(BINTA)
        for _ in range(10):
            await asha.dial()
        assert asha.screen == TOO_MANY
        assert await binta.dial() == "First word?"


async def test_two_numbers_of_one_member_count_together() -> None:
    async with Stage(an_app(Limits(address=Rate(60), member=Rate(3)), members=True)) as stage:
        home, work = stage.phone(), stage.phone(BINTA)
        links = stage.server.services[Links]
        asha = await stage.server.services[Directory].meet("msisdn", home.number)
        await links.link(asha.id, "msisdn", work.number)
        await home.dial()
        await work.dial()
        await home.dial()
        assert await work.dial() == TOO_MANY
        assert await home.dial() == TOO_MANY
        assert {event.kind for event in told(stage)} == {"member"}


async def test_one_number_on_several_codes_is_one_address() -> None:
    async with Stage(an_app()) as stage:
        for _ in range(3):
            await stage.phone().dial()
        assert await stage.phone(code="*285#").dial() == TOO_MANY


async def test_the_screen_is_in_the_language_of_the_member() -> None:
    async with Stage(an_app(locales={"en": "English", "sw": "Kiswahili"}), locale="sw") as stage:
        asha = stage.phone()
        for _ in range(4):
            await asha.dial()
        assert asha.screen not in (TOO_MANY, "First word?")
        assert asha.screen == stage.app.catalogs.translate("sw")(t(TOO_MANY))


# --- what is not counted ---


async def test_a_redelivery_costs_nothing_and_gets_its_octets_over_the_limit_too() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        await asha.dial()
        first = asha.raw
        for _ in range(50):
            await asha.again()
            assert asha.raw == first
        dialled = asha.exchange
        await asha.dial()
        await asha.dial()
        assert await asha.dial() == TOO_MANY

        await asha.send(dialled)

        assert asha.raw == first


async def test_an_inbound_that_was_refused_is_a_turn_once_it_may_come() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        await asha.dial()
        await asha.reply("one")
        await asha.dial()
        assert await asha.dial() == TOO_MANY
        stage.clock.advance(10)
        assert "Continue where you stopped?" in await asha.again()


async def test_a_notification_of_the_end_is_not_counted() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        for _ in range(3):
            await asha.dial()
            await asha.hang_up()
        assert await asha.dial() == TOO_MANY


# --- outcomes ---


async def test_an_effect_goes_on_while_its_member_is_limited_and_is_told_after() -> None:
    async with Stage(an_app()) as stage:
        asha, press = stage.phone(), stage.service(Press)
        await asha.dial()
        await asha.reply("hello")
        with press.slow("run"):
            assert "Request received" in await asha.reply("world")
            assert await asha.dial() == TOO_MANY
        await stage.settle()
        assert await asha.dial() == TOO_MANY
        stage.clock.advance(10)
        assert await asha.dial() == "Printed: HELLO WORLD"
        assert len(press.real.printed) == 1


async def test_after_a_restart_everybody_begins_anew() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        for _ in range(10):
            await asha.dial()
        assert asha.screen == TOO_MANY
        await stage.restart()
        assert await asha.dial() == "First word?"


# --- everybody ---


async def test_a_channel_over_its_limit_sends_the_provider_away_for_a_moment() -> None:
    async with Stage(an_app(Limits(overall=Rate(4, per=10.0, burst=2)))) as stage:
        for number in (BINTA, "+256772000003"):
            await stage.phone(number).dial()
        before = await stored(stage)
        response = await dial(stage, "+256772000004")
        assert (response.status, response.body) == (429, b"too many requests\n")
        assert response.headers["retry-after"] == "3"
        assert await stored(stage) == before
        assert [(event.kind, event.session, event.retry_after) for event in told(stage)] == [
            ("overall", "", 2.5)
        ]
        stage.clock.advance(2.5)
        assert (await dial(stage, "+256772000004")).status == 200


async def dial(stage: Stage, number: str) -> Answer:
    """What the provider gets."""
    exchange = AfricasTalkingClient(number, "*284#").dial(number)
    path = "/ussd/africastalking"
    return await call(stage.server, path, exchange.body, exchange.headers, method="POST")
