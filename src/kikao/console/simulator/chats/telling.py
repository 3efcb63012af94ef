"""What is done in chats, told as steps of the transcript, each with what came of it."""

from __future__ import annotations

from typing import Final

from kikao.console.simulator.chats.phone import ChatPhone
from kikao.console.simulator.chats.views import Mood
from kikao.console.simulator.telling import CHATS, Told

NEXT: Final = "---"
"""The line between two messages."""

NOTE: Final = "(note: {})"
"""The line that shows the answer to a tap."""

SHARES: Final = {
    "photo": "sends a photo",
    "document": "sends a document",
    "location": "shares their location",
    "contact": "shares their contact",
}

MOODS: Final[dict[Mood, str]] = {
    "well": "{} is well again",
    "down": "{} fails, 1000 times",
    "busy": "{} takes nothing for 1 day",
    "silent": "{} does not answer, 1000 times",
}

RELEASES: Final = {"in_order": "", "backwards": " backwards", "in_one": " in one piece"}


class ToldChats:
    """The chats' part of a transcript. Each thing is told when it has happened; the chat has then what came of it."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._seen: dict[str, int] = {}
        """How many changes of a chat were told, by phone."""
        self._texts: dict[tuple[str, str], str] = {}
        self._notes: dict[str, int] = {}

    def wrote(self, phone: ChatPhone, text: str, *, secret: bool) -> None:
        """A message; of a `secret` only a name."""
        self._told.recorder.wrote(self._who(phone), text, self._news(phone), secret=secret)

    def tapped(self, phone: ChatPhone, label: str, *, is_old: bool) -> None:
        """A button."""
        self._told.recorder.tapped(self._who(phone), label, self._news(phone), old=is_old)

    def shared(self, phone: ChatPhone, what: str) -> None:
        """A photo, a document, a location, a contact."""
        self._told.recorder.chatted(self._who(phone), SHARES[what], self._news(phone))

    def changed(self, phone: ChatPhone, text: str) -> None:
        """What they wrote last, edited."""
        self._told.recorder.chatted(self._who(phone), f"changes that to {text}", self._news(phone))

    def entered(self, phone: ChatPhone) -> None:
        """A secret, on its page; told when something came of it."""
        self._told.recorder.entered(self._who(phone), self._news(phone))

    def has_news(self, phone: ChatPhone) -> bool:
        """Whether something was said that was not told."""
        return phone.member.chat.changes > self._seen.get(f"{phone.endpoint.id} {phone.number}", 0)

    def again(self, phone: ChatPhone) -> None:
        """The provider delivered once more what they did last."""
        self._told.recorder.again(self._who(phone), self._news(phone))

    def read(self, phone: ChatPhone) -> None:
        """They looked at the chat."""
        self._told.recorder.chatted(self._who(phone), "reads it")

    def blocked(self, phone: ChatPhone, blocked: bool) -> None:
        """They want to hear no more of it, or want to again."""
        self._told.recorder.chatted(self._who(phone), "blocks us" if blocked else "unblocks us")

    def held(self, phone: ChatPhone) -> None:
        """The provider keeps what happens to itself."""
        self._told.recorder.happened(f"{self._channel(phone)} keeps to itself what happens")

    def released(self, phone: ChatPhone, order: str) -> None:
        """It told."""
        self._told.recorder.happened(f"{self._channel(phone)} tells it all{RELEASES[order]}")

    def felt(self, phone: ChatPhone, mood: Mood) -> None:
        """The provider is in another mood."""
        self._told.recorder.happened(MOODS[mood].format(self._channel(phone)))

    def _who(self, phone: ChatPhone) -> str:
        return self._told.who(phone)

    @staticmethod
    def _channel(phone: ChatPhone) -> str:
        return CHATS[phone.endpoint.of.channel]

    def _news(self, phone: ChatPhone) -> str:
        """What was said since, or reworded; buttons that go are no news."""
        chat, where = phone.member.chat, f"{phone.endpoint.id} {phone.number}"
        shown = [
            message
            for message in chat.since(self._seen.get(where, 0))
            if self._texts.get((where, message.id)) != message.text
        ]
        self._seen[where] = chat.changes
        self._texts |= {(where, message.id): message.text for message in shown}
        toasts = getattr(phone.member, "toasts", [])
        lines = [NOTE.format(toast) for toast in toasts[self._notes.get(where, 0) :]]
        self._notes[where] = len(toasts)
        for place, message in enumerate(shown):
            lines += [NEXT] if place else []
            lines += message.lines
        return "\n".join(lines)
