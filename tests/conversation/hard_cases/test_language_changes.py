"""11. Rendered again, nothing lost, nothing translated in the journal."""

from __future__ import annotations

from kikao.conversation import Chat, Number, Text
from kikao.i18n import Catalogs
from kikao.i18n.messages import Translate, t
from tests.conversation.hard_cases.talks import flow
from tests.talk import start


def shouting(locale: str) -> Translate:
    """A second language that everybody can read."""
    english = Catalogs().translate("en")
    return (lambda text: english(text).upper()) if locale == "lg" else english


class TestALanguageChangeOnTheWay:
    """11. Rendered again, nothing lost, nothing translated in the journal."""

    LOCALES = {"en": "English", "lg": "Luganda"}  # noqa: RUF012

    async def test_the_question_is_shown_in_the_new_language_and_nothing_is_asked_again(self) -> None:
        async def f(chat: Chat) -> None:
            amount = await chat.ask("amount", Number(), t("Amount"))
            kind = await chat.choose("kind", t("Kind"), [(t("Airtime"), "air"), (t("Data"), "data")])
            await chat.ask("ok", Text(), t("{n} of {kind}", n=amount, kind=kind))

        talk = await start(flow(f), "f", locales=self.LOCALES, translate=shouting)
        await talk.dial()
        await talk.say("5")
        assert await talk.say("97") == "Choose language\n1 English\n2 Luganda\n0 Back"
        assert await talk.say("2") == "KIND\n1 AIRTIME\n2 DATA\n0 BACK\n00 HOME"
        assert (await talk.say("2")).startswith("5 OF DATA")
        conversation = await talk.process.conversation()
        assert conversation.locale == "lg"
        assert conversation.run is not None
        assert [entry.value for entry in conversation.run.journal] == [5, "data"]
        await talk.restart()
        assert (await talk.dial()).startswith("CONTINUE WHERE YOU STOPPED?")

    async def test_a_wrong_choice_of_language_asks_again(self) -> None:
        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), t("Name"))

        talk = await start(flow(f), "f", locales=self.LOCALES, translate=shouting)
        await talk.dial()
        await talk.say("97")
        assert (
            await talk.say("9") == "Invalid choice. Try again.\nChoose language\n1 English\n2 Luganda\n0 Back"
        )
        assert await talk.say("1") == "Name"

    async def test_with_one_language_its_key_is_an_answer(self) -> None:
        async def f(chat: Chat) -> None:
            answer = await chat.ask("q", Text(), "Q")
            await chat.end(answer)

        talk = await start(flow(f), "f")
        await talk.dial()
        assert await talk.say("97") == "97"
