"""Long dials that an app has made public: each answer reaches the question it is for, or none."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kikao import App, Chat, Confirm, Flows, Number, Pin, Secret, Shortcut, Text
from kikao.checking.checks import check
from kikao.checking.exploring import Options
from kikao.conversation.shortcuts import Shortcuts
from kikao.events import TurnCommitted
from kikao.testing import Phone, Stage

PATHS = {
    "1": Shortcut("send", "to", "amount", "sure", "pin"),
    "1*9": Shortcut("balance"),
    "7": Shortcut("send", "amount"),
}


def shop(*, asks_first: str = "") -> Flows:
    """Sending money; `asks_first` is a question that a later release put in front."""
    flows = Flows()

    @flows.flow("menu")
    async def menu(chat: Chat) -> None:
        await chat.ask("name", Text(), "Your name?")

    @flows.flow("send")
    async def send(chat: Chat, note: str = "") -> None:
        if asks_first:
            await chat.ask(asks_first, Text(), f"{asks_first}?")
        await chat.ask("to", Text(), "To?")
        await chat.ask("amount", Number(1), "Amount?")
        await chat.ask("sure", Confirm(), "Sure?")
        await chat.secret("pin", Pin(), "PIN?", use=pay)
        await chat.end("Sent.")

    @flows.flow("balance")
    async def balance(chat: Chat) -> None:
        await chat.end("You have 5.")

    return flows


async def pay(pin: Secret, key: str) -> None:
    return


def an_app(paths: Mapping[str, Shortcut] | None = None, *, asks_first: str = "") -> App:
    return App(shop(asks_first=asks_first), entry="menu", shortcuts=PATHS if paths is None else paths)


@pytest.mark.parametrize(
    ("ahead", "shows", "taken"),
    [
        ("", "Your name?", 0),
        ("1", "To?", 1),
        ("1*Ben", "Amount?", 2),
        ("1*Ben*500", "Sure?", 3),
        ("1*Ben*500*1*4321", "Sure?", 3),
        ("1*Ben*many", "Amount?", 3),
        ("1*9", "You have 5.", 2),
        ("1*9*4321", "You have 5.", 2),
        ("7*500", "To?", 1),
        ("8*500", "Your name?", 0),
        ("Asha", "Your name?", 0),
        ("*", "Your name?", 0),
        ("01*Ben", "Your name?", 0),
    ],
)
async def test_a_path_leads_to_its_flow_and_each_answer_to_its_question(
    ahead: str, shows: str, taken: int
) -> None:
    async with Stage(an_app()) as stage:
        assert shows in await stage.phone().dial(ahead)
        (turn,) = [event for event in stage.events if isinstance(event, TurnCommitted)]
        assert turn.taken == taken


async def test_a_question_that_a_release_put_in_front_gets_nothing_that_was_dialled_for_another() -> None:
    async with Stage(an_app(asks_first="reason")) as stage:
        asha = stage.phone()
        assert "reason?" in await asha.dial("1*Ben*500")
        assert "To?" in await asha.reply("rent")


async def test_the_way_back_from_there_is_the_menu() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        await asha.dial("1*Ben")
        assert "Your name?" in await asha.reply("00")


async def test_a_path_is_taken_in_place_of_an_offer_to_go_on() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        await asha.dial("1*Ben")
        await asha.hang_up()
        assert "Amount?" in await asha.dial("1*Bea")
        assert "Continue" in await asha.dial()


async def test_without_paths_what_is_dialled_answers_from_the_menu_on() -> None:
    async with Stage(App(shop(), entry="menu")) as stage:
        assert "Your name?" not in await stage.phone().dial("Asha")


async def test_of_an_accumulated_text_only_what_comes_after_the_dial_is_an_answer() -> None:
    async with Stage(an_app()) as stage:
        asha: Phone = stage.phone()
        await asha.dial("1*Ben")
        assert "Sure?" in await asha.reply("500")


@pytest.mark.parametrize(
    ("path", "shortcut", "why"),
    [
        ("", Shortcut("send"), "cannot be dialled"),
        ("A", Shortcut("send"), "cannot be dialled"),
        ("_a", Shortcut("send"), "cannot be dialled"),
        ("a*1", Shortcut("send"), "cannot be dialled"),
        ("a" * 33, Shortcut("send"), "cannot be dialled"),
        ("start", Shortcut("send"), "a command of kikao's own"),
        ("1*", Shortcut("send"), "cannot be dialled"),
        ("1#", Shortcut("send"), "cannot be dialled"),
        ("*".join("1234567"), Shortcut("send"), "cannot be dialled"),
        ("1", Shortcut("sand"), "'sand', which is not defined"),
        ("1", Shortcut("needy"), "cannot begin without goods"),
        ("1", Shortcut("send", "to", "to"), "answered once"),
        ("1", Shortcut("send", ""), "answered once"),
    ],
)
def test_what_cannot_be_a_path(path: str, shortcut: Shortcut, why: str) -> None:
    flows = shop()

    @flows.flow("needy")
    async def needy(chat: Chat, goods: str, *, fast: bool = False) -> None:
        await chat.end(goods)

    with pytest.raises(ValueError, match=why):
        Shortcuts({path: shortcut}, flows)


def test_it_is_shown_as_it_is_written() -> None:
    assert repr(Shortcut("send", "to")) == "Shortcut('send', 'to')"
    assert Shortcut(next(iter(shop()))).flow == "menu"


def test_the_checker_dials_every_path() -> None:
    report = check(an_app(), "tests.conversation.test_shortcuts:app", exploring=Options())
    assert [each.code for each in report.findings if each.code == "K301"] == []
    alone = check(an_app({}), "tests.conversation.test_shortcuts:app", exploring=Options())
    assert [each.flow for each in alone.findings if each.code == "K301"] == ["send", "balance"]
