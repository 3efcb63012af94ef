"""Proving a number: in a chat a member is an id, and a number is theirs once they showed that it is.

    number = chat.member.msisdn or await prove_number(chat)

Where the channel vouches for a contact that is shared, that is proof. Elsewhere a code is sent to the number by SMS.
WhatsApp's id looks like a number and is none of these proofs: it tells who holds the account, not who holds the SIM.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

from kikao.channels.chat.message import MessageRefused
from kikao.channels.chat.messages import Messages, TooMany
from kikao.conversation.answer_types import Text as Typed
from kikao.conversation.chat import Chat
from kikao.conversation.errors import ErrorCode, Invalid, RefusedError
from kikao.conversation.outcomes import Done, Refused
from kikao.conversation.own_number import OwnNumber
from kikao.i18n.messages import Message, Text, t
from kikao.members.links import Links
from kikao.sessions.limits import Rate
from kikao.sessions.meter import Meter

GOOD_FOR: Final = 600.0
"""Seconds in which a code counts."""

TRIES: Final = 3
"""Wrong codes until another one is needed: of a million."""

PER_NUMBER: Final = Rate(3, per=3600.0)
"""Codes that one number is sent, whoever asks for them, of whichever process: nobody floods a phone with them."""

PER_MEMBER: Final = Rate(5, per=86400.0)
"""Codes that one member has sent, to whatever numbers, by each process."""

VOUCHING: Final = "telegram"
"""The channel that says whether a contact is the sender's own."""

SHARE: Final = t("Share your phone number with the button below, or type it.")
TYPE: Final = t("Type your phone number. We send a code to it.")


class Codes:
    """Sends codes, no more than a number and a member may get. A service of every server with chats."""

    def __init__(self, messages: Messages, clock: Callable[[], float]) -> None:
        self._messages = messages
        self._clock = clock
        self._members = Meter(PER_MEMBER)

    @property
    def can(self) -> bool:
        """Whether there is a line to send them over."""
        return self._messages.has("sms")

    async def send(
        self, key: str, member: str, number: str, code: str, *, locale: str
    ) -> Done[None] | Refused:
        """Send a code to a number (E.164), once for a key."""
        if self._members.take(member, self._clock()):
            return Refused(ErrorCode.LIMITED)
        text = t("Your code is {code}. Give it to nobody, whoever asks for it.", code=code)
        try:
            await self._messages.send(
                key, number, text, over="sms", good_for=GOOD_FOR, locale=locale, limit=PER_NUMBER
            )
        except TooMany:
            return Refused(ErrorCode.LIMITED)
        except MessageRefused:
            return Refused(ErrorCode.BACKEND_UNAVAILABLE)
        return Done(None)


async def prove_number(chat: Chat, *, region: str = "UG", prompt: Text | None = None) -> str:
    """Have the member prove which number is theirs, and put it behind them in the directory; the number, in E.164.

    `region` (ISO 3166) is that of numbers without a country code. From the next turn on it is `chat.member.msisdn`, in
    this chat and in any other that they prove it from. Ends the conversation, with what the member is told, where no
    code can be sent, where too many were, and after `TRIES` wrong ones.
    """
    vouches = chat.member.channel == VOUCHING
    answer = OwnNumber(region, vouches=vouches)
    given = await chat.ask("own number", answer, prompt or (SHARE if vouches else TYPE))
    if not given.own:
        await _by_code(chat, given.number)
    links = chat.service(Links)
    member = chat.member.id

    async def link(key: str) -> bool:
        return await links.link(member, "msisdn", given.number)

    await chat.step("link", link, retry="key", done=proven(given.number))
    return given.number


def proven(number: str) -> Message:
    """What a member is told whose number was proven."""
    return t("Your number {number} is confirmed.", number=number)


async def _by_code(chat: Chat, number: str) -> None:
    """Send a code to a number, and have it entered."""
    codes = chat.service(Codes)
    if not await chat.read("codes", lambda: codes.can):
        await chat.end(t("We can send no code to that number."))
    code = f"{chat.random('code').randrange(1_000_000):06}"
    member, locale = chat.member.id, chat.locale
    try:
        await chat.step(
            "code",
            lambda key: codes.send(key, member, number, code, locale=locale),
            retry="key",
            critical=False,
        )
    except RefusedError as refused:
        if refused.code is ErrorCode.LIMITED:
            await chat.end(t("You asked for too many codes. Try again tomorrow."))
        raise
    sent = await chat.now()

    async def right(entered: str) -> None:
        if not hmac.compare_digest(entered.encode(), code.encode()):
            raise Invalid(t("That is not the code. Look again."))

    await chat.ask(
        "entered",
        Typed(max=20, pattern="[0-9]{6}", hint=t("Enter the 6 digits of the code.")),
        t("Enter the code that we sent to {number}", number=number),
        validate=right,
        attempts=TRIES,
        over=t("That is not the code either, so this is over. Write again to begin anew, with another code."),
    )
    if (await chat.now() - sent).total_seconds() > GOOD_FOR:
        await chat.end(t("That code is too old. Start again to get another one."))
