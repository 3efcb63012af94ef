"""Screens against the page, in every language, with the longest values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Protocol

import msgspec

from kikao.checking.exploring import Options, explore
from kikao.checking.findings import Finding
from kikao.conversation import Chat, Choice, Money, Text, examples
from kikao.conversation.flows import FlowFunction
from kikao.i18n import t
from tests.checking.exploring.apps import app_of, catalogs, codes, found, line_of

LOCALES = {"en": "English", "sw": "Kiswahili"}
ROOM = 156
"""Septets of a page of the narrowest gateway."""


def in_swahili(folder: Path, *sentences: tuple[str, str], flow: FlowFunction) -> list[Finding]:
    """What is found of an app in English and Swahili."""
    where = catalogs(folder, {"sw": sentences})
    return explore(app_of(flow, locales=LOCALES, catalogs=[where])).findings


def test_a_question_over_the_page_in_one_language_only(tmp_path: Path) -> None:
    async def news(chat: Chat) -> None:
        await chat.ask("ok", Text(max=9), t("Prices are new"))  # long
        await chat.end(t("Bye."))

    (over,) = in_swahili(tmp_path, ("Prices are new", "bei " * 40), flow=news)

    assert (over.code, over.locale, over.flow, over.key) == ("K101", "sw", "news", "ok")
    assert over.line == line_of("# long", __file__)
    assert over.message.startswith("the text of the question is over one page by ")
    assert over.message.endswith(" septets (africastalking)")
    assert over.screen.endswith("98 Zaidi")


def test_how_much_a_question_is_over() -> None:
    async def exact(chat: Chat) -> None:
        await chat.ask("exact", Text(min=0, max=500), t("x" * 155 + "y"))
        await chat.ask("over", Choice([("Go", 1)]), t("x " * 72 + "x"))
        await chat.end(t("Bye."))

    exploration = explore(app_of(exact))

    (over,) = [finding for finding in found(exploration, "K101") if finding.key == "over"]
    error, footer = len("Invalid choice. Try again.\n"), len("\n0 Back\n00 Home")
    assert over.message == f"the text of the question is over one page by {error + 145 + footer - ROOM} " + (
        "septets (africastalking)"
    )


def test_the_budget_may_be_given() -> None:
    async def short(chat: Chat) -> None:
        await chat.ask("ok", Text(max=9), t("This question is quite short."))
        await chat.end(t("Bye."))

    assert codes(explore(app_of(short))) == []
    assert codes(explore(app_of(short), options=Options(septets=40, units=20))) == ["K101"]


def test_a_last_screen_may_have_pages_but_not_any_number() -> None:
    async def story(chat: Chat) -> None:
        await chat.end(t("word " * 200))

    assert codes(explore(app_of(story))) == []
    (long,) = explore(app_of(story), options=Options(last_pages=3)).findings
    assert (long.code, long.key) == ("K101", "")
    assert "pages, more than 3" in long.message
    assert long.line == line_of('"word " * 200', __file__) or long.line == 0


def test_a_letter_outside_of_the_alphabet_is_named_with_its_sentence(tmp_path: Path) -> None:
    async def cattle(chat: Chat) -> None:
        await chat.choose("kind", t("Cattle or goats?"), {"c": t("Cattle"), "g": t("Goats")})
        await chat.end(t("Bye."))

    (letter,) = in_swahili(tmp_path, ("Cattle", "Ŋombe"), flow=cattle)

    assert (letter.code, letter.locale) == ("K102", "sw")
    assert letter.message == "'Ŋ' (U+014A) in 'Ŋombe' makes the page UCS-2"
    assert letter.line == line_of("Cattle or goats", __file__)


def test_a_language_of_other_letters_is_not_a_fault(tmp_path: Path) -> None:
    async def hello(chat: Chat) -> None:
        await chat.end(t("Welcome"))

    assert in_swahili(tmp_path, ("Welcome", "እንኳን ደህና መጣህ"), flow=hello) == []


def test_letters_in_a_name_are_data() -> None:
    async def hello(chat: Chat) -> None:
        name = await chat.ask("name", Text(max=10), t("Name?"))
        await chat.end(t("Hello {name}.", name=name))

    assert explore(app_of(hello)).findings == []


def test_a_confirmation_has_room_for_the_longest_values() -> None:
    async def paying(chat: Chat) -> None:
        name = await chat.ask("name", Text(max=90, pattern="[A-Za-z ]+"), t("For whom?"))
        amount = await chat.ask("amount", Money("KES", max=100_000_00), t("How much?"))
        await chat.confirm("ok", t("Pay {amount} for {name}, now and for ever?", amount=amount, name=name))
        await chat.end(t("Bye."))

    (split,) = explore(app_of(paying)).findings

    assert (split.code, split.key) == ("K103", "ok")
    text = f"Invalid choice. Try again.\nPay KES 99,999.99 for {'n' * 90}, now and for ever?\n1 Confirm\n2 Cancel"
    assert (
        split.message == f"the confirmation is over one page by {len(text) - ROOM} septets (africastalking)"
    )
    assert "KES 99,999.99" in split.screen


def test_a_value_outside_of_the_alphabet_halves_the_page_of_a_confirmation() -> None:
    async def greeting(chat: Chat) -> None:
        name = await chat.ask("name", Text(max=60), t("Your name?"))
        await chat.confirm("ok", t("Is {name} right?", name=name))
        await chat.end(t("Bye."))

    (split,) = explore(app_of(greeting)).findings

    assert split.code == "K103"
    assert "a value or a letter is outside of GSM-7" in split.message


def test_more_options_than_a_page_holds() -> None:
    async def town(chat: Chat) -> None:
        await chat.choose(
            "town", t("Town?"), ["Kampala", "Gulu", "Arua", "Mbarara", "Jinja"] + [T] * 0 + TOWNS
        )
        await chat.end(t("Bye."))

    (many,) = explore(app_of(town)).findings

    assert (many.code, many.key) == ("K104", "town")
    assert many.message == "25 options take 2 pages"


T = "Town"
TOWNS = [
    "Kasese", "Kabale", "Lira", "Soroti", "Mbale", "Tororo", "Masaka", "Hoima", "Iganga", "Kitgum",
    "Mubende", "Mityana", "Moroto", "Nebbi", "Pallisa", "Rukungiri", "Wakiso", "Yumbe", "Adjumani", "Apac",
]  # fmt: skip


class Contact(msgspec.Struct, frozen=True):
    id: int
    name: Annotated[str, msgspec.Meta(max_length=12)]


class Contacts(Protocol):
    async def some(self) -> list[Contact]: ...

    @examples([Contact(number, f"Person {number:05}") for number in range(60)])
    async def all(self) -> list[Contact]: ...


async def calling(chat: Chat) -> None:
    contacts = chat.service(Contacts)
    found = await chat.read("some", contacts.some)
    if not found:
        await chat.end(t("Nobody is there."))
    await chat.choose("whom", t("Whom?"), [(each.name or "-", each.id) for each in found])
    await chat.end(t("Bye."))


async def calling_all(chat: Chat) -> None:
    contacts = chat.service(Contacts)
    found = await chat.read("all", contacts.all)
    await chat.choose("whom", t("Whom?"), [(each.name, each.id) for each in found])
    await chat.end(t("Bye."))


def test_a_list_that_services_make_may_take_some_pages() -> None:
    exploration = explore(app_of(calling, services={Contacts: None}))

    assert exploration.findings == []
    assert str(exploration.coverage) == "explored 4 of 4 branches"


def test_but_not_any_number_of_them() -> None:
    (many,) = explore(app_of(calling_all, services={Contacts: None})).findings

    assert (many.code, many.key) == ("K104", "whom")


def test_a_label_and_a_word_longer_than_a_page() -> None:
    async def labels(chat: Chat) -> None:
        await chat.choose("one", t("One?"), {"a": t("label " * 30), "b": t("Short")})
        await chat.ask("two", Text(max=9), t("Write to {address}", address="x" * 160))
        await chat.end(t("Bye."))

    cut = found(explore(app_of(labels)), "K105")

    assert {finding.message for finding in cut} == {
        "the label of option 1 is longer than a page",
        "a word of 160 characters is longer than a page",
    }


def test_an_app_for_other_channels_has_no_pages() -> None:
    async def wordy(chat: Chat) -> None:
        await chat.ask("ok", Text(max=9), t("word " * 100))
        await chat.end(t("Bye."))

    assert codes(explore(app_of(wordy))) == ["K101"]
    assert codes(explore(app_of(wordy, channels=["telegram"]))) == []


def test_the_longest_values_of_a_question_meet_though_no_conversation_had_them_together() -> None:
    class Bank(Protocol):
        @examples(("Nakalembe Nabukenya", "KES 1"), ("Asha", "TZS 99,999,999.99"))
        async def offer(self) -> tuple[str, str]: ...

    async def offered(chat: Chat) -> None:
        bank = chat.service(Bank)
        name, price = await chat.read("offer", bank.offer)
        rest = "a" * 60
        await chat.confirm("ok", t("{rest} {name} {price}?", rest=rest, name=name, price=price))
        await chat.end(t("Bye."))

    narrow = Options(septets=136, units=80)
    assert codes(explore(app_of(offered, services={Bank: None}))) == []
    (split,) = explore(app_of(offered, services={Bank: None}), options=narrow).findings
    assert "Nakalembe Nabukenya TZS 99,999,999.99" in split.screen
