"""STOP, START and HELP: words that an SMS may be, by language. They are never answers, whatever is asked.

The words of English are those that operators and their rules name (CTIA, Messaging Principles and Best Practices,
2023, 5.1.3). Those of Swahili and Luganda are ours, and wait for review by somebody who speaks them at home: who knows
better ones sets them (`KIKAO_SMS_<GATEWAY>_STOP` and so on).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

What = Literal["stop", "start", "help"]

WORDS: Final[Mapping[str, Mapping[What, tuple[str, ...]]]] = {
    "en": {"stop": ("STOP", "STOPALL", "UNSUBSCRIBE"), "start": ("START", "UNSTOP"), "help": ("HELP",)},
    "sw": {"stop": ("ACHA", "SITISHA"), "start": ("ANZA",), "help": ("MSAADA",)},  # to be reviewed
    "lg": {
        "stop": ("LEKERA AWO", "YIMIRIZA"),
        "start": ("TANDIKA",),
        "help": ("OBUYAMBI",),
    },  # to be reviewed
}
"""By language. The first of each is what members are told to send."""


class Meant(NamedTuple):
    """A word that was sent, and whose it is."""

    what: What
    locale: str


class Words:
    """The words of one account. `own` replace those of every language, by what they mean; they count as English."""

    def __init__(self, own: Mapping[What, Sequence[str]] = {}) -> None:
        self._meanings: dict[str, Meant] = {}
        for locale, meanings in WORDS.items():
            for what, words in meanings.items():
                given = own.get(what) or ()
                for word in (given if locale == "en" else ()) if given else words:
                    self._meanings.setdefault(_plain(word), Meant(what, locale))

    def meant(self, text: str) -> Meant | None:
        """What a whole message says, if it is one of them: `Stop.` is, `Stop it` is not."""
        return self._meanings.get(_plain(text))

    def first(self, what: What, locale: str) -> str:
        """What members are told to send, in their language where it has a word."""
        found = [word for word, meant in self._meanings.items() if meant == Meant(what, locale)]
        found += [word for word, meant in self._meanings.items() if meant.what == what]
        return found[0].upper()


def words_of(listed: str) -> tuple[str, ...]:
    """The words of a setting: `STOP,QUIT`."""
    return tuple(word.strip() for word in listed.split(",") if word.strip())


def _plain(text: str) -> str:
    """Without case, without the quotes and stops around it, and with single spaces."""
    words = unicodedata.normalize("NFKC", text).split()
    return " ".join(words).strip("\"'“”‘’«».,!?;: ").casefold()
