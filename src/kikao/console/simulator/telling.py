"""Everything done on the table, told as a transcript that can be played as a test. No secret is in it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, Protocol

from kikao.console.simulator.handset import Behind
from kikao.console.simulator.phone import SimulatedPhone
from kikao.transcripts import Recorder

TITLE: Final = "In the simulator"

MOST: Final = 2000
"""Steps that are told: phones that are driven for days fill no memory."""

NAMES: Final = (
    "Asha",
    "Binta",
    "Chidi",
    "Dayo",
    "Esi",
    "Farida",
    "Gasira",
    "Hawa",
    "Imani",
    "Juma",
    "Kato",
    "Lesedi",
)
"""Of members, in the order in which they first do something; after these, Member13 and so on."""


CHATS: Final = {"whatsapp": "WhatsApp", "telegram": "Telegram"}
"""Channels that members chat on, as a transcript calls them."""


class Numbered(Protocol):
    """A phone of a member."""

    @property
    def number(self) -> str: ...
    @property
    def endpoint(self) -> Behind: ...


class Told:
    """The transcript so far. Each thing is told when it has happened; a phone has then what came of it."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.recorder = Recorder(TITLE, MOST)
        """Writes it down."""
        self._names: dict[tuple[str, str], str] = {}

    @property
    def text(self) -> str:
        """The transcript; empty while nothing happened."""
        return self.recorder.text()

    def dialled(self, phone: SimulatedPhone, status: int, ahead: str, *, secret: bool) -> None:
        """A phone dialled; `secret` where part of what was dialled behind the code may be one."""
        self.recorder.dialled(self.who(phone), ahead, phone.screen, self._ended(phone, status), secret=secret)
        self._failed(status)

    def answered(self, phone: SimulatedPhone, status: int, text: str, *, secret: bool) -> None:
        """A phone answered."""
        ended = self._ended(phone, status)
        self.recorder.answered(self.who(phone), text, phone.screen, ended, secret=secret)
        self._failed(status)

    def again(self, phone: SimulatedPhone, status: int) -> None:
        """The last request was delivered once more."""
        self.recorder.again(self.who(phone), phone.screen, self._ended(phone, status))
        self._failed(status)

    def hung_up(self, phone: SimulatedPhone) -> None:
        """The member ended the dialogue."""
        self.recorder.hung_up(self.who(phone))

    def lost(self, phone: SimulatedPhone) -> None:
        """The line dropped."""
        self.recorder.lost(self.who(phone))

    def passed(self, seconds: float) -> None:
        """Time was moved forward."""
        self.recorder.passed(seconds)

    def prefers(self, phone: Numbered, locale: str) -> None:
        """A member prefers another language."""
        self.recorder.noted(f"{self.who(phone)} prefers the language {locale} from now on.")

    def who(self, phone: Numbered) -> str:
        """What its member is called."""
        of = phone.endpoint.of
        key = (phone.number, phone.endpoint.id)
        if key not in self._names:
            place = len(self._names)
            self._names[key] = NAMES[place] if place < len(NAMES) else f"Member{place + 1}"
            if of.channel in CHATS:
                self.recorder.on_chat(self._names[key], phone.number, CHATS[of.channel])
            else:
                self.recorder.member(self._names[key], phone.number, gateway=of.gateway, code=of.code)
        return self._names[key]

    def _failed(self, status: int) -> None:
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            self.recorder.noted(f"The server answered with status {status}.")

    @staticmethod
    def _ended(phone: SimulatedPhone, status: int) -> bool:
        return 0 < status < HTTPStatus.MULTIPLE_CHOICES and not phone.alive
