"""Who plays in a transcript: phones by name, and the values that lines call by name. What steps are done with."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kikao.channels.emulating.emulator import Emulator
from kikao.channels.telegram.emulated.people import Group
from kikao.testing.chat_phone import ChatPhone
from kikao.testing.clock import Clock
from kikao.testing.phone import Late, Phone
from kikao.testing.stage import Stage
from kikao.transcripts import Named, Transcript, read_answers

FIRST_NUMBER: Final = 256_772_000_001
"""The number of the first member who is given none; the next one has the next."""


CHATS: Final = ("telegram", "whatsapp", "socket")
"""Channels that members chat on."""


class Play:
    """One transcript on one stage: who plays on which phone, and the values that lines call by name.

    `gateway` is that of members of whom the transcript tells none, `members` are numbers (E.164) by name. `path` is the
    file, for steps of a `conftest.py` beside it; `language` is the language that the screens are in.
    """

    def __init__(
        self,
        transcript: Transcript,
        stage: Stage,
        *,
        gateway: str = "africastalking",
        members: Mapping[str, str] | None = None,
        language: str = "",
        path: Path | None = None,
    ) -> None:
        self.transcript = transcript
        self.stage = stage
        self.gateway = gateway
        self.language = language
        self.phones: dict[str, Phone] = {}
        """By the names of their owners, in the order in which they first came up."""
        self.last: str = ""
        """Who did something last."""
        self.late: dict[str, list[Late]] = {}
        """Answers that are under way, by name."""
        self.chats: dict[tuple[str, str], ChatPhone] = {}
        """Phones with a chat, by the names of their owners and the channel."""
        self.groups: dict[str, Group] = {}
        """Groups on Telegram, by title."""
        self.path = path
        self._devices: dict[str, Phone | ChatPhone] = {}
        self._on: dict[str, tuple[str, str]] = {}
        self._values: dict[tuple[str, str], str] = {}
        self._members = {name: (number, gateway, "*284#") for name, number in (members or {}).items()}

    @property
    def clock(self) -> Clock:
        """The time of the stage."""
        return self.stage.clock

    # --- for steps ---

    def is_at(self, who: str, number: str, gateway: str | None = None, code: str | None = None) -> None:
        """Give a member a number, and a gateway and a service code of their own. Raises `LookupError` once they act."""
        if who in self.phones:
            raise LookupError(f"{who} has acted already: numbers are given before")
        self._members[who] = (number, gateway or self.gateway, code or "*284#")

    def number(self, who: str) -> str:
        """A member's number, E.164."""
        if who not in self._members:
            taken = {number for number, _, _ in self._members.values()}
            free = (f"+{number}" for number in itertools.count(FIRST_NUMBER) if f"+{number}" not in taken)
            self._members[who] = (next(free), self.gateway, "*284#")
        return self._members[who][0]

    def phone(self, who: str) -> Phone:
        """A member's phone. Raises `LookupError` for a gateway nobody speaks."""
        if who not in self.phones:
            number = self.number(who)
            _, gateway, code = self._members[who]
            self.phones[who] = self.stage.phone(number, gateway=gateway, code=code)
        self.last = who
        self._devices[who] = self.phones[who]
        return self.phones[who]

    def is_on(self, who: str, channel: str, language: str = "") -> None:
        """Say where a member chats from now on, one of `CHATS`, and in which language their app is."""
        self._on[who] = channel, language

    def chat(self, who: str, channel: str = "") -> ChatPhone:
        """A member's phone with a chat: where they are on, else on the gateway that is played, else on the only one.

        Raises `LookupError` where none is meant, or the stage has no such channel.
        """
        said, language = self._on.get(who, ("", ""))
        channel = channel or said or self._chats_on()
        if (who, channel) not in self.chats:
            if channel not in CHATS:
                raise LookupError(f"nobody said where {who} chats. Write it above: {who} is on Telegram.")
            self.chats[who, channel] = self._on_channel(who, channel, language)
        self.last = who
        self._devices[who] = self.chats[who, channel]
        return self.chats[who, channel]

    def _on_channel(self, who: str, channel: str, language: str) -> ChatPhone:
        if channel == "socket":
            return self.stage.webchat(who)
        number = self.number(who)
        if channel == "telegram":
            return self.stage.telegram(who, phone=number, language=language)
        return self.stage.whatsapp(who, phone=number)

    def device(self, who: str) -> Phone | ChatPhone:
        """What a member used last. Raises `LookupError` when nobody did anything."""
        if who not in self._devices and not self._devices:
            raise LookupError("nobody has sent a request yet")
        return self._devices[who] if who in self._devices else self.phone(who)

    def provider(self, channel: str) -> Emulator:
        """The other side of a channel, `Telegram` or `WhatsApp`."""
        chats = self.stage.chats
        return chats.bot() if channel.lower() == "telegram" else chats.business()[0]

    def _chats_on(self) -> str:
        """Where members chat of whom nothing is said; empty where that is not clear."""
        if self.gateway in CHATS:
            return self.gateway
        has = [name for name in ("telegram", "whatsapp") if getattr(self.stage.settings, name)]
        has += ["socket"] if self.stage.app.live is not None else []
        return has[0] if len(has) == 1 else ""

    def know(self, owner: str, name: str, value: str) -> None:
        """Give a value a name: `know("Asha", "PIN", "2580")` is `her PIN`, `know("the", "code", "17")` `the code`."""
        self._values[owner, name] = value

    def value(self, name: Named, who: str = "") -> str:
        """What stands behind `her PIN`, said of a member, or behind `the code`, which is everybody's.

        Raises `LookupError` when nobody gave it a value.
        """
        owner = who or self.last if name.owner in ("her", "his", "their", "its") else name.owner
        for key in ((owner, name.name), ("the", name.name)):
            if key in self._values:
                return self._values[key]
        said = Named(owner or "the", name.name)
        first = str(said)[0].upper() + str(said)[1:]
        raise LookupError(
            f"nobody said what {said} is. Write it above: {first} is 1234. "
            f'Or put an answer that is meant word for word in quotes: "{name}"'
        )

    def answers(self, text: str, who: str = "") -> list[str]:
        """The answers that a line tells, with values for names. Raises `LookupError` and `ValueError`."""
        return [
            self.value(answer, who) if isinstance(answer, Named) else answer.text
            for answer in read_answers(text)
        ]
