"""Secrets that are asked too early, or where they stay readable."""

from __future__ import annotations

from typing import Protocol

import pytest

from kikao.app import App
from kikao.checking.exploring import explore
from kikao.conversation import Chat, Choice, Flows, Number, Pin
from kikao.conversation.secrets import Secret
from kikao.i18n import t
from kikao.sessions.policy import SessionPolicy
from tests.checking.exploring.apps import app_of, codes, line_of


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


def test_a_secret_on_a_channel_that_keeps_history() -> None:
    (finding,) = explore(app_of(last, services={Bank: None}, channels=("ussd", "telegram"))).findings[:1]

    assert (finding.code, finding.key) == ("K503", "pin")
    assert finding.message == "secret 'pin' is asked on telegram"


def test_the_channels_of_the_policies_count() -> None:
    policy = {"whatsapp": SessionPolicy()}

    found = explore(app_of(last, services={Bank: None}, policy=policy)).findings

    assert [(finding.code, finding.key) for finding in found] == [("K503", "pin"), ("K503", "again")]


def test_a_socket_has_a_secret_field() -> None:
    assert codes(explore(app_of(last, services={Bank: None}, channels=("ussd", "socket")))) == []


@pytest.mark.parametrize(
    ("channels", "told"),
    [("ussd", "channels must be a list"), (("ussd", "pigeon"), "no such channel: pigeon")],
)
def test_channels_that_are_none(channels: object, told: str) -> None:
    flows = Flows()
    flows.flow("last")(last)

    with pytest.raises(ValueError, match=told):
        App(flows, entry="last", channels=channels)  # type: ignore[arg-type]
