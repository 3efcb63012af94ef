"""Whose number it is: shown by a contact that Telegram vouches for, or by a code; and nobody gets too many codes."""

from __future__ import annotations

from typing import Final

from kikao import App, Chat, Flows, prove_number, t
from kikao.channels.chat.proving import GOOD_FOR
from kikao.testing import Stage
from kikao.testing.chat_phone import ChatPhone

NUMBER: Final = "+256772000001"
ASKED: Final = "Enter the code that we sent to +256772000001"

flows = Flows()


@flows.flow("whose", title=t("Whose"))
async def whose(chat: Chat) -> None:
    if not chat.member.msisdn:
        await prove_number(chat)
        await chat.choose("on", t("Go on?"), {"yes": t("Yes")})
        await chat.goto("whose")
    await chat.end(t("You are {number}.", number=chat.member.msisdn))


def an_app(*channels: str) -> App:
    return App(flows, entry="whose", channels=channels)


def code_of(stage: Stage, number: str = NUMBER) -> str:
    newest = stage.chats.texts["africastalking"].inbox(number)[-1]
    assert newest.startswith("Your code is ")
    return newest.removeprefix("Your code is ")[:6]


async def test_a_contact_that_telegram_vouches_for_is_proof_also_in_the_next_conversation() -> None:
    async with Stage(an_app("telegram")) as stage:
        asha = stage.telegram("Asha", phone=NUMBER)
        await asha.start()
        await asha.share_contact()
        assert await asha.tap("Yes") == f"You are {NUMBER}."
        assert await asha.write("hi") == f"You are {NUMBER}."


async def test_somebody_elses_contact_is_none() -> None:
    async with Stage(an_app("telegram")) as stage:
        asha = stage.telegram("Asha", phone=NUMBER)
        await asha.start()
        assert (await asha.share_contact("256772000002")).startswith("That is somebody else's number.")


async def typed(phone: ChatPhone) -> None:
    await phone.write("hi")
    assert ASKED in await phone.write("0772000001")


async def test_on_whatsapp_a_code_proves_it_and_a_shared_contact_is_only_a_number() -> None:
    async with Stage(an_app("whatsapp", "sms")) as stage:
        asha = stage.whatsapp("Asha", phone=NUMBER)
        await asha.write("hi")
        assert ASKED in await asha.share_contact()
        await asha.write(code_of(stage))
        assert await asha.tap("Yes") == f"You are {NUMBER}."


async def test_a_wrong_code_is_told_and_three_end_it() -> None:
    async with Stage(an_app("telegram", "sms")) as stage:
        asha = stage.telegram("Asha")
        await typed(asha)
        wrong = f"{(int(code_of(stage)) + 1) % 1_000_000:06}"
        assert (await asha.write(wrong)).startswith("That is not the code.")
        assert (await asha.write("12345")).startswith("Enter the 6 digits of the code.")
        assert await asha.write(wrong) == (
            "That is not the code either, so this is over. Write again to begin anew, with another code."
        )
        assert "phone number" in await asha.write(
            code_of(stage)
        )  # it begins anew: that code is none any more


async def test_going_back_and_beginning_anew_give_no_more_tries_at_a_code() -> None:
    async with Stage(an_app("telegram", "sms")) as stage:
        asha = stage.telegram("Asha")
        await typed(asha)
        first = code_of(stage)
        wrong = f"{(int(first) + 1) % 1_000_000:06}"
        await asha.write(wrong)
        for step_back in ("0", "/back"):
            assert ASKED in await asha.write(step_back)
        await asha.write("/start")
        assert ASKED in await asha.write("0772000001")
        assert code_of(stage) != first
        assert (await asha.write(first)).startswith("That is not the code.")


async def test_a_code_is_good_for_ten_minutes() -> None:
    async with Stage(an_app("telegram", "sms")) as stage:
        asha = stage.telegram("Asha")
        await typed(asha)
        stage.clock.advance(GOOD_FOR + 1)
        assert (await asha.write(code_of(stage))).startswith("That code is too old.")


async def test_one_number_gets_three_codes_an_hour_whoever_asks() -> None:
    async with Stage(an_app("telegram", "sms")) as stage:
        for name in ("Asha", "Binta", "Chidi"):
            await typed(stage.telegram(name))
        await stage.restart()  # what another process sent counts as well
        dayo = stage.telegram("Dayo")
        await dayo.write("hi")
        assert await dayo.write("0772000001") == "You asked for too many codes. Try again tomorrow."
        assert len(stage.chats.texts["africastalking"].inbox(NUMBER)) == 3
        stage.clock.advance(3601)
        await typed(stage.telegram("Esther"))


async def test_without_a_line_for_codes_only_a_contact_proves() -> None:
    async with Stage(an_app("telegram")) as stage:
        asha = stage.telegram("Asha")
        await asha.write("hi")
        assert await asha.write("0772000001") == "We can send no code to that number."


async def test_a_crash_between_code_and_link_asks_for_nothing_twice() -> None:
    async with Stage(an_app("telegram", "sms")) as stage:
        asha = stage.telegram("Asha")
        await typed(asha)
        code = code_of(stage)
        stage.crash_at("commit", before=True)
        await asha.write(code)
        await stage.restart()
        stage.clock.advance(60)  # Telegram brings again what was not taken
        await asha.listen()
        await asha.tap("Yes")
        assert len(stage.chats.texts["africastalking"].inbox(NUMBER)) == 1
        assert f"You are {NUMBER}." in asha.screen
