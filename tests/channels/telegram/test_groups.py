"""Groups: what in them is for the bot, whose a conversation is there, and what is not asked where others read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from kikao import App, Chat, Flows, Number, Pin, Secret, Shortcut
from kikao.i18n import t
from kikao.sessions.limits import Limits
from kikao.sessions.policy import DAY, Groups, SessionPolicy
from tests.channels.telegram.rig import talking

flows = Flows()

DRINKS: Final = {"tea": t("Tea"), "coffee": t("Coffee")}


@flows.flow("shop", title=t("Shop"))
async def shop(chat: Chat) -> None:
    drink = await chat.choose("drink", t("What would you like?"), DRINKS)
    cups = await chat.ask("cups", Number(min=1, max=9), t("How many cups?"))
    await chat.end(t("{cups} {drink}", cups=cups, drink=drink))


async def paid(pin: Secret, key: str) -> str:
    return "P1"


@flows.flow("pay", title=t("Pay"))
async def pay(chat: Chat) -> None:
    await chat.secret("pin", Pin(), t("Enter PIN"), use=paid)
    await chat.end(t("Paid."))


def an_app(groups: Groups = "member") -> App:
    policy = SessionPolicy(
        idle=7 * DAY, resume=0.0, opens="message", groups=groups, limits=Limits(address=None, member=None)
    )
    return App(
        flows,
        entry="shop",
        members=False,
        policy={"telegram": policy},
        shortcuts={"shop": Shortcut("shop", "drink", "cups"), "pay": Shortcut("pay")},
    )


async def test_only_what_is_for_the_bot_is_answered(tmp_path: Path) -> None:
    async with talking(an_app(), tmp_path) as rig:
        asha, brian = rig.api.member("Asha"), rig.api.member("Brian")
        group = rig.api.group("Savings", asha, brian)
        for chatter in ("hello all", "/weather", "/shop@other_bot", "ask @other_bot", "1"):
            assert await asha.write(chatter, group=group) == []
        (asked,) = await asha.write("/shop@Kikao_Bot", group=group)
        assert (asked.text, asked.buttons) == ("What would you like?", ["Tea", "Coffee"])
        assert await brian.write("tea", group=group, to=group.chat.messages[0]) == []
        (asked,) = await asha.write("coffee", group=group, to=asked)
        assert asked.text == "How many cups?"
        (told,) = await asha.write("@kikao_bot 3", group=group)
        assert told.text == "3 coffee"
        (asked,) = await brian.write("/shop 1", group=group)
        assert asked.text == "How many cups?"
        assert rig.api.refused == []


async def test_each_member_has_a_conversation_of_their_own_and_another_ones_buttons_say_so(
    tmp_path: Path,
) -> None:
    async with talking(an_app(), tmp_path) as rig:
        asha, brian = rig.api.member("Asha"), rig.api.member("Brian", language="sw")
        group = rig.api.group("Savings", asha, brian)
        (asked,) = await asha.write("/shop", group=group)
        assert await brian.tap("Tea", group=group) == []
        assert brian.spinning == set()
        assert len(brian.toasts) == 1
        (asked,) = await asha.tap("Tea", group=group)
        assert asked.text == "How many cups?"
        assert asked.raw["reply_to_message"]["from"]["id"] == asha.id
        (alone,) = await asha.start()
        assert alone.text == "What would you like?"
        (told,) = await asha.write("2", group=group, to=asked)
        assert told.text == "2 tea"


async def test_a_group_may_hold_one_conversation(tmp_path: Path) -> None:
    async with talking(an_app("shared"), tmp_path) as rig:
        asha, brian = rig.api.member("Asha"), rig.api.member("Brian")
        group = rig.api.group("Savings", asha, brian)
        await asha.write("/shop", group=group)
        (asked,) = await brian.tap("Coffee", group=group)
        assert asked.text == "How many cups?"
        (told,) = await asha.write("2", group=group, to=asked)
        assert told.text == "2 coffee"


async def test_groups_may_be_off(tmp_path: Path) -> None:
    async with talking(an_app("off"), tmp_path) as rig:
        asha = rig.api.member("Asha")
        group = rig.api.group("Savings", asha)
        assert await asha.write("/shop", group=group) == []
        assert rig.notes() == ["telegram/bot-api: the policy has no sessions in groups"]
        assert len(await asha.start()) == 1


async def test_no_secret_is_asked_for_where_others_read(tmp_path: Path) -> None:
    async with talking(an_app(), tmp_path, public_url="https://chat.example.com") as rig:
        asha = rig.api.member("Asha")
        group = rig.api.group("Savings", asha)
        (told,) = await asha.write("/pay", group=group)
        assert told.text.startswith("The next step needs something secret")
        assert told.rows[0][0].value == "https://t.me/kikao_bot?start=pay"
        (again,) = await asha.write("1234", group=group, to=told)
        assert again.text == told.text
        assert [(refusal.what, refusal.code) for refusal in rig.api.refused] == [("deleteMessage", 400)]
        (asked,) = await asha.start("pay")
        assert asked.text.startswith("Enter PIN")


async def test_a_secret_that_was_typed_is_taken_away(tmp_path: Path) -> None:
    async with talking(an_app(), tmp_path, public_url="https://chat.example.com") as rig:
        asha = rig.api.member("Asha")
        await asha.start("pay")
        (again,) = await asha.write("1234")
        assert again.text.startswith("Do not type it here")
        assert "1234" not in [message.text for message in asha.chat.messages]
        assert rig.api.refused == []


async def test_a_group_that_moved_gets_its_answer_under_the_new_id(tmp_path: Path) -> None:
    async with talking(an_app(), tmp_path) as rig:
        asha = rig.api.member("Asha")
        group = rig.api.group("Savings", asha)
        after, rig.api.after = rig.api.after, None
        await asha.write("/shop", group=group)
        grown = await group.migrate()
        rig.api.after = after
        await rig.api.deliver()
        assert [message.text for message in grown.chat.heard] == ["What would you like?"]
        assert rig.api.by_method["sendMessage"] == 1
        assert [refusal.code for refusal in rig.api.refused] == [400]


@pytest.mark.parametrize("thrown", [True, False])
async def test_a_group_that_threw_the_bot_out_gets_nothing(tmp_path: Path, thrown: bool) -> None:
    async with talking(an_app(), tmp_path) as rig:
        asha = rig.api.member("Asha")
        group = rig.api.group("Savings", asha)
        await asha.write("/shop", group=group)
        if thrown:
            await group.kick_bot()
        else:
            group.bot_is_in = False
        await asha.write("/shop 1", group=group)
        assert len(group.chat.heard) == 1
