"""Steps of members who chat: what they write, tap and share, and what the chat's provider does."""

from __future__ import annotations

import re
from typing import Final

from kikao.channels.emulating.deliveries import Order
from kikao.i18n.e164 import E164
from kikao.testing.chat_phone import ChatPhone, TelegramPhone, WhatsAppPhone
from kikao.testing.context import Play
from kikao.testing.member_steps import SECONDS, WHO, unquoted
from kikao.testing.registry import NAME, built_in

CHANNEL: Final = r"(?P<channel>Telegram|WhatsApp)"
WEB: Final = "the web chat"
GROUP: Final = rf"(?: in (?P<group>{NAME}))?"
TIMES: Final = r"(?:, (?P<times>once|\d+ times))?"

FILES: Final = {
    "photo": "photo",
    "voice message": "voice",
    "song": "audio",
    "video": "video",
    "document": "document",
    "sticker": "sticker",
}
"""As a line tells them, and as phones do."""


@built_in(
    rf"{WHO} is(?: (?P<number>{E164}))? on (?P<channel>Telegram|WhatsApp|{WEB})"
    r"(?: in (?P<language>[a-z]{2,3}(?:-\w+)?))?\.",
    "{Asha} is [{+256700000001}] on {Telegram} [in {sw}].",
)
def is_on(play: Play, who: str, number: str | None, channel: str, language: str | None) -> None:
    """Where they chat (`the web chat`, too), before they do; a number of their own, and the language of their app."""
    if number:
        play.is_at(who, number)
    play.is_on(who, "socket" if channel == WEB else channel.lower(), language or "")


@built_in(
    rf"(?P<title>{NAME}) is a group of (?P<members>{NAME}(?:,? (?:and )?{NAME})*)\.",
    "{Savings} is a group of {Asha} and {Binta}.",
)
def is_group(play: Play, title: str, members: str) -> None:
    """A group on Telegram, with the bot in it."""
    who = [play.chat(name, "telegram") for name in re.split(r",? and |, ", members)]
    play.groups[title] = play.stage.chats.bot().group(
        title, *(phone.member for phone in who if isinstance(phone, TelegramPhone))
    )


@built_in(
    rf"{WHO} opens the chat(?: with (?P<payload>\S+))?\.",
    "{Asha} opens the chat [with {invite_17}].",
    by_member=True,
)
async def opens(play: Play, who: str, payload: str | None) -> ChatPhone | None:
    """The Start button of Telegram, perhaps of a link with something in it; on WhatsApp a first message."""
    phone = play.chat(who)
    await phone.start(payload or "")
    return _seen(phone)


@built_in(
    rf"{WHO} writes (?P<texts>.+?){GROUP}\.",
    "{Asha} writes {hello} [then {500}] [in {Savings}].",
    by_member=True,
)
async def writes(play: Play, who: str, texts: str, group: str | None) -> ChatPhone | None:
    """One message after the other, as answers are written; in a group, the name of one that was told above."""
    phone = play.chat(who)
    if group and group not in play.groups:
        texts, group = f"{texts} in {group}", None
    for text in play.answers(texts, who):
        if group and isinstance(phone, TelegramPhone):
            await phone.write(text, group=play.groups[group])
        else:
            await phone.write(text)
    return _seen(phone)


@built_in(
    rf"{WHO} taps (?P<label>.+?) of an old screen\.",
    "{Asha} taps {Send money} of an old screen.",
    by_member=True,
)
async def taps_old(play: Play, who: str, label: str) -> ChatPhone | None:
    """A button of a message above the last one."""
    phone = play.chat(who)
    await phone.tap_old(unquoted(label))
    return _seen(phone)


@built_in(
    rf"{WHO} taps (?P<labels>.+?){GROUP}\.",
    "{Asha} taps {Send money} [then {Confirm}] [in {Savings}].",
    by_member=True,
)
async def taps(play: Play, who: str, labels: str, group: str | None) -> ChatPhone | None:
    """Buttons or rows of a list, by their labels or how these begin, each of the newest message that has it."""
    phone = play.chat(who)
    if group and group not in play.groups:
        labels, group = f"{labels} in {group}", None
    for label in map(unquoted, labels.split(" then ")):
        if group and isinstance(phone, TelegramPhone):
            await phone.tap_in(play.groups[group], label)
        else:
            await phone.tap(label)
    return _seen(phone)


@built_in(
    rf"{WHO} enters (?P<secret>.+) (?:on the page|in the field)\.",
    "{Asha} enters {her PIN} on the page.",
    by_member=True,
)
async def enters(play: Play, who: str, secret: str) -> ChatPhone | None:
    """The page of the server behind the last link, where a chat's secrets are entered; `in the field` of a web chat."""
    phone = play.chat(who)
    for text in play.answers(secret, who):
        await phone.enter(text)
    return _seen(phone)


@built_in(
    rf"{WHO} shares (?:her|his|their|(?P<whose>{NAME})'s) contact\.",
    "{Asha} shares {her} contact.",
    by_member=True,
)
async def shares_contact(play: Play, who: str, whose: str | None) -> ChatPhone | None:
    """Their own number, or that of another member."""
    phone = play.chat(who)
    await phone.share_contact(play.number(whose or who).removeprefix("+"))
    return _seen(phone)


@built_in(rf"{WHO} shares (?:her|his|their) location\.", "{Asha} shares her location.", by_member=True)
async def shares_location(play: Play, who: str) -> ChatPhone | None:
    """Where they are."""
    phone = play.chat(who)
    await phone.share_location()
    return _seen(phone)


@built_in(
    rf"{WHO} sends a (?P<what>{'|'.join(FILES)})(?: saying (?P<caption>.+))?\.",
    "{Asha} sends a {photo} [saying {my receipt}].",
    by_member=True,
)
async def sends(play: Play, who: str, what: str, caption: str | None) -> ChatPhone | None:
    """A photo, voice message, song, video, document or sticker, perhaps with a text below it."""
    phone = play.chat(who)
    await phone.send(FILES[what], caption=unquoted(caption or ""))
    return _seen(phone)


@built_in(rf"{WHO} changes that to (?P<text>.+)\.", "{Asha} changes that to {hello}.", by_member=True)
async def changes(play: Play, who: str, text: str) -> ChatPhone | None:
    """What they wrote last, edited."""
    phone = play.chat(who)
    await phone.edit(unquoted(text))
    return _seen(phone)


@built_in(rf"{WHO} looks at (?:her|his|their|the) chat\.", "{Asha} looks at her chat.", by_member=True)
async def looks_at_chat(play: Play, who: str) -> ChatPhone | None:
    """What came by itself since, or else what was there."""
    phone = play.chat(who)
    await phone.listen()
    return _seen(phone)


@built_in(rf"{WHO} reads (?:it|that|everything)\.", "{Asha} reads it.")
async def reads(play: Play, who: str) -> None:
    """Everything that was said to them on WhatsApp: the business is told."""
    phone = play.chat(who)
    if isinstance(phone, WhatsAppPhone):
        await phone.member.read(number=phone.number)


@built_in(rf"{WHO} (?P<does>blocks|unblocks) us\.", "{Asha} blocks us.")
async def blocks(play: Play, who: str, does: str) -> None:
    """They want to hear no more of it, or want to again: Telegram tells, WhatsApp does not."""
    phone = play.chat(who)
    await (phone.block() if does == "blocks" else phone.unblock())


@built_in(rf"{CHANNEL} fails{TIMES}\.", "{Telegram} fails [, 2 times].")
def fails(play: Play, channel: str, times: str | None) -> None:
    """Calls to it get a 503, and nothing happens; once unless said."""
    play.provider(channel).fails(_count(times))


@built_in(rf"{CHANNEL} does not answer{TIMES}\.", "{Telegram} does not answer [, once].")
def does_not_answer(play: Play, channel: str, times: str | None) -> None:
    """It does what it is called for, and the answer is lost."""
    play.provider(channel).does_not_answer(_count(times))


@built_in(
    rf"{CHANNEL} takes nothing for (?P<count>\d+) (?P<unit>second|minute|hour|day)s?\.",
    "{Telegram} takes nothing for {30} {seconds}.",
)
def takes_nothing(play: Play, channel: str, count: str, unit: str) -> None:
    """Every call is too many, and is told how long that lasts."""
    play.provider(channel).limits(int(count) * SECONDS[unit])


@built_in(rf"{CHANNEL} is well again\.", "{Telegram} is well again.")
async def is_well(play: Play, channel: str) -> None:
    """No such mood is left."""
    play.provider(channel).recovers()


@built_in(rf"{CHANNEL} keeps to itself what happens\.", "{Telegram} keeps to itself what happens.")
def keeps(play: Play, channel: str) -> None:
    """What members do from now on comes later."""
    play.provider(channel).deliveries.held = True


@built_in(
    rf"{CHANNEL} tells it all(?: (?P<how>backwards|at once|in one piece))?\.",
    "{Telegram} tells it all [backwards].",
)
async def tells(play: Play, channel: str, how: str | None) -> None:
    """What it kept: in order, backwards, at the same time, or on WhatsApp in one request."""
    api = play.provider(channel)
    order: Order = "reversed" if how == "backwards" else "same"
    await api.deliveries.release(order, batch=how == "in one piece", at_once=how == "at once")
    await api.deliver()


def _seen(phone: ChatPhone) -> ChatPhone | None:
    """What shows a screen, where something came."""
    return phone if phone.screen else None


def _count(times: str | None) -> int:
    return 1 if times in (None, "once") else int(str(times).partition(" ")[0])
