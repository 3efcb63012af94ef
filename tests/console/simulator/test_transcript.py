"""The transcript of what was done in the simulator: everything, and a test once its blanks are filled in."""

from __future__ import annotations

from kikao.testing import Stage, play
from kikao.transcripts import parse
from tests.console.table import Table
from tests.testing.shop import PIN, an_app


async def test_everything_that_was_done_is_told(shop: Table) -> None:
    assert await shop.transcript() == ""
    phone, other = await shop.phone(), await shop.phone("nalo")
    await phone.dial()
    await phone.answer("2")
    await phone.drop()
    await shop.post("/clock", advance=60)
    await phone.dial()
    await phone.again()
    await phone.hang_up()
    await phone.hang_up()
    await other.dial()
    await other.drop()

    told = await shop.transcript()

    assert told.startswith("# In the simulator\n")
    for line in (
        "Asha is +256772000001 on africastalking dialling *284#.",
        "Binta is +256772000001 on nalo dialling *284#.",
        "Asha answers 2.",
        "Asha's line drops.",
        "1 minute passes.",
        "The gateway sends Asha's request again.",
        "    1 Continue",
        "Asha hangs up.",
        "Binta's line drops.",
    ):
        assert line in told.splitlines()
    assert told.count("Asha hangs up.") == 1
    assert (await shop.ask("/api/transcript", method="DELETE")).status == 200
    assert await shop.transcript() == ""


async def test_what_was_done_is_a_test_once_its_blanks_are_filled_in(shop: Table) -> None:
    asha, binta = await shop.phone(), await shop.phone("nalo", "+256772000002")
    await asha.dial()
    await asha.answer("2")
    await asha.drop()
    await shop.post("/clock", advance=60)
    await asha.dial()
    await asha.answer("1", "3", PIN)
    await asha.again()
    await binta.dial()
    await binta.answer("2", "0", "4", "1111", PIN)
    told = await shop.transcript()

    for blank, pin in (("Asha's PIN", PIN), ("Binta's PIN", "1111"), ("Binta's second PIN", PIN)):
        assert f"{blank} is ____.\n" in told
        told = told.replace(f"{blank} is ____", f"{blank} is {pin}")
    (transcript,) = parse(told)
    async with Stage(an_app()) as another:
        await play(transcript, another)
