"""A flow on the payment service."""

from service import Payments, Receipt

from kikao import Chat, Flows, Message, Money, t

flows = Flows()


@flows.flow("pay", title=t("Pay"))
async def pay(chat: Chat) -> None:
    payments = chat.service(Payments)
    amount = await chat.ask("amount", Money("UGX"), t("Amount"))
    await chat.confirm("ok", t("Pay {amount}?", amount=amount))
    receipt = await chat.step(
        "pay",
        lambda key: payments.pay(chat.member.msisdn, amount, key=key),
        retry="check",
        check=payments.find,
        done=paid,
    )
    await chat.end(paid(receipt))


def paid(receipt: Receipt) -> Message:
    return t("Paid {amount}.", amount=receipt.amount)
