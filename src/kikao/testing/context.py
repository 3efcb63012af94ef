"""Who plays in a transcript: phones by name, and the values that lines call by name. What steps are done with."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kikao.testing.clock import Clock
from kikao.testing.phone import Late, Phone
from kikao.testing.stage import Stage
from kikao.transcripts import Named, Transcript, read_answers

FIRST_NUMBER: Final = 256_772_000_001
"""The number of the first member who is given none; the next one has the next."""


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
        self.path = path
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
        return self.phones[who]

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
