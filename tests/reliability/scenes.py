"""Random screens for the paging proof: what is on them, the keys of the app, and what a page may take."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import msgspec

from kikao import Choice, Confirm, Key, Message, Navigation, Number, Text
from kikao.channels.ussd.gateway import UssdGateway
from kikao.channels.ussd.pages import Budget
from kikao.channels.ussd.registry import SLUGS, gateway
from kikao.conversation.answers import Answer
from kikao.conversation.screens import Screen
from kikao.i18n.messages import Text as Words
from tests.channels.ussd.told import settings_of

ALPHABETS: Final = {
    "basic": "abcdefghijklmnopqrstuvwxyzABCDEÀèéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉäöñüà0123456789.,:;!?'()-/",
    "extension": "ab^{}\\[~]|€12.",
    "luganda": "abdefgijklmnŋoptuwyŊ'.,",
    "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي؟،٠١٢",
    "hebrew": "אבגדהוזחטי\u200f",
    "amharic": "አማርኛሰላምበቋንቋ።",
    "emoji": "😀🎉👍🏾🇺🇬a",
    "combining": "aeioun\u0301\u0308\u0323\u0327",
    "devanagari": "कखगघङ\u094d\u093f",
    "typographic": "ab’“”–…\u00a0\u2009\u200b\u00ad",
}
"""What words are made of; "@" is left to the labels of keys, so that a member can tell those lines."""

LABELS: Final = {"back": "@B.", "home": "@H.", "more": "@M.", "cancel": "@C.", "language": "@L."}
"""How the label of each command begins."""

KEYS: Final = (*"0 00 98 # 99 97 1 2 10 * ** n Next ŋ 000 ٣".split(), "go on")
"""What an app may choose as a key."""

KINDS: Final = (
    *("choice", "choice", "choice", "choice"),
    *("text", "literal", "number", "confirm", "end", "languages", "resume"),
)


SEPTETS: Final = (80, 160, 182)
"""What a setting may say of a page: the least, the default, and a full USSD string."""


class Scene(msgspec.Struct):
    """One screen to show, and all that is around it."""

    kind: str
    """choice, text, literal, number, confirm, end, languages or resume."""
    body: list[str]
    options: list[str]
    answer: Answer[Any] | None
    navigation: Navigation
    locales: dict[str, str]
    gateway: UssdGateway
    budget: Budget
    """What the network carries: that of the gateway, with its envelope."""
    inside: bool
    """Whether there is a question before it, so that "back" and "home" lead somewhere."""
    mistaken: bool
    """Whether the member answers wrongly first, so that an error stands above."""
    translations: dict[str, str]
    """The engine's own sentences in the member's language."""

    def translate(self, text: Words) -> str:
        return self.translations.get(text.msgid, text.msgid) if isinstance(text, Message) else text


@cache
def cutters() -> tuple[tuple[UssdGateway, Budget], ...]:
    """One gateway, with what the network carries, for each way in which any gateway there is cuts pages."""
    found: dict[tuple[object, Budget, int], tuple[UssdGateway, Budget]] = {}
    for slug in SLUGS:
        for septets in SEPTETS:
            made = gateway(slug, settings_of(slug, septets=septets))
            way = (type(made).pages, made.budget, made.envelope)
            found.setdefault(way, (made, Budget(septets, 80)))
    return tuple(found.values())


def random_scene(chance: random.Random) -> Scene:
    """Any of them."""
    alphabets = chance.sample(list(ALPHABETS), chance.choice((1, 1, 1, 2, 3)))
    if chance.random() < 0.5:
        alphabets = ["basic"]
    kind = chance.choice(KINDS)
    size = chance.choice((2, 5, 15, 40))
    body = [
        running_text(chance, alphabets, chance.randint(0, size)) for _ in range(chance.choice((1, 1, 2, 4)))
    ]
    many = chance.choice((1, 2, 3, 5, 8, 12)) if chance.random() < 0.98 else chance.randint(97, 120)
    options = [label(chance, alphabets) for _ in range(many)]
    answer: dict[str, Answer[Any]] = {
        "choice": Choice([(text, place) for place, text in enumerate(options)]),
        "text": Text(),
        "literal": Text(literal=True),
        "number": Number(min=0),
        "confirm": Confirm(),
    }
    cutter, budget = chance.choice(cutters())
    languages = options[:12] if kind == "languages" else ["English"]
    return Scene(
        kind=kind,
        body=body,
        options=options if kind == "choice" else [],
        answer=answer.get(kind),
        navigation=navigation(chance, alphabets, languages=kind == "languages"),
        locales={f"l{place}": name for place, name in enumerate([*languages, "Kiswahili"], 1)},
        gateway=cutter,
        budget=budget,
        inside=chance.random() < 0.5 or kind == "resume",
        mistaken=chance.random() < 0.3,
        translations={
            sentence: running_text(chance, alphabets, chance.choice((2, 8, 40)))
            for sentence in ("Continue where you stopped?", "Continue", "Start again", "Choose language")
        },
    )


def running_text(chance: random.Random, alphabets: Sequence[str], words: int) -> str:
    gap = chance.choice((" ", " ", " ", "\n", "  ", "\u00a0"))
    return gap.join(one_word(chance, alphabets) for _ in range(words))


def one_word(chance: random.Random, alphabets: Sequence[str]) -> str:
    length = chance.choice((1, 2, 4, 6, 9, 14)) if chance.random() < 0.995 else chance.choice((75, 150, 200))
    return "".join(chance.choices(ALPHABETS[chance.choice(alphabets)], k=length))


def label(chance: random.Random, alphabets: Sequence[str]) -> str:
    words = chance.choice((1, 1, 2, 3)) if chance.random() < 0.97 else chance.choice((0, 15, 40))
    return " ".join(one_word(chance, alphabets) for _ in range(words))


def navigation(chance: random.Random, alphabets: Sequence[str], *, languages: bool) -> Navigation:
    """The default keys, or an app's own. The next page always has a key, or nobody could be led there."""
    while True:
        keys = {}
        for name, start in LABELS.items():
            default: Key = getattr(Navigation(), name)
            needed = name == "more" or (name == "language" and languages)
            typed = default.keys
            if chance.random() < 0.4:
                typed = tuple(chance.sample(KEYS, chance.randint(1 if needed else 0, 3)))
            written = f"{start}{label(chance, alphabets)[:14]}".rstrip()
            shown = name == "more" or (default.shown if chance.random() < 0.6 else chance.random() < 0.5)
            keys[name] = Key(typed, written, shown=shown)
        with contextlib.suppress(ValueError):  # two shown commands with one key
            found = Navigation(**keys)
            if not languages or found.command(keys["language"].keys[-1], Screen(())) == "language":
                return found
