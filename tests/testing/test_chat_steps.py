"""Transcripts of members who chat, through the real gateways and the emulated providers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from kikao import App, Chat, Done, Flows, Pin, Secret, Text, t
from kikao.channels.chat.templates import LinkButton, PlainButton, QuickReply, Template
from kikao.channels.ussd.registry import SLUGS
from kikao.config import load
from kikao.testing import Approved, BotApi, CloudApi, PlayFailed, Stage, chat_steps, play
from kikao.testing.playing import run
from kikao.testing.registry import BUILT_IN
from kikao.transcripts import parse

DRINKS: Final = {"tea": t("Tea"), "coffee": t("Coffee")}
flows = Flows()


async def known(pin: Secret, key: str) -> Done[bool]:
    return Done(pin.matches(Secret("2580")))


@flows.flow("shop", title=t("Shop"))
async def shop(chat: Chat) -> None:
    await chat.choose("drink", t("What would you like?"), DRINKS)
    await chat.choose("size", t("Which size?"), {"s": t("Small"), "l": t("Large")})
    name = await chat.ask("name", Text(), t("Your name?"))
    if name == "Vip":
        await chat.secret("pin", Pin(4), t("Enter PIN"), use=known)
    await chat.end(t("Thank you, {name}.", name=name))


def an_app(*channels: str) -> App:
    return App(flows, entry="shop", channels=["ussd", *channels], members=False)


WHAT = """
    What would you like?
    [Tea] [Coffee]
"""
SIZE = """
    Which size?
    [Small] [Large]
    [Back] [Home]
"""
NAME = """
    Your name?
    [Back] [Home]
"""

TOLD = {
    "tapping, and an old screen": f"""
Asha is +256772000009 on Telegram in sw.
Asha opens the chat.
{WHAT}
Asha taps tea.
{SIZE}
Asha taps Coffee of an old screen.
    (note: ...)
    That button is of an older message. Here is where we are:
    Which size?
    [Small] [Large]
    [Back] [Home]
Asha taps Back then Coffee then "Large".
{NAME}
The gateway sends the request again.
The gateway sends Asha's request before that again.
Asha looks at her chat.
{NAME}
Asha's nickname is "A. then B.".
Asha writes her nickname.
    Thank you, A. then B..
""",
    "typing, in one piece, and beside another": f"""
Asha writes hello while Binta writes hello.
    (Asha sees)
    What would you like?
    [Tea] [Coffee]
    (Binta sees)
    What would you like?
    [Tea] [Coffee]
Asha writes TEA then small.
{NAME}
Binta taps Tea while Asha writes "I live in Kampala".
    (Binta sees)
    Which size?
    [Small] [Large]
    [Back] [Home]
    (Asha sees)
    Thank you, I live in Kampala.
Asha writes hello in Kampala.
{WHAT}
""",
    "what can be shared": f"""
Asha writes hello.
{WHAT}
Asha shares her contact.
    Invalid choice. Try again.
    ...
Asha shares Binta's contact.
    Invalid choice. Try again.
    ...
Asha shares her location.
    Invalid choice. Try again.
    ...
Asha sends a photo saying "my receipt".
    Invalid choice. Try again.
    ...
Asha changes that to "Coffee".
Asha reads it.
Asha taps Tea.
{SIZE}
""",
    "a provider on a bad day": f"""
Asha opens the chat with invite_17.
{WHAT}
Telegram fails.
Asha taps Tea.
10 seconds pass.
Asha looks at her chat.
{SIZE}
Telegram takes nothing for 30 seconds.
Asha taps Large.
1 minute passes.
Asha looks at her chat.
{NAME}
Telegram fails, 9 times.
Telegram is well again.
Telegram does not answer, once.
Asha writes Asha.
    Thank you, Asha.
""",
    "a provider that tells late": f"""
Asha opens the chat.
{WHAT}
Telegram keeps to itself what happens.
Asha taps Tea.
Telegram tells it all.
Asha looks at her chat.
{SIZE}
Telegram keeps to itself what happens.
Binta writes hello.
Asha taps Large.
Telegram tells it all at once.
Asha looks at her chat.
{NAME}
Binta looks at her chat.
{WHAT}
""",
    "a secret, on a page": f"""
Asha's PIN is 2580.
Asha writes hello.
{WHAT}
Asha taps Coffee then Small.
    Your name?
    ...
Asha writes Vip.
    Enter PIN
    ...
Asha enters her PIN on the page.
    Thank you, Vip.
Nobody keeps Asha's PIN.
""",
    "a server that dies": f"""
Asha opens the chat.
{WHAT}
The server dies before the next commit.
Asha taps Tea.
The server starts again.
Asha looks at her chat.
{WHAT}
5 seconds pass.
Asha looks at her chat.
{SIZE}
The server dies after the next commit.
Asha taps Small.
The server starts again.
5 seconds pass.
Asha looks at her chat.
{NAME}
Asha writes Asha.
    Thank you, Asha.
""",
    "a bot that is stopped": f"""
Asha opens the chat.
{WHAT}
Asha blocks us.
10 seconds pass.
Asha unblocks us.
Asha taps Tea.
{SIZE}
""",
    "a group": f"""
Asha is on Telegram.
Savings is a group of Asha, Binta and Chidi.
Asha writes /start@kikao_bot in Savings.
{WHAT}
Asha taps Tea in Savings.
{SIZE}
Asha taps Large in Savings.
    ...
""",
}  # fmt: skip


@pytest.mark.parametrize("title", TOLD)
async def test_it_comes_true_on_telegram(title: str) -> None:
    (transcript,) = parse(f"# {title}\n\n{TOLD[title]}", "told.txt")
    async with Stage(an_app("telegram")) as stage:
        await play(transcript, stage)
        assert stage.chats.bot().refused == []
        assert stage.chats.bot().ignored == set()


ON_WHATSAPP = """
Asha is +256772000009 on WhatsApp.
Asha opens the chat.
    What would you like?
    [Tea]
    [Coffee]
Asha reads it.
Asha taps Tea.
    Which size?
    0 Back
    00 Home
    [Small]
    [Large]
Asha taps Coffee of an old screen.
    That button is of an older message. Here is where we are:
    ...
    [Large]
The gateway sends the request again.
WhatsApp keeps to itself what happens.
Asha writes large.
Binta writes hello.
WhatsApp tells it all in one piece.
Asha looks at her chat.
    Your name?
    [Back]
    [Home]
Binta is on WhatsApp.
Binta looks at her chat.
    What would you like?
    ...
WhatsApp fails.
Asha writes Asha.
1 minute passes.
Asha looks at her chat.
    Thank you, Asha.
Asha writes hello.
    What would you like?
    ...
Asha sends a photo.
    Invalid choice. Try again.
    ...
Asha blocks us.
Asha writes hello.
Asha unblocks us.
"""


async def test_it_comes_true_on_whatsapp() -> None:
    (transcript,) = parse(f"# a story\n\n{ON_WHATSAPP}", "told.txt")
    async with Stage(an_app("whatsapp")) as stage:
        await play(transcript, stage)
        api, number = stage.chats.business()
        assert {refusal.code for refusal in api.refused} == {131026}
        assert api.ignored == set()
        asha = stage.whatsapp("Asha")
        assert asha.chat.heard[0].ticks == "read"
        assert asha.number == number
        assert asha.member.phone == "256772000009"


async def test_the_same_member_on_several_channels_and_a_phone() -> None:
    (transcript,) = parse(
        f"# a story\n\nAsha dials.\n    ...\nAsha is on Telegram.\nAsha writes hi.{WHAT}"
        "Asha is on WhatsApp.\nAsha writes hi.\n    ...\nThe gateway sends the request again.\n",
        "told.txt",
    )
    async with Stage(an_app("telegram", "whatsapp")) as stage:
        played = await play(transcript, stage)
        assert set(played.chats) == {("Asha", "telegram"), ("Asha", "whatsapp")}
        assert played.device("Asha") is stage.whatsapp("Asha")
        with pytest.raises(LookupError, match="no number on WhatsApp called shop"):
            stage.whatsapp("Asha", number="shop")


async def test_a_transcript_is_played_where_its_gateway_is() -> None:
    (transcript,) = parse("# a story\n\nAsha writes hi.\n    ...\n    [Coffee]\n", "told.txt")
    async with Stage(an_app("telegram", "whatsapp")) as stage:
        played = await play(transcript, stage, gateway="whatsapp")
        assert set(played.chats) == {("Asha", "whatsapp")}


async def test_templates_of_the_app_are_approved() -> None:
    told = [
        Template(
            "late", {"en": "en_US", "sw": "sw"}, ("name", "what"), buttons=(QuickReply("1"), PlainButton())
        ),
        Template("card", {"en": "en"}, header="image", header_kind="image", buttons=(LinkButton("where"),)),
        Template("plain", {"en": "en"}, header="who"),
    ]
    app = App(
        flows,
        entry="shop",
        channels=["ussd", "whatsapp"],
        members=False,
        templates=told,
        locales={"en": "English", "sw": "Kiswahili"},
    )
    async with Stage(app) as stage:
        api = stage.chats.business()[0]
        api.templates[0] = Approved("late", "Hello {{1}}: {{2}}", "en_US")
        await stage.restart()
        assert [(each.name, each.language, each.body) for each in api.templates] == [
            ("late", "en_US", "Hello {{1}}: {{2}}"),
            ("late", "sw", "late {{1}} {{2}}"),
            ("card", "en", "card"),
            ("plain", "en", "plain"),
        ]
        assert [each.header for each in api.templates] == ["", "", "image", "{{1}}"]
        assert api.templates[1].buttons == (("quick_reply", "1"), ("url", "Open"))
        assert api.templates[2].buttons == (("url", "Open {{1}}"),)


async def test_several_bots_and_numbers(tmp_path: Path) -> None:
    bot, number = BotApi(), CloudApi()
    settings = load(
        {
            **bot.environment(),
            "KIKAO_TELEGRAM_SHOP_TOKEN": "7000000002:emulated-token-of-another-bot",
            "KIKAO_TELEGRAM_SHOP_SECRET": "emulated-secret-of-another",
            **number.environment(),
            "KIKAO_WHATSAPP_SHOP_PHONE_NUMBER_ID": "104520000000009",
            "KIKAO_SMS_AFRICASTALKING_USERNAME": "sandbox",
            "KIKAO_SMS_AFRICASTALKING_API_KEY": "atsk_test",
            "KIKAO_PUBLIC_URL": "https://kikao.example",
        },
        tmp_path,
        gateways=SLUGS,
    )
    async with Stage(an_app("telegram", "whatsapp"), settings) as stage:
        first, second = stage.telegram("Asha"), stage.telegram("Asha", bot="shop")
        assert first.member is not second.member
        assert await second.write("hi") == "What would you like?\n[Tea] [Coffee]"
        assert first.chat.messages == []
        other = stage.whatsapp("Asha", number="shop")
        assert (await other.write("hi")).startswith("What would you like?")
        assert other.api is stage.chats.business()[0]
        assert other.number.id == "104520000000009"
        assert stage.chats.texts["africastalking"].username == "sandbox"


def test_every_step_of_chats_is_played() -> None:
    lines = [step.text for title, text in TOLD.items() for step in parse(f"# {title}\n\n{text}")[0].steps]
    own = [kind for kind in BUILT_IN if kind.act.__module__ == chat_steps.__name__]
    met = {kind.form for kind in own for line in lines if kind.pattern.fullmatch(line)}
    assert {kind.form for kind in own} == met


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "Asha writes hello.\n    ...\nAsha taps Soup.",
            "0 buttons say 'Soup', not one: .Tea., .Coffee.",
        ),
        ("Asha taps Tea of an old screen.", "no older message has a button 'Tea'"),
        (
            "Asha is on WhatsApp.\nAsha writes hello.",
            "the settings have no number on WhatsApp called cloud-api",
        ),
        ("The gateway sends the request again.", "nobody has sent a request yet"),
    ],
)
async def test_what_a_step_says_that_cannot_be_done(line: str, said: str) -> None:
    (transcript,) = parse(f"# a\n\n{line}", "told.txt")
    async with Stage(an_app("telegram")) as stage:
        with pytest.raises(PlayFailed, match=said):
            await play(transcript, stage)


async def test_a_stage_without_chats_says_so() -> None:
    (transcript,) = parse("# a\n\nAsha writes hello.\n", "told.txt")
    async with Stage(an_app()) as stage:
        with pytest.raises(PlayFailed, match="nobody said where Asha chats"):
            await play(transcript, stage)
        with pytest.raises(LookupError, match="no bot called bot-api"):
            stage.telegram()


async def test_screens_of_chats_are_accepted() -> None:
    (transcript,) = parse("# a\n\nAsha opens the chat.\nAsha taps Tea.\n    Soup?\n", "told.txt")
    async with Stage(an_app("telegram")) as stage:
        played = await play(parse(f"# a\n\nAsha opens the chat.{WHAT}", "told.txt")[0], stage)
        assert played.chat("Asha").lines == ("What would you like?", "[Tea] [Coffee]")
    async with Stage(an_app("telegram")) as stage:
        from kikao.testing import Play

        seen = await run(Play(transcript, stage), accept=True)
        assert seen[0] == ("What would you like?", "[Tea] [Coffee]")
        assert seen[1][0] == "Which size?"
