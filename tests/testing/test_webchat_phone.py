"""Phones with a web chat: two devices, lost connections, what is sent again, and what no browser does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from kikao import App, Chat, Flows, Media, Pin, Secret, SessionPolicy, Text
from kikao.conversation.answers import Location
from kikao.conversation.attached import Attached
from kikao.conversation.outcomes import Done
from kikao.i18n import t
from kikao.live import Live, anyone
from kikao.sessions.limits import Limits, Rate
from kikao.testing import Stage
from kikao.testing.samples import sample

flows = Flows()


class Bank:
    async def pay(self, key: str) -> str:
        return "R1"


@flows.flow("menu", title=t("Menu"))
async def menu(chat: Chat) -> None:
    kinds = {"pay": t("Pay"), "photo": t("Photo"), "where": t("Where"), "one": t("Of many")}
    await chat.goto(await chat.choose("what", t("What?"), kinds))


@flows.flow("pay", title=t("Pay"))
async def pay(chat: Chat) -> None:
    name = await chat.ask("name", Text(), t("Whom?"))

    async def use(pin: Secret, key: str) -> Any:
        return Done(await chat.service(Bank).pay(key))

    ref = await chat.secret("pin", Pin(), t("PIN?"), use=use)
    await chat.end(t("{name} has it. {ref}", name=name, ref=ref))


@flows.flow("photo", title=t("Photo"))
async def photo(chat: Chat) -> None:
    file = await chat.ask("photo", Media(("image",)), t("Send one."))
    await chat.show(Attached.image(file, caption=t("Yours")))
    await chat.end(t("Thank you."))


@flows.flow("where", title=t("Where"))
async def where(chat: Chat) -> None:
    place = await chat.ask("place", Location(), t("Where are you?"))
    await chat.end(t("At {latitude}.", latitude=str(place.latitude)))


@flows.flow("one", title=t("Of many"))
async def one(chat: Chat) -> None:
    found = await chat.choose("one", t("Which?"), {f"n{n}": t("Row {n}", n=n) for n in range(12)})
    await chat.end(t("{found} it is.", found=found))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    app = App(flows, entry="menu", live=Live(users=anyone), members=False, services={Bank: Bank()})
    async with Stage(app) as stage:
        yield stage


async def test_a_conversation_with_a_field_for_what_is_secret(stage: Stage) -> None:
    asha = stage.webchat()
    assert await asha.start() == "What?\n[Pay] [Photo] [Where] [Of many]"
    assert await asha.tap("Pay") == "Whom?\n[Home]"
    assert await asha.write("Binta") == "PIN?\n(a field for a secret)\n[Back] [Home]"
    assert await asha.enter("2580") == "Binta has it. R1"
    assert not await stage.holds("2580")
    assert stage.webchat() is asha


async def test_what_is_said_on_one_device_is_on_the_other(stage: Stage) -> None:
    page, phone = stage.webchat(), stage.webchat(device="phone")
    await page.start()
    await page.tap("Pay")
    assert await phone.listen() == ""  # it was not here, and asks for nothing by itself
    await page.write("Binta")
    assert (await phone.listen()).startswith("PIN?")
    assert phone.chat.last_by("Asha").text == "Binta"
    assert await phone.enter("2580") == "Binta has it. R1"
    assert await page.listen() == "Binta has it. R1"


async def test_who_lost_the_connection_has_what_was_missed(stage: Stage) -> None:
    page, phone = stage.webchat(), stage.webchat(device="phone")
    await page.start()
    await phone.listen()
    await phone.lose()
    await page.tap("Pay")
    assert await phone.listen() == "Whom?\n[Home]"
    await phone.leave()
    assert await phone.start() == "Whom?\n[Home]"


async def test_what_was_not_answered_is_sent_again_and_done_once(stage: Stage) -> None:
    asha = stage.webchat()
    await asha.start()
    stage.crash_at("commit", before=False)
    await asha.tap("Pay")
    await stage.restart()
    assert await asha.listen() == "Whom?\n[Home]"
    await asha.write("Binta")
    assert await asha.again() == ""
    assert asha.replies[-1] == {"status": "ok", "response": {}}


async def test_a_page_that_comes_back_to_another_server_asks_where_it_is(stage: Stage) -> None:
    asha = stage.webchat()
    await asha.start()
    await asha.tap("Pay")
    await stage.restart()
    assert await asha.listen() == "Whom?\n[Home]"


async def test_a_request_that_takes_long_is_told_by_itself(stage: Stage) -> None:
    asha = stage.webchat()
    await asha.start()
    await asha.tap("Pay")
    await asha.write("Binta")
    with stage.service(Bank).slow("pay"):
        assert (await asha.enter("2580")).startswith("Request received.")
    await stage.settle()
    assert await asha.listen() == "Binta has it. R1"


async def test_a_file_a_place_and_a_list(stage: Stage) -> None:
    asha = stage.webchat()
    await asha.start()
    await asha.tap("Photo")
    assert await asha.send("photo") == "(image: photo.jpg)\nYours\n---\nThank you."
    await asha.start()
    await asha.tap("Photo")
    assert (await asha.send("photo", sample("photo") + bytes(90_000), caption="me")).startswith("What?")
    await asha.tap("Where")
    assert asha.screen == "Where are you?\n(wants: location)\n[Home]"
    assert await asha.share_location() == "At 0.3476."
    await asha.start()
    await asha.tap("Of many")
    assert asha.screen.startswith("Which?\n[Choose]\n[Row 0]\n[Row 1]")
    assert await asha.tap("Row 11") == "n11 it is."


async def test_what_no_browser_does(stage: Stage) -> None:
    asha = stage.webchat()
    await asha.start()
    for cannot in (asha.share_contact(), asha.edit("x"), asha.block(), asha.unblock(), asha.enter("1")):
        with pytest.raises(LookupError):
            await cannot


async def test_who_says_too_much_at_once_is_told_so() -> None:
    policy = SessionPolicy(limits=Limits(address=Rate(2, burst=2)))
    app = App(
        flows, entry="menu", live=Live(users=anyone), members=False, services={Bank: Bank()}, policy=policy
    )
    async with Stage(app) as stage:
        asha = stage.webchat()
        await asha.start()
        await asha.tap("Pay")
        assert await asha.write("Binta") == "Too many attempts. Try again later."
        assert asha.replies[-1]["status"] == "ok"


async def test_an_app_that_is_not_live_has_no_web_chat() -> None:
    async with Stage(App(flows, entry="menu", members=False, services={Bank: Bank()})) as stage:
        with pytest.raises(AssertionError, match="not live"):
            await stage.webchat().start()
