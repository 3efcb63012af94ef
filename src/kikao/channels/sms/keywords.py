"""Answers STOP, START and HELP, once a day each: no two machines ever go on answering each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kikao.channels.chat.gateway import ChatGateway
from kikao.channels.chat.message import Kind
from kikao.channels.chat.messages import Messages
from kikao.channels.chat.told import Keyword
from kikao.channels.sms.texting import SmsGateway
from kikao.i18n.messages import t
from kikao.sessions.keeper import Clock

DAY: Final = 86400.0


class Keywords:
    """What the words are answered. `lines` are those of the settings, by name."""

    def __init__(self, lines: Mapping[str, ChatGateway], messages: Messages, clock: Clock) -> None:
        self._lines = lines
        self._messages = messages
        self._clock = clock

    async def hear(self, told: Keyword) -> bool:
        """Answer a word; that a STOP was heard goes also to who has just stopped everything else. Always done.

        Raises what the store raises: the provider brings the word again.
        """
        gateway = self._lines[told.line]
        assert isinstance(gateway, SmsGateway)
        stop, start = gateway.words.first("stop", told.locale), gateway.words.first("start", told.locale)
        text = {
            "stop": t("You will get no more messages from us. Send {word} to get them again.", word=start),
            "start": t("You get messages from us again. Send {word} to stop them.", word=stop),
            "help": t(
                "Send {stop} to get no more messages from us, {start} to get them again.",
                stop=stop,
                start=start,
            ),
        }[told.what]
        day = int(self._clock() // DAY)
        key = f"{told.what} {told.identity} {day}"
        kind: Kind = "confirmation" if told.what == "stop" else "reply"
        await self._messages.send(key, told.identity, text, over=told.line, kind=kind, locale=told.locale)
        return True
