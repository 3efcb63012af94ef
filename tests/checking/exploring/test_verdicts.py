"""Secrets that are asked too early, or where they stay readable; shortcuts to questions that nobody asks."""

from __future__ import annotations

from typing import Protocol

import pytest

from kikao.app import App
from kikao.checking.exploring import explore
from kikao.conversation import Chat, Choice, Confirm, Flows, Number, Pin, Shortcut, Text
from kikao.conversation.secrets import Secret
from kikao.i18n import t
from kikao.sessions.policy import SessionPolicy
from tests.checking.exploring.apps import app_of, codes, found, line_of


class Bank(Protocol):
    async def balance(self, pin: Secret, key: str) -> int: ...


async def early(chat: Chat) -> None:
    bank = chat.service(Bank)
    await chat.secret("pin", Pin(), t("PIN"), use=bank.balance)  # early
    await chat.ask("count", Number(1, 9), t("How many?"))
    await chat.end(t("Bye."))


async def last(chat: Chat) -> None:
    bank = chat.service(Bank)
    await chat.ask("count", Number(1, 9), t("How many?"))
    await chat.secret("pin", Pin(), t("PIN"), use=bank.balance)
    await chat.secret("again", Pin(), t("PIN again"), use=bank.balance)
    await chat.end(t("Bye."))


async def rounds(chat: Chat) -> None:
    bank = chat.service(Bank)
    while await chat.choose("more", t("More?"), {True: t("Yes"), False: t("No")}):
        await chat.secret("pin", Pin(), t("PIN"), use=bank.balance)
    await chat.end(t("Bye."))


async def done_first(chat: Chat) -> None:
    await chat.call("last-part")
    await chat.ask("menu", Choice(["A"]), t("Menu"))
    await chat.end(t("Bye."))


async def last_part(chat: Chat) -> None:
    bank = chat.service(Bank)
    await chat.secret("pin", Pin(), t("PIN"), use=bank.balance)


def test_a_question_after_a_secret_is_found_at_the_secret() -> None:
    (finding,) = explore(app_of(early, services={Bank: None})).findings

    assert (finding.code, finding.flow, finding.key) == ("K501", "early", "pin")
    assert finding.message == "secret 'pin' is asked before question 'count'"
    assert finding.line == line_of("# early", __file__)


def test_a_secret_that_comes_last_in_its_flow_or_its_round_is_right() -> None:
    for flows in ([last], [rounds], [done_first, last_part]):
        assert codes(explore(app_of(*flows, services={Bank: None}))) == []


def test_a_secret_by_sms() -> None:
    (finding,) = explore(app_of(last, services={Bank: None}, channels=("ussd", "sms"))).findings[:1]

    assert (finding.code, finding.key) == ("K503", "pin")
    assert finding.message == "secret 'pin' is asked on sms"


def test_the_channels_of_the_policies_count() -> None:
    policy = {"sms": SessionPolicy()}

    found = explore(app_of(last, services={Bank: None}, policy=policy)).findings

    assert [(finding.code, finding.key) for finding in found] == [("K503", "pin"), ("K503", "again")]


def test_a_socket_has_a_secret_field_and_chats_have_a_page_for_secrets() -> None:
    channels = ("ussd", "socket", "telegram", "whatsapp")
    assert codes(explore(app_of(last, services={Bank: None}, channels=channels))) == []


@pytest.mark.parametrize(
    ("channels", "told"),
    [("ussd", "channels must be a list"), (("ussd", "pigeon"), "no such channel: pigeon")],
)
def test_channels_that_are_none(channels: object, told: str) -> None:
    flows = Flows()
    flows.flow("last")(last)

    with pytest.raises(ValueError, match=told):
        App(flows, entry="last", channels=channels)  # type: ignore[arg-type]


async def _pay(pin: Secret, key: str) -> None:
    return


async def menu(chat: Chat) -> None:
    await chat.ask("name", Text(), t("Your name?"))


async def send(chat: Chat) -> None:
    await chat.ask("to", Text(), t("To?"))
    await chat.ask("amount", Number(1), t("Amount?"))
    await chat.ask("sure", Confirm(), t("Sure?"))
    await chat.secret("pin", Pin(), t("PIN?"), use=_pay)
    await chat.end(t("Sent."))


@pytest.mark.parametrize(
    ("asks", "key", "why"),
    [
        ((), "", ""),
        (("to",), "", ""),
        (("to", "amount"), "", ""),
        (("to", "amuont"), "amuont", "flow 'send' asks 'amount' there"),
        (("amount", "to"), "amount", "flow 'send' asks 'to' there"),
        (("to", "amount", "sure"), "sure", "'sure' is a confirmation or a secret, which no dial answers"),
        (("to", "amount", "pin"), "pin", "flow 'send' asks 'sure' there"),
    ],
)
def test_a_key_of_a_shortcut_that_is_never_asked(asks: tuple[str, ...], key: str, why: str) -> None:
    shortcut = Shortcut("send", *asks)
    told = found(explore(app_of(menu, send, shortcuts={"1": shortcut})), "K306")
    assert [(each.flow, each.key) for each in told] == ([("send", key)] if key else [])
    assert [each.message for each in told] == (
        [f"{key!r} of {shortcut!r}, dialled as '1', is never answered: {why}"] if key else []
    )


def test_a_flow_that_asks_nothing_more_and_one_that_asks_this_or_that() -> None:
    async def ends(chat: Chat) -> None:
        if await chat.ask("kind", Choice(["A", "B"]), t("Kind?")) == "A":
            await chat.ask("size", Text(), t("Size?"))
        await chat.ask("colour", Text(), t("Colour?"))

    paths = {"1": Shortcut("ends", "kind", "colour", "more"), "2": Shortcut("ends", "kind", "size", "colour")}
    (told,) = found(explore(app_of(menu, ends, shortcuts=paths)), "K306")
    assert told.message.endswith("flow 'ends' asks nothing there")


def test_no_dial_answers_what_is_asked_behind_a_secret() -> None:
    async def hidden(chat: Chat) -> None:
        await chat.secret("pin", Pin(), t("PIN?"), use=_pay)
        await chat.ask("to", Text(), t("To?"))

    (told,) = found(explore(app_of(menu, hidden, shortcuts={"1": Shortcut("hidden", "to")})), "K306")
    assert told.message.endswith("flow 'hidden' asks 'pin' there")
