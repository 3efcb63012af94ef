"""IMImobile: dialogues without an id."""

from __future__ import annotations

from msgspec import structs

from kikao.channels.line import through
from kikao.events import DialogueClosed
from kikao.testing import Phone, Stage
from tests.channels.ussd.names import asks_names


async def says(phone: Phone, text: str) -> str:
    """A request as it comes, a dial or an answer."""
    return await phone.send(phone.client.answer(text))


async def hangs_up(stage: Stage, phone: Phone) -> tuple[int, bytes]:
    """What the provider tells, whatever the phone was doing, and what it is answered."""
    told = phone.client.hang_up()
    assert told is not None
    reply = await through(stage.server)(structs.replace(told, path="/ussd/imimobile").posted("127.0.0.1"))
    return reply.status, reply.body


async def test_the_first_text_of_a_member_is_a_dial_and_so_is_the_first_after_a_last_word() -> None:
    async with asks_names() as stage:
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
    async with asks_names() as stage:
        phone = stage.phone("+919812345678", gateway="imimobile")
        await phone.dial()
        await phone.reply("Asha")
        await phone.hang_up()
        assert phone.raw == (200, b"")
        for text in ("*284#", "*999#", "", "  "):
            stage.clock.advance(5)
            assert (await says(phone, text)).startswith("Continue where you stopped?")


async def test_after_a_hang_up_whatever_comes_next_is_a_dial_and_no_answer() -> None:
    async with asks_names() as stage:
        phone = stage.phone("+919812345678", gateway="imimobile")
        await phone.dial()
        await phone.reply("Asha")
        for _ in range(2):  # it may be told twice
            assert await hangs_up(stage, phone) == (200, b"")
        closed = [event.how for event in stage.events if isinstance(event, DialogueClosed)]
        assert closed == ["abort", "abort"]
        stage.clock.advance(5)
        assert (await says(phone, "KIKAO")).startswith("Continue where you stopped?")
        stage.clock.advance(5)
        assert (await says(phone, "1")).startswith("Last?")
        stage.clock.advance(5)
        assert await says(phone, "Rao") == "Asha Rao"


async def test_a_hang_up_is_of_the_member_who_hung_up_alone_and_prolongs_nothing() -> None:
    async with asks_names() as stage:
        asha, binta = (stage.phone(f"+91981234567{n}", gateway="imimobile") for n in (1, 2))
        for phone in (asha, binta):
            await phone.dial()
            await says(phone, "x")
        began = [session.seen_at for session in await stage.stored()]
        stage.clock.advance(200)
        await asha.hang_up()
        assert [session.seen_at for session in await stage.stored()] == began
        assert (await says(binta, "Binta")) == "x Binta"
        stage.clock.advance(101)
        await stage.server.sweeper.once()
        assert [session.seen_at for session in await stage.stored()] == [began[0] + 200]


async def test_a_hang_up_of_a_stranger_stores_nothing_and_one_while_the_store_is_away_is_acknowledged() -> (
    None
):
    async with asks_names() as stage:
        phone = stage.phone("+919812345678", gateway="imimobile")
        assert await hangs_up(stage, phone) == (200, b"")
        assert await stage.stored() == []
        await phone.dial()
        stage.faults.unavailable = True
        await phone.hang_up()
        assert phone.raw == (200, b"")
        stage.faults.unavailable = False
        assert (await says(phone, "Asha")).startswith("Last?")


async def test_two_members_have_dialogues_of_their_own() -> None:
    async with asks_names() as stage:
        asha, binta = (stage.phone(f"+91981234567{n}", gateway="imimobile") for n in (1, 2))
        assert [await says(phone, "hi") for phone in (asha, binta)] == ["First?", "First?"]
        await says(asha, "Asha")
        assert (await says(binta, "Binta")).startswith("Last?")
        assert await says(asha, "x") == "Asha x"
