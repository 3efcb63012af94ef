"""What the directory does for a conversation: a language is kept, and two numbers are one person."""

from __future__ import annotations

from kikao import App, Chat, Flows, SessionPolicy, t
from kikao.conversation import Number
from kikao.members import Known, Members, Unlisted
from kikao.members.directory import Directory
from kikao.members.links import Links
from kikao.records import RecordsAway
from kikao.testing import Stage

HOME, WORK = "+256772000001", "+256752000002"
flows = Flows()


@flows.flow("shop")
async def shop(chat: Chat) -> None:
    locale = await chat.language()
    first = await chat.ask("first", Number(1, 50), t("How many?"))
    await chat.say(t("{first} for {who} in {locale}", first=first, who=chat.member.id[:6], locale=locale))
    await chat.ask("second", Number(1, 50), t("How many more?"))


app = App(flows, entry="shop", locales={"en": "English", "sw": "Kiswahili"})
together = App(flows, entry="shop", locales={"en": "English"}, policy=SessionPolicy.across_channels())


async def test_a_language_is_asked_for_once_and_kept_for_later_sessions_and_gateways() -> None:
    async with Stage(app) as stage:
        asha = stage.phone(HOME)
        assert await asha.dial() == "Choose language\n1 English\n2 Kiswahili"
        assert await asha.reply("2") == "How many?\n0 Rudi\n00 Mwanzo"
        stage.clock.advance(3600)
        assert await asha.dial() == "How many?"
        assert (await asha.reply("5")).endswith(" in sw\nHow many more?\n0 Rudi\n00 Mwanzo")
        elsewhere = stage.phone(HOME, gateway="nalo")
        assert await elsewhere.dial() == "How many?"
        assert (await elsewhere.reply("5")).endswith(" in sw\nHow many more?\n0 Rudi\n00 Mwanzo")


async def test_a_language_changed_in_the_middle_is_kept_and_loses_nothing() -> None:
    async with Stage(app) as stage:
        asha = stage.phone(HOME)
        await asha.dial()
        await asha.reply("1")
        assert (await asha.reply("5")).endswith(" in en\nHow many more?\n0 Back\n00 Home")
        assert await asha.reply("97") == "Choose language\n1 English\n2 Kiswahili\n0 Back"
        assert (await asha.reply("2")).endswith(" in en\nHow many more?\n0 Rudi\n00 Mwanzo")
        await stage.crash()
        await stage.restart()
        stage.clock.advance(3600)
        assert await asha.dial() == "How many?"
        assert (await asha.reply("x")).startswith("Weka"), "told in the language that was chosen"
        directory = stage.server.services[Directory]
        assert (await directory.show(HOME)).locale == "sw"


class Forgetful(Unlisted):
    """Members whose records are away when there is something to keep, until they are back."""

    def __init__(self, members: Members) -> None:
        self.members = members
        self.away = True

    async def meet(self, kind: str, identity: str) -> Known:
        return await self.members.meet(kind, identity)

    async def remember(self, member_id: str, *, locale: str | None = None) -> None:
        if self.away:
            raise RecordsAway("records: away")
        await self.members.remember(member_id, locale=locale)


async def test_a_language_chosen_while_records_are_away_is_kept_when_they_are_back() -> None:
    async with Stage(app) as stage:
        directory = stage.server.services[Directory]
        records = stage.server.turns.members = Forgetful(directory)
        asha = stage.phone(HOME)
        await asha.dial()
        assert await asha.reply("2") == "How many?\n0 Rudi\n00 Mwanzo"
        assert (await directory.show(HOME)).locale == ""
        records.away = False
        await asha.reply("5")
        assert (await directory.show(HOME)).locale == "sw"


async def test_two_numbers_of_one_person_are_one_member_with_one_session() -> None:
    async with Stage(together) as stage:
        home, work = stage.phone(HOME), stage.phone(WORK)
        await home.dial()
        stage.clock.advance(1)
        await work.dial()
        directory, links = stage.server.services[Directory], stage.server.services[Links]
        member = await directory.find("msisdn", HOME)
        assert member is not None
        assert not await links.link(member, "msisdn", WORK), "a conversation is open at the other number"
        assert await links.once() == 0
        stage.clock.advance(3600)
        assert await links.once() == 1
        assert await directory.find("msisdn", WORK) == member
        await home.dial()
        await home.reply("5")
        assert "Continue" in await work.dial()
        assert f"5 for {member[:6]}" in await work.reply("1")
