"""The app of the simulation: every way to act on the world, with questions before and after."""

from __future__ import annotations

from typing import Any, Final, Protocol

from kikao.conversation import Chat, Done, Flows, Money, Number, Pin, Step, Text, Unknown, Voided
from kikao.conversation.secrets import Secret
from kikao.i18n import t
from tests.reliability.simulation.bank import Order, Receipt

QUESTIONS: Final = {
    "to": "Pay whom?",
    "amount": "How much?",
    "comment": "Any comment?",
    "name": "Your name?",
    "top": "Airtime for how much?",
    "bill": "Pay how much of the bill?",
}
"""What members type as they like, by its name in the journal and as it is asked."""

PEOPLE: Final = ("Akello", "Banda", "Chipo")
PIN_DIGITS: Final = 8


class Services(Protocol):
    """The bank as flows reach it: every call may take long, fail, or never be answered."""

    def people(self) -> tuple[str, ...]:
        """Who can be paid, in the order of today."""
        ...

    async def fee(self, minor: int) -> int:
        """Raises `BackendError` while the bank is away."""
        ...

    async def carry_out(self, order: Order, key: str, pin: Secret | None = None) -> Any:
        """See `Bank.carry_out`."""
        ...

    async def register(self, number: str, name: str, key: str, pin: Secret) -> Any:
        """See `Bank.register`."""
        ...

    async def find(self, key: str) -> Done[Receipt] | Voided | Unknown:
        """See `Bank.find`."""
        ...


def make_flows(release: int = 0) -> Flows:
    """The app's flows."""
    flows = Flows(release=release)

    @flows.flow("send", title="Send money")
    async def send(chat: Chat) -> None:
        bank, me = chat.service(Services), chat.member.msisdn
        to = await chat.choose("to", t("Pay whom?"), bank.people())
        amount = await chat.ask("amount", Money("UGX", min=500), t("How much?"))
        fee = await chat.read("fee", lambda: bank.fee(amount.minor))
        await chat.confirm("ok", t("Pay {amount} to {to}? Fee {fee}", amount=amount, to=to, fee=fee))
        receipt = await chat.secret(
            "pin",
            Pin(PIN_DIGITS),
            t("Your PIN?"),
            use=lambda pin, key: bank.carry_out(Order("send", me, to, amount.minor), key, pin),
            check=bank.find,
            done=lambda receipt: t("Paid. Ref {ref}", ref=receipt.ref),
        )
        await chat.say(t("Paid {amount}. Ref {ref}", amount=amount, ref=receipt.ref))
        await chat.ask("comment", Text(max=40), t("Any comment?"))
        await chat.ask("rating", Number(0, 5), t("Rate us 0 to 5"))
        await chat.end(t("Thank you for paying."))

    @flows.flow("register", title="Register")
    async def register(chat: Chat) -> None:
        bank, me = chat.service(Services), chat.member.msisdn
        name = await chat.ask("name", Text(2, 40), t("Your name?"))
        receipt = await chat.secret(
            "pin",
            Pin(PIN_DIGITS),
            t("Your PIN?"),
            use=lambda pin, key: bank.register(me, name, key, pin),
            check=bank.find,
        )
        await chat.end(t("Welcome {name}. Ref {ref}", name=name, ref=receipt.ref))

    @flows.flow("airtime", title="Airtime")
    async def airtime(chat: Chat) -> None:
        bank, me = chat.service(Services), chat.member.msisdn
        amount = await chat.ask("top", Money("UGX", min=500), t("Airtime for how much?"))
        await chat.confirm("ok", t("Buy {amount} of airtime?", amount=amount))
        order = Order("airtime", me, "telco", amount.minor)
        receipt = await chat.step(
            "buy",
            lambda key: bank.carry_out(order, key),
            retry="key",
            done=lambda receipt: t("Bought. Ref {ref}", ref=receipt.ref),
        )
        await chat.post("bought", "crm", {"bought": amount.minor})
        await chat.say(t("Bought {amount}. Ref {ref}", amount=amount, ref=receipt.ref))
        comment = await chat.ask("comment", Text(max=40), t("Any comment?"))
        await chat.post("commented", "crm", {"commented": amount.minor, "words": comment})
        await chat.end(t("Thank you for buying."))

    @flows.flow("bill", title="Share a bill")
    async def bill(chat: Chat) -> None:
        bank, me = chat.service(Services), chat.member.msisdn
        amount = await chat.ask("bill", Money("UGX", min=500), t("Pay how much of the bill?"))
        await chat.confirm("ok", t("Pay {amount} of the bill?", amount=amount))
        left = Order("left", me, "landlord", amount.minor)
        right = Order("right", me, "waterworks", amount.minor)
        done = await chat.steps_parallel(
            {
                "left": Step(lambda key: bank.carry_out(left, key), "check", check=bank.find),
                "right": Step(lambda key: bank.carry_out(right, key), "key"),
            }
        )
        refs = " and ".join(done[name].ref for name in ("left", "right"))
        await chat.end(t("Shared {amount}. Refs {refs}", amount=amount, refs=refs))

    @flows.flow("main")
    async def main(chat: Chat) -> None:
        await chat.menu("menu", t("Main menu"), [send, register, airtime, bill])

    return flows
