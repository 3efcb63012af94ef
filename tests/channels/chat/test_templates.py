"""Templates that an app declares: what one takes is known where it is filled in."""

from __future__ import annotations

from typing import Any

import pytest

from kikao import Amount, App, Chat, Flows, LinkButton, PlainButton, QuickReply, Template, t
from kikao.channels.chat.message import MessageRefused
from kikao.channels.chat.templates import Templates
from kikao.i18n import Catalogs

PAID = Template(
    "payment_received",
    {"en": "en_US", "sw": "sw"},
    body=("name", "amount"),
    header="title",
    buttons=(QuickReply("1"), PlainButton(), LinkButton("reference")),
)

flows = Flows()


@flows.flow("home")
async def home(chat: Chat) -> None:
    await chat.end("Bye")


VALUES: dict[str, Any] = {"name": "Asha", "amount": "500", "title": "Paid", "reference": "r/7"}


def written(locale: str = "en", **values: Any) -> tuple[str, tuple[str, ...]]:
    return PAID(**{**VALUES, **values}).written(Catalogs().translate(locale), locale)


def test_values_stand_in_the_order_of_header_body_and_links() -> None:
    assert PAID.parameters == ("title", "name", "amount", "reference")
    assert written() == ("payment_received/en_US", ("Paid", "Asha", "500", "r/7"))


@pytest.mark.parametrize(
    ("locale", "code"),
    [("sw", "sw"), ("en", "en_US"), ("en-GB", "en_US"), ("sw_TZ", "sw"), ("lg", "en_US"), ("", "en_US")],
)
def test_the_language_is_the_one_that_comes_next(locale: str, code: str) -> None:
    assert PAID.language(locale) == code


def test_a_value_is_written_in_the_members_language_and_in_one_line() -> None:
    amount = t("{amount}\n\nnow", amount=Amount("UGX", 500000))
    assert written(amount=amount)[1][2] == "UGX 500,000 now"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "no value for title, name, amount, reference. It takes: title, name, amount, reference."),
        ({**VALUES, "ammount": "5"}, "no place for ammount"),
        ({**VALUES, "x": "5", "y": "5"}, "no place for x, y"),
    ],
)
def test_names_are_checked_where_it_is_filled_in(values: dict[str, Any], told: str) -> None:
    with pytest.raises(MessageRefused, match=told):
        PAID(**values)


@pytest.mark.parametrize(("value", "told"), [(" \n ", "name is empty"), ("x" * 1025, "more than 1024")])
def test_a_value_that_no_provider_takes(value: str, told: str) -> None:
    with pytest.raises(MessageRefused, match=told):
        written(name=value)


def test_nothing_of_the_values_is_shown() -> None:
    assert repr(PAID(**VALUES)) == "<template payment_received, filled>"


@pytest.mark.parametrize(
    ("template", "told"),
    [
        (Template("Payment", {"en": "en"}), "a name has a-z"),
        (Template("paid", {}), "was approved in some language"),
        (Template("paid", {"en": "english"}), "no code of a language"),
        (Template("paid", {"en": "en", "lug": "lg"}), "the app speaks no 'lug'. It speaks: en"),
        (Template("paid", {"en": "en"}, body=("1",)), "a value is named by"),
        (Template("paid", {"en": "en"}, body=("a",), header="a"), "the same name"),
        (Template("paid", {"en": "en"}, header_kind="image"), "name the value with its address"),
        (Template("paid", {"en": "en"}, buttons=(PlainButton(),) * 11), "more than 10 buttons"),
    ],
)
def test_what_cannot_be_a_template_keeps_the_app_from_starting(template: Template, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        App(flows, entry="home", templates=[template])


def test_each_is_declared_once_and_found_as_long_as_it_takes_the_same() -> None:
    with pytest.raises(ValueError, match="'payment_received' is declared twice"):
        Templates([PAID, PAID])
    known = Templates([PAID])
    assert PAID in known
    assert Template("payment_received", {"en": "en"}) not in known
    assert (len(known), list(known)) == (1, [PAID])
    assert known.found(written("sw")) == (PAID, "sw")
    assert known.found(("payment_received", written()[1])) == (PAID, "en_US")
    with pytest.raises(MessageRefused, match="takes other values now"):
        known.found(("payment_received/en", ("a",)))
    with pytest.raises(MessageRefused, match="other is not declared"):
        known.found(("other/en", ()))
