"""IMImobile: dialogues without an id."""

from __future__ import annotations

from kikao import App, Chat, Flows, Text
from kikao.testing import Phone, Stage

flows = Flows()


@flows.flow("names")
async def names(chat: Chat) -> None:
    """Two questions and a last word."""
    first = await chat.ask("first", Text(), "First?")
    last = await chat.ask("last", Text(), "Last?")
    await chat.end(f"{first} {last}")


def staged() -> Stage:
    return Stage(App(flows, entry="names"))


async def says(phone: Phone, text: str) -> str:
    """A request as it comes, a dial or an answer."""
    return await phone.send(phone.client.answer(text))


async def test_the_first_text_of_a_member_is_a_dial_and_so_is_the_first_after_a_last_word() -> None:
    async with staged() as stage:
        phone = stage.phone("+919812345678", gateway="imimobile")
        for _ in range(3):
            assert await says(phone, "KIKAO") == "First?"
            stage.clock.advance(5)
            assert (await says(phone, "Asha")).startswith("Last?")
            stage.clock.advance(5)
            assert await says(phone, "Rao") == "Asha Rao"
            assert phone.ended
            stage.clock.advance(5)


async def test_who_hung_up_and_dials_the_code_is_not_taken_to_answer() -> None:
    async with staged() as stage:
        phone = stage.phone("+919812345678", gateway="imimobile")
        await phone.dial()
        await phone.reply("Asha")
        await phone.hang_up()
        assert phone.raw == (200, b"")
        for text in ("*284#", "*999#", "", "  "):
            stage.clock.advance(5)
            assert (await says(phone, text)).startswith("Continue where you stopped?")


async def test_two_members_have_dialogues_of_their_own() -> None:
    async with staged() as stage:
        asha, binta = (stage.phone(f"+91981234567{n}", gateway="imimobile") for n in (1, 2))
        assert [await says(phone, "hi") for phone in (asha, binta)] == ["First?", "First?"]
        await says(asha, "Asha")
        assert (await says(binta, "Binta")).startswith("Last?")
        assert await says(asha, "x") == "Asha x"
