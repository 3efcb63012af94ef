"""Effects and secrets."""

from kikao import Chat, Choice, Flows, Pin, Text, t
from tests.checking.faulty.services import Bank

flows = Flows()


@flows.flow("early", title=t("Early"))
async def early(chat: Chat) -> None:
    bank = chat.service(Bank)
    await chat.secret("pin", Pin(), t("PIN"), use=bank.pay)  # fault: K501 K503
    await chat.ask("ok", Choice(["OK"]), t("Go on"))
    await chat.end(t("Done."))


@flows.flow("pay", title=t("Pay"))
async def pay(chat: Chat) -> None:
    bank = chat.service(Bank)
    await chat.ask("password", Text(max=9), t("Pay"))  # fault: K504
    await chat.step("reward", bank.reward)  # type: ignore[call-arg]  # fault: K502
    await chat.end(t("Done."))
