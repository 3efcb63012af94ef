"""A transcript of what members really do, told step by step as it happens."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sys
from typing import Final

from kikao.transcripts.answers import BLANK, spell, spell_dialled
from kikao.transcripts.parsing import COMMENT, Step, Transcript
from kikao.transcripts.screens import ANYTHING, screen_lines
from kikao.transcripts.writing import steps_text, write

ORDINALS: Final = ("", "second ", "third ", "fourth ", "fifth ", "sixth ", "seventh ", "eighth ", "ninth ")
PAUSES: Final = ((3600, "hour"), (60, "minute"), (1, "second"))


class Recorder:
    """Writes down who did what and what they saw; `text()` is the transcript so far.

    Tell it of each thing when its reply has come: `page` is the screen as the phone shows it, `ended` whether the
    dialogue is over. Of a secret answer only a name is kept (`their PIN`), for which the transcript has a blank that
    its author fills in; whoever tells an answer must know whether it is one. Members are known by first names: one
    word that begins with a capital. Every method raises `ValueError` for another. Of more than `most` steps the rest
    is left out, and said to be.
    """

    def __init__(self, title: str = "A conversation", most: int = sys.maxsize) -> None:
        self.title = " ".join(title.split()) or "A conversation"
        self._most = most
        self._facts: list[str] = []
        self._steps: list[Step] = []
        self._key = secrets.token_bytes(32)
        self._met: dict[str, list[bytes]] = {}
        """Digests of the secrets of a member, under a key that nobody else has and nobody keeps."""

    def member(self, who: str, number: str, *, gateway: str | None = None, code: str | None = None) -> None:
        """Tell a member's number (E.164), and the gateway and service code where they are not those of every player."""
        fact = f"{_name(who)} is {number}"
        fact += f" on {gateway}" if gateway else ""
        fact += f" dialling {code}" if code else ""
        if f"{fact}." not in self._facts:
            self._facts.append(f"{fact}.")

    def on_chat(self, who: str, number: str, channel: str) -> None:
        """Tell a member's number (E.164), and where they chat: `WhatsApp`, `Telegram`."""
        fact = f"{_name(who)} is {number} on {channel}."
        if fact not in self._facts:
            self._facts.append(fact)

    def dialled(
        self, who: str, ahead: str = "", page: str = "", ended: bool = False, *, secret: bool = False
    ) -> None:
        """They dialled, with `ahead` typed behind the code. When part of that was `secret`, it is left blank."""
        said = f" {BLANK if secret else spell_dialled(ahead)}" if ahead else ""
        self._shown(f"{_name(who)} dials{said}.", page, ended, *(ahead.split("*") if secret else ()))

    def answered(
        self, who: str, text: str, page: str = "", ended: bool = False, *, secret: bool | str = False
    ) -> None:
        """They answered. A `secret` may say what it is called: True is a PIN."""
        if secret:
            name = self._secret(_name(who), text, "PIN" if secret is True else secret)
            self._shown(f"{who} answers their {name}.", page, ended, text)
        else:
            self._shown(f"{_name(who)} answers {spell(text)}.", page, ended)

    def wrote(self, who: str, text: str, screen: str = "", *, secret: bool = False) -> None:
        """They wrote in a chat. `screen` is what came of it, with `---` between messages; here and below."""
        if secret:
            self._shown(f"{_name(who)} writes their {self._secret(who, text, 'PIN')}.", screen, False, text)
        else:
            self._shown(f"{_name(who)} writes {spell(text)}.", screen, False)

    def entered(self, who: str, screen: str = "") -> None:
        """They entered a secret on the page of the server: what it was, nobody told, so it is left to the author."""
        fact = f"{_name(who)}'s PIN is {BLANK}."
        if fact not in self._facts:
            self._facts.append(fact)
        self._shown(f"{who} enters their PIN on the page.", screen, False)

    def tapped(self, who: str, label: str, screen: str = "", *, old: bool = False) -> None:
        """They tapped a button, or a row of a list, perhaps of an `old` message."""
        where = " of an old screen" if old else ""
        self._shown(f"{_name(who)} taps {spell(label)}{where}.", screen, False)

    def chatted(self, who: str, does: str, screen: str = "") -> None:
        """They did something else in a chat, as a step has it: `shares their location`."""
        self._shown(f"{_name(who)} {does}.", screen, False)

    def happened(self, sentence: str) -> None:
        """Something that no member did, as a step has it: `Telegram is well again`."""
        self._did(f"{sentence}.")

    def hung_up(self, who: str) -> None:
        """They ended the dialogue, and the gateway told."""
        self._did(f"{_name(who)} hangs up.")

    def lost(self, who: str) -> None:
        """The line broke, and nobody was told."""
        self._did(f"{_name(who)}'s line drops.")

    def again(self, who: str, page: str = "", ended: bool = False) -> None:
        """The gateway sent their last request once more."""
        self._shown(f"The gateway sends {_name(who)}'s request again.", page, ended)

    def passed(self, seconds: float) -> None:
        """Time went by, in whole seconds."""
        whole = round(seconds)
        if whole > 0:
            length, unit = next((length, unit) for length, unit in PAUSES if whole % length == 0)
            count = whole // length
            self._did(f"{count} {unit} passes." if count == 1 else f"{count} {unit}s pass.")

    def noted(self, comment: str) -> None:
        """A line for readers only."""
        self._did(f"{COMMENT} {' '.join(comment.split())}")

    @property
    def empty(self) -> bool:
        """Whether nothing happened yet."""
        return not self._steps

    def text(self) -> str:
        """The transcript so far, with its title; empty while nothing happened."""
        if self.empty:
            return ""
        facts = [Step(fact, 0) for fact in self._facts]
        return write([Transcript(self.title, 0, (*facts, *self._steps))])

    @property
    def told(self) -> tuple[int, int]:
        """How far it is: the facts at its beginning, such as numbers, and the steps."""
        return len(self._facts), len(self._steps)

    def since(self, told: tuple[int, int]) -> str:
        """What was told since then, without the title, to stand behind it."""
        facts, steps = told
        new = [Step(fact, 0) for fact in self._facts[facts:]]
        return steps_text((*new, *self._steps[steps:]))

    def _secret(self, who: str, text: str, name: str) -> str:
        digest = hmac.new(self._key, text.encode(errors="surrogatepass"), hashlib.sha256).digest()
        met = self._met.setdefault(f"{who}'s {name}", [])
        place = next((n for n, each in enumerate(met) if hmac.compare_digest(each, digest)), len(met))
        if place == len(met):
            met.append(digest)
            self._facts.append(f"{who}'s {_nth(len(met))}{name} is {BLANK}.")
        return f"{_nth(place + 1)}{name}"

    def _shown(self, step: str, page: str, ended: bool, *hidden: str) -> None:
        lines = screen_lines(page, ended)
        for text in sorted(filter(None, hidden), key=len, reverse=True):
            lines = tuple(line.replace(text, ANYTHING) for line in lines)
        self._add(Step(step, 0, lines or None))

    def _did(self, step: str) -> None:
        self._add(Step(step, 0))

    def _add(self, step: Step) -> None:
        if len(self._steps) < self._most:
            self._steps.append(step)
        elif len(self._steps) == self._most:
            self._steps.append(Step(f"{COMMENT} What came after {self._most} steps is left out.", 0))


def _nth(number: int) -> str:
    return ORDINALS[number - 1] if number <= len(ORDINALS) else f"{number}th "


def _name(who: str) -> str:
    if not _NAME(who):
        raise ValueError(
            f"{who!r} is no name for a member: one word that begins with a capital, such as Asha"
        )
    return who


_NAME: Final = re.compile(r"[^\W\d_a-z]\w*").fullmatch
