"""8. Done is done, and an edited amount is another payment."""

from __future__ import annotations

from kikao.conversation import Chat, Number, Pin, Text
from kikao.i18n.messages import t
from tests.bank import PIN, Bank
from tests.conversation.hard_cases.talks import flow
from tests.talk import start


class TestBackOverACompletedStep:
    """8. Done is done, and an edited amount is another payment."""

    async def test_back_says_what_is_done(self) -> None:
        async def pay(key: str) -> str:
            return "ok"

        async def f(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.step("pay", pay, retry="key", done=t("Paid. Ref A1"))
            await chat.ask("where", Text(), "Where to")
            await chat.ask("when", Text(), "When")

        talk = await start(flow(f), "f")
        await talk.dial()
        await talk.say("milk", "Gulu")
        assert (await talk.say("0")).startswith("Where to")
        assert (await talk.say("0")).startswith("Paid. Ref A1\nWhere to")
        assert (await talk.say("0")).startswith("Paid. Ref A1\nWhere to")

    async def test_an_edited_amount_never_meets_the_key_of_the_old_one(self) -> None:
        bank = Bank()

        async def f(chat: Chat) -> None:
            amount = await chat.ask("amount", Number(), "Amount")
            await chat.secret(
                "pin", Pin(), "PIN", use=lambda p, k: bank.transfer("A", amount, p, k), check=bank.find
            )
            await chat.end(f"Sent {amount}")

        talk = await start(flow(f), "f")
        await talk.dial()
        await talk.say("700", "1111", "0", "900")
        assert await talk.say(PIN) == "Sent 900"
        assert [receipt.amount for receipt in bank.moved] == [900]
        assert len(set(bank.keys)) == 2
