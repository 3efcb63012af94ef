"""12. Pages are the engine's; a confirmation is never split."""

from __future__ import annotations

from kikao.conversation import Chat, Flows, Text
from kikao.conversation.screens import Screen
from kikao.i18n.messages import Translate
from tests.conversation.hard_cases.talks import BROKEN, flow
from tests.talk import PlainGateway, start


class TestLongTexts:
    """12. Pages are the engine's; a confirmation is never split."""

    @staticmethod
    def flows() -> Flows:
        async def f(chat: Chat) -> None:
            await chat.ask("name", Text(), "Name")
            town = await chat.choose("town", "Town", [f"Town {c}" for c in "ABCDEFG"])
            await chat.end(town)

        return flow(f)

    async def test_more_and_back_turn_pages_and_the_number_shown_is_the_one_chosen(self) -> None:
        talk = await start(self.flows(), "f")
        talk.gateway = PlainGateway(page_lines=3)
        await talk.dial()
        await talk.say("Ann")
        assert talk.text == "Town\n1 Town A\n2 Town B\n0 Back\n00 Home\n98 More"
        assert await talk.say("98") == "3 Town C\n4 Town D\n5 Town E\n0 Back\n00 Home\n98 More"
        await talk.restart()
        assert await talk.say("98") == "6 Town F\n7 Town G\n0 Back\n00 Home"
        assert (await talk.say("0")).startswith("3 Town C")
        assert (await talk.say("0")).startswith("Town\n1 Town A")
        assert (await talk.say("0")).startswith("Name")
        await talk.say("Ann", "98")
        assert await talk.say("2") == "Town B"

    async def test_more_on_the_last_page_is_an_answer(self) -> None:
        talk = await start(self.flows(), "f")
        talk.gateway = PlainGateway(page_lines=5)
        await talk.dial()
        await talk.say("Ann", "98")
        assert (await talk.say("98")).startswith("Invalid choice. Try again.")

    async def test_a_confirmation_that_does_not_fit_is_not_shown_at_all(self) -> None:
        class Small(PlainGateway):
            def pages(self, screen: Screen, translate: Translate) -> list[str]:
                pages = list(super().pages(screen, translate))
                if screen.whole and len(pages[0]) > 80:
                    raise ValueError("too long")
                return pages

        async def f(chat: Chat) -> None:
            name = await chat.ask("name", Text(), "Name")
            await chat.confirm("ok", f"Send to {name}?")
            await chat.end("Sent")

        talk = await start(flow(f), "f")
        talk.gateway = Small()
        await talk.dial()
        assert await talk.say("A" * 60) == BROKEN
        assert talk.ended
        await talk.dial()
        await talk.say("1", "Ann", "1")
        assert talk.text == "Sent"
