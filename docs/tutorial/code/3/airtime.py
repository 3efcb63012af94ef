from pathlib import Path

from provider import Provider, Receipt

from kikao import App, Chat, Flows, Message, Money, Phone, t

flows = Flows()


@flows.flow("airtime", title=t("Buy airtime"))
async def airtime(chat: Chat) -> None:
    await chat.language()
    provider = chat.service(Provider)
    number = await chat.ask("number", Phone("UG"), t("For which number?"))
    amount = await chat.ask("amount", Money("UGX", min=500, max=50_000), t("How much?"))
    await chat.confirm("ok", t("{amount} of airtime for {number}?", amount=amount, number=number))
    receipt = await chat.step(
        "top_up",
        lambda key: provider.top_up(number, amount, key=key),
        retry="check",
        check=provider.find,
        done=sent,
    )
    await chat.end(sent(receipt))


def sent(receipt: Receipt) -> Message:
    return t(
        "{number} got {amount}. Ref {ref}.", number=receipt.number, amount=receipt.amount, ref=receipt.ref
    )


provider = Provider()
app = App(
    flows,
    entry="airtime",
    services={Provider: provider},
    locales={"en": "English", "sw": "Kiswahili"},
    catalogs=[Path(__file__).parent / "locales"],
)
