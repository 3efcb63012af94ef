"""Copies are told by what a provider says, within what is one member's."""

from __future__ import annotations

from kikao import App, Chat, Flows, SessionPolicy, Text
from kikao.sessions.policy import Explicit
from kikao.testing import Stage

flows = Flows()


@flows.flow("names")
async def names(chat: Chat) -> None:
    """Two questions."""
    first = await chat.ask("first", Text(), "First?")
    await chat.ask("last", Text(), f"Last, {first}?")


async def test_an_id_that_a_provider_gives_two_members_makes_no_copy_of_one_in_a_session_that_both_share() -> (
    None
):
    policy = SessionPolicy(identifier=Explicit("kiosk-7"))
    async with Stage(App(flows, entry="names", policy=policy)) as stage:
        asha, binta = (stage.phone(f"+23324123456{n}", gateway="hubtel") for n in (1, 2))
        assert await asha.send(asha.client.dial("one")) == "First?"
        assert (await asha.send(asha.client.answer("Asha"))).startswith("Last, Asha?")
        said = await binta.send(binta.client.dial("one"))
        assert said.startswith("Continue where you stopped?")  # her own dial, and not what Asha was shown
        assert await binta.again() == said
