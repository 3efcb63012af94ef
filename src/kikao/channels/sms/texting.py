"""What every SMS account shares: screens as numbered text of few segments, and what a member's message means."""

from __future__ import annotations

from typing import Final

from kikao.channels.chat.gateway import ChatGateway, Received
from kikao.channels.chat.ladder import Limits
from kikao.channels.chat.message import Message, Parcel
from kikao.channels.chat.told import Changed, Keyword, Standing
from kikao.channels.inbound import Chatted, Inbound
from kikao.channels.outbox.sender import Pace
from kikao.channels.sms.segments import budget
from kikao.channels.sms.words import What, Words, words_of
from kikao.channels.ussd.numbered import numbered
from kikao.config.accounts import SMS
from kikao.config.settings import SmsSettings
from kikao.conversation.screens import Screen
from kikao.conversation.secrets import Secret
from kikao.i18n.gsm7 import normalise
from kikao.i18n.messages import Translate

CHANNEL: Final = "sms"

ANY: Final = 1_000_000
"""Characters: how long a message may be is counted in segments here, not in these."""


class SmsGateway(ChatGateway):
    """Base of SMS accounts. Nothing can be tapped: options are numbered, and what does not fit is a page away.

    An account adds what `ChatGateway` wants. `given` are its own settings by name, those that are not set by default.
    """

    channel = CHANNEL
    limits = Limits(text=ANY, body=ANY)

    def __init__(self, slug: str, settings: SmsSettings) -> None:
        super().__init__(slug)
        self.settings = settings
        self.given = {option.name: option.default for option in SMS.get(slug, ())}
        self.given |= {name: value.reveal().decode() for name, value in settings.options.items()}
        self.segments = int(self.given["segments"])
        """How many a message may have, at most."""
        self.budget = budget(self.segments)
        rate = int(self.given["per_second"])
        burst = max(1, rate // 8)
        self.pace = Pace(1 / (rate - burst + 1), burst) if rate else None
        """So that there are no more than so many, however a second is cut."""
        own: dict[What, tuple[str, ...]] = {
            "stop": words_of(self.given["stop"]),
            "start": words_of(self.given["start"]),
            "help": words_of(self.given["help"]),
        }
        self.words = Words(own)

    def pages(self, screen: Screen, translate: Translate) -> list[Message]:
        """The screen as texts of at most `segments` short messages each; see `numbered` for what is where.

        Raises `TooLong` where a confirmation needs more.
        """
        return [Message(text) for text in numbered(screen, translate, normalise, self.budget)]

    def pushed(
        self, inbound: Inbound, page: Message, *, ends: bool, until: float, mark: str = "", over: str = ""
    ) -> list[bytes]:
        """A message as one parcel: the account, or the SMSC, makes segments of it. Nothing in it can be tapped."""
        parcel = Parcel(
            to=inbound.identity,
            message=Message(text_of(page)),
            until=until,
            member=inbound.identity,
            heard_at=0.0 if inbound.happening == "outcome" else until - self.patience,
            echo=inbound.echo,
        )
        return [parcel.written()]

    def heard(self, number: str, text: str, *, id_: str | None, code: str, network: str = "") -> Received:
        """What a member's message means: a word that is answered by itself, or what a conversation is about.

        `number` is in E.164, `id_` what the provider calls the message, where it does; `code` is the number that it was
        sent to.
        """
        meant = self.words.meant(text)
        if meant is not None:
            keyword = Keyword(line=self.line, identity=number, what=meant.what, locale=meant.locale)
            if meant.what == "help":
                return Received(told=(keyword,))
            stands: Standing = "stopped" if meant.what == "stop" else "started"
            changed = Changed(line=self.line, identity=number, what=stands, at=0.0, reason=meant.what)
            return Received(told=(changed, keyword))
        inbound = Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=number,
            happening="reply",
            text=Secret(text),
            service_code=code,
            network=network,
            msisdn=number,
            message_id=None if id_ is None else Secret(id_),
            chat=Chatted(),
            echo=(("to", code),) if code else (),
        )
        return Received(inbounds=(inbound,))


def text_of(message: Message) -> str:
    """A message as text alone, whatever there was to tap."""
    lines = [message.text, *(f"{choice.key} {choice.label}" for choice in message.choices)]
    if message.link is not None:
        lines.append(f"{message.link.label}: {message.link.url}")
    return "\n".join(filter(None, lines))
