"""Screens against the page: does a question fit, in every language, with the longest values it can have?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec import structs

from kikao.channels.ussd.gateway import UssdGateway
from kikao.channels.ussd.pages import TooLong
from kikao.channels.ussd.registry import SLUGS, gateway
from kikao.checking.exploring.asking import Place
from kikao.checking.exploring.exploration import Options
from kikao.checking.exploring.gallery import Gallery, Letters, Shot, messages_of, without_values
from kikao.checking.findings import Finding
from kikao.config import UssdSettings
from kikao.conversation.changes import UPDATED
from kikao.conversation.effects import NOT_DONE, SETTLED, UNCERTAIN
from kikao.conversation.screens import Screen
from kikao.i18n.gsm7 import GSM7, Budget, cost, fits, normalise
from kikao.i18n.messages import Message, Text, Translate

LIST_PAGES: Final = 3
"""A list of data may be read on so many pages; one that is written in the code, on one."""

FOREIGN: Final = 0.2
"""Where more of a sentence's letters are outside of GSM-7, its language is: there is nothing to replace."""

At = Callable[[str], Place]


class Pages:
    """Screens as the narrowest gateway shows them. `place_of` finds a sentence in the code."""

    def __init__(
        self,
        translates: Mapping[str, Translate],
        options: Options,
        *,
        place_of: At,
        constants: frozenset[str],
    ) -> None:
        self._translates = translates
        self._gateway = narrowest(options)
        self._options = options
        self._place_of = place_of
        self._constants = constants
        self._found: dict[tuple[str, ...], tuple[int, Finding]] = {}

    def findings(self, gallery: Gallery) -> list[Finding]:
        """What is wrong with the screens: of each question the worst in each language."""
        for shot, screen, letters in gallery.shots():
            for locale, translate in self._translates.items():
                self._check(shot, screen, letters, locale, translate)
        return [finding for _, finding in self._found.values()]

    def _check(self, shot: Shot, screen: Screen, letters: Letters, locale: str, translate: Translate) -> None:
        self._alphabet(shot, screen, locale, translate)
        budget = self._gateway.budget
        try:
            pages = self._gateway.pages(screen, translate)
        except TooLong as problem:
            over = problem.cost.units - (budget.septets if problem.cost.alphabet == "gsm7" else budget.units)
            whole = "\n".join(self._lines(screen, translate))
            said = f"the confirmation is over one page {self._over(over, problem.cost.alphabet)}"
            self._report("K103", over, shot, screen, locale, said, whole)
            return
        self._words(shot, screen, locale, translate)
        if len(pages) == 1:
            return
        if screen.ends:
            if len(pages) > self._options.last_pages:
                said = f"a last screen takes {len(pages)} pages, more than {self._options.last_pages}"
                self._report("K101", len(pages), shot, screen, locale, said, pages[0])
            return
        footer = [
            f"{line.key} {translate(line.label)}"
            for line in screen.navigation
            if line.value not in ("more", "previous")
        ]
        body = [translate(text) for text in screen.body if not _told_once(text)]
        text = normalise("\n".join(filter(None, [*body, *footer])))
        if not fits(text, budget):
            needed = cost(text)
            over = needed.units - (budget.septets if needed.alphabet == "gsm7" else budget.units)
            said = f"the text of the question is over one page {self._over(over, needed.alphabet)}"
            self._report("K101", over, shot, screen, locale, said, pages[0])
        elif screen.options:
            self._list(shot, screen, locale, translate, [body[-1]], footer)

    def _list(
        self,
        shot: Shot,
        screen: Screen,
        locale: str,
        translate: Translate,
        prompt: Iterable[str],
        footer: Iterable[str],
    ) -> None:
        """Options that go on on later pages, with nothing but the question above them."""
        options = [f"{option.key} {translate(option.label)}" for option in screen.options]
        text = normalise("\n".join(filter(None, [*prompt, *options, *footer])))
        if fits(text, self._gateway.budget):
            return
        pages = len(self._gateway.pages(_only_prompt(screen), translate))
        most = 1 if self._written(screen) else LIST_PAGES
        if pages > most:
            said = f"{len(options)} options take {pages} pages"
            self._report("K104", pages, shot, screen, locale, said, self._gateway.pages(screen, translate)[0])

    def _written(self, screen: Screen) -> bool:
        """Whether the options are written in the code, and no data."""
        return all(
            isinstance(option.label, Message) or option.label in self._constants for option in screen.options
        )

    def _words(self, shot: Shot, screen: Screen, locale: str, translate: Translate) -> None:
        """Words and labels that do not fit on a page of their own."""
        more = next((f"\n{o.key} {translate(o.label)}" for o in screen.navigation if o.value == "more"), "")
        budget = self._gateway.budget
        for text in screen.body:
            for word in normalise(translate(text)).split():
                if not fits(word + more, budget):
                    said = f"a word of {len(word)} characters is longer than a page"
                    self._report("K105", len(word), shot, screen, locale, said, word[:40])
        for option in screen.options:
            label = normalise(f"{option.key} {translate(option.label)}")
            if not fits(label + more, budget):
                said = f"the label of option {option.key} is longer than a page"
                self._report("K105", len(label), shot, screen, locale, said, label)

    def _alphabet(self, shot: Shot, screen: Screen, locale: str, translate: Translate) -> None:
        """Characters of translators that GSM-7 lacks, in a language that it writes otherwise."""
        sentences = [
            (bare, normalise(translate(bare)))
            for each in messages_of(screen)
            if (bare := without_values(each))
        ]
        sentences += (
            (Message(option.label), normalise(option.label))
            for option in screen.options
            if isinstance(option.label, str) and option.label in self._constants
        )
        for message, written in sentences:
            outside = [character for character in written if character not in GSM7]
            letters = sum(character.isalpha() for character in written)
            if not outside or len(outside) > max(1.0, FOREIGN * letters):
                continue
            first = outside[0]
            said = f"{first!r} (U+{ord(first):04X}) in {_short(written)!r} makes the page UCS-2"
            file, line = self._place_of(message.msgid)
            finding = Finding(
                code="K102",
                message=said,
                file=file or shot.place[0],
                line=line or shot.place[1],
                flow=shot.spot[0],
                key=shot.spot[1],
                locale=locale,
                screen=written,
            )
            self._found.setdefault(("K102", message.msgid, locale), (1, finding))

    def _report(
        self, code: str, worst: int, shot: Shot, screen: Screen, locale: str, said: str, page: str
    ) -> None:
        prompt = next((each for each in reversed(screen.body) if isinstance(each, Message)), None)
        mark = (code, shot.spot[0], shot.spot[1], locale, prompt.msgid if prompt and screen.ends else "")
        known = self._found.get(mark)
        if known is not None and known[0] >= worst:
            return
        file, line = shot.place
        if not file and prompt is not None:
            file, line = self._place_of(prompt.msgid)
        finding = Finding(
            code=code,
            message=said,
            file=file,
            line=line,
            flow=shot.spot[0],
            key=shot.spot[1],
            locale=locale,
            screen=page,
        )
        self._found[mark] = (worst, finding)

    def _over(self, over: int, alphabet: str) -> str:
        unit = "septets" if alphabet == "gsm7" else "UTF-16 units (a value or a letter is outside of GSM-7)"
        return f"by {over} {unit} ({self._gateway.slug})"

    def _lines(self, screen: Screen, translate: Translate) -> list[str]:
        lines = [translate(text) for text in screen.body]
        return [*lines, *(f"{option.key} {translate(option.label)}" for option in screen.options)]


def narrowest(options: Options) -> UssdGateway:
    """The USSD gateway with the least room on a page, or one with as much as the options say."""
    kinds = [gateway(slug) for slug in SLUGS]
    found = min(kinds, key=lambda each: (each.budget.septets, each.budget.units))
    if options.septets or options.units:
        found = gateway(found.slug, UssdSettings())
        room = found.budget
        found.budget = Budget(options.septets or room.septets, options.units or room.units)
    return found


def _only_prompt(screen: Screen) -> Screen:
    return structs.replace(screen, body=screen.body[-1:])


def _told_once(text: Text) -> bool:
    """Whether a text is the engine's own, after an interruption: it may take a page before the question."""
    return isinstance(text, Message) and text.msgid in _NOTICES


_NOTICES: Final = frozenset(each.msgid for each in (NOT_DONE, SETTLED, UNCERTAIN, UPDATED))


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
