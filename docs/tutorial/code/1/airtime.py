from kikao import App, Chat, Flows, Money, Phone, t

flows = Flows()


@flows.flow("airtime", title=t("Buy airtime"))
async def airtime(chat: Chat) -> None:
    number = await chat.ask("number", Phone("UG"), t("For which number?"))
    amount = await chat.ask("amount", Money("UGX", min=500, max=50_000), t("How much?"))
    await chat.confirm("ok", t("{amount} of airtime for {number}?", amount=amount, number=number))
    await chat.end(t("Thank you. {number} will get {amount}.", amount=amount, number=number))


app = App(flows, entry="airtime")
