"""Steps of members and of the lines between them and the server."""

from __future__ import annotations

import json
import re
from typing import Final

from kikao.i18n.e164 import E164
from kikao.testing.chat_phone import ChatPhone
from kikao.testing.context import Play
from kikao.testing.phone import Late, Phone
from kikao.testing.registry import NAME, built_in

WHO: Final = rf"(?P<who>{NAME})"
TEXT: Final = r'"(?:[^"\\]|\\.)*"'
SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


@built_in(
    rf"{WHO} dials(?: (?P<ahead>[\d*#]+|{TEXT}))?(?: and answers (?P<answers>.+))?\.",
    "{Asha} dials [{1*500}] [and answers {2} [then {her PIN}]].",
    by_member=True,
)
async def dials(play: Play, who: str, ahead: str | None, answers: str | None) -> Phone:
    """A new dialogue, perhaps with something typed behind the code; answers as in the next row."""
    phone = play.phone(who)
    await phone.dial(unquoted(ahead or ""))
    if answers:
        await phone.reply(*play.answers(answers, who))
    return phone


@built_in(
    rf"{WHO} answers (?P<answer>.+), which arrives late\.",
    "{Asha} answers {2}, which arrives late.",
)
def answers_late(play: Play, who: str, answer: str) -> None:
    """The answer is typed, and stays under way."""
    phone = play.phone(who)
    play.late.setdefault(who, []).extend(phone.later(text) for text in play.answers(answer, who))


@built_in(rf"{WHO}'s late answer arrives\.", "{Asha}'s late answer arrives.")
async def late_arrives(play: Play, who: str) -> Late:
    """The oldest of those under way; the screen is what comes back for it."""
    if not play.late.get(who):
        raise LookupError(f"no answer of {who}'s is under way: {who} answers 1, which arrives late.")
    late = play.late[who].pop(0)
    await late.arrives()
    return late


@built_in(
    rf"{WHO} answers (?P<answers>.+)\.", "{Asha} answers {2} [then {her PIN}] [then ...].", by_member=True
)
async def answers(play: Play, who: str, answers: str) -> Phone:
    """One screen after the other; the last one is looked at."""
    phone = play.phone(who)
    await phone.reply(*play.answers(answers, who))
    return phone


@built_in(rf"{WHO} chooses (?P<labels>.+)\.", "{Asha} chooses {Send money} [then {Confirm}].", by_member=True)
async def chooses(play: Play, who: str, labels: str) -> Phone:
    """As answers, by the label of a line or its beginning."""
    phone = play.phone(who)
    await phone.choose(*(unquoted(label) for label in labels.split(" then ")))
    return phone


@built_in(rf"{WHO} looks at (?:her|his|their|the) phone\.", "{Asha} looks at her phone.", by_member=True)
async def looks(play: Play, who: str) -> Phone:
    """The screen that is there."""
    return play.phone(who)


@built_in(rf"{WHO} hangs up\.", "{Asha} hangs up.")
async def hangs_up(play: Play, who: str) -> None:
    """The dialogue ends; a gateway that tells of an end does."""
    await play.phone(who).hang_up()


@built_in(rf"{WHO}'s line drops\.", "{Asha}'s line drops.")
async def line_drops(play: Play, who: str) -> None:
    """The dialogue ends, and nobody is told."""
    await play.phone(who).drop()


@built_in(
    rf"The gateway sends (?:the|{WHO}'s) request (?P<before>before that )?again\.",
    "The gateway sends {Asha}'s request [before that] again.",
)
async def again(play: Play, who: str | None, before: str | None) -> Phone | Late | ChatPhone | None:
    """A redelivery of their last request, or of the one before; `the request` is that of who acted last."""
    phone = play.device(who or play.last)
    if isinstance(phone, ChatPhone):
        return phone if await phone.again(1 if before else 0) else None
    if before:
        earlier = phone.earlier(1)
        await earlier.arrives()
        return earlier
    await phone.again()
    return phone


@built_in(
    r"(?P<count>\d+) (?P<unit>second|minute|hour|day)s? pass(?:es)?\.",
    "{10} {minutes} pass.",
)
def time_passes(play: Play, count: str, unit: str) -> None:
    """Of the stage's clock; seconds, minutes, hours or days."""
    play.clock.advance(int(count) * SECONDS[unit])


@built_in(
    rf"{WHO} is (?P<number>{E164})(?: on (?P<gateway>[a-z][a-z0-9-]*))?(?: dialling (?P<code>\S+?))?\.",
    "{Asha} is {+256700000001} [on {nalo}] [dialling {*284#}].",
)
def is_at(play: Play, who: str, number: str, gateway: str | None, code: str | None) -> None:
    """Their number, before they act; a gateway or a code of their own."""
    play.is_at(who, number, gateway, code)


VALUE: Final = rf"(?P<value>[\d+*#.,-]+|{TEXT})"


@built_in(rf"(?P<owner>{NAME})'s (?P<name>\w[^'\"]*?) is {VALUE}\.", "{Asha}'s {PIN} is {2580}.")
def has_value(play: Play, owner: str, name: str, value: str) -> None:
    """A name for a value: `her PIN`, `his PIN`, `their PIN`, `Asha's PIN`. Other than digits in quotes."""
    play.know(owner, name, unquoted(value))


@built_in(rf"The (?P<name>\w[^'\"]*?) is {VALUE}\.", "The {start code} is {2580}.")
def common_value(play: Play, name: str, value: str) -> None:
    """A name for a value of nobody's own: `the start code`."""
    play.know("the", name, unquoted(value))


@built_in(r"Nobody keeps (?P<value>.+)\.", "Nobody keeps {Asha's PIN}.")
async def nobody_keeps(play: Play, value: str) -> None:
    """No session in the store, opened with its keys, and no event has it."""
    for text in play.answers(value):
        if await play.stage.holds(text):
            raise AssertionError(f"{value} is kept in a session, or was told in an event")


def unquoted(text: str) -> str:
    """What stands in quotes as JSON has them, or else as it is."""
    return str(json.loads(text, strict=False)) if re.fullmatch(TEXT, text) else text
