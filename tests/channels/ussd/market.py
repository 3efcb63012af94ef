"""A market that sells cups of something, for the tests of single gateways, and its screens."""

from __future__ import annotations

from kikao import App, Chat, Flows, Number, Pin, Text, t
from tests.testing.shop import MemoryTill

FIRST = "What do you buy?"
CUPS = "How many cups of Tea?"
SURE = "3 cups of Tea?\n1 Confirm\n2 Cancel"
ENTER = "Enter your PIN"


def market(till: MemoryTill) -> App:
    """Buy cups of something, with a PIN, and leave a note."""
    flows = Flows()

    @flows.flow("market")
    async def buy(chat: Chat) -> None:
        what = await chat.ask("what", Text(), FIRST)
        cups = await chat.ask("cups", Number(min=1), f"How many cups of {what}?")
        await chat.confirm("sure", f"{cups} cups of {what}?")
        sale = await chat.secret(
            "pin",
            Pin(),
            ENTER,
            use=lambda pin, key: chat.service(MemoryTill).pay(cups, pin=pin, key=key),
            check=chat.service(MemoryTill).find,
            done=lambda sale: t("Paid. Ref {ref}", ref=sale.ref),
        )
        note = await chat.ask("note", Text(), f"Paid {sale.ref}. Any note?")
        await chat.end(f"Noted: {note}")

    return App(flows, entry="market", services={MemoryTill: till}, members=False)


def bare(screen: str) -> str:
    """A screen without the lines of back and home."""
    return "\n".join(line for line in screen.split("\n") if line not in ("0 Back", "00 Home"))
