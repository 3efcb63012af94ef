"""Paging proof: random screens, read by a member who knows nothing but what the pages show.

Each screen goes the real way: a flow asks, the engine says which keys turn its pages, a gateway cuts them, and what the
member types goes back to the engine. Screens differ in alphabets (GSM 7-bit with and without its extension, Luganda,
Arabic, Hebrew, Amharic, Devanagari, emoji, combining marks), in length of words, labels and lists, in kind of question,
in the app's keys and their texts, and in what a page may take on any gateway there is. For every one of them:

- no page is over its budget;
- following the key that each page shows for the next one leads through all pages, in order, and there is an end;
- the pages together say everything once, in order: only white space at their edges is gone;
- every option is on one of those pages, and the key that stands there chooses it, whatever page is shown;
- each line under a page does what it says, and its key is none of an option and none of another line.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar

from kikao import Chat, Flows, Member, Secret, Text
from kikao.channels.ussd.pages import TooLong
from kikao.conversation.engine import Engine
from kikao.conversation.inputs import Dial, Event, Reply
from kikao.conversation.journal import Conversation
from kikao.conversation.navigation import word
from kikao.conversation.screens import Screen
from kikao.i18n.gsm7 import cost, fits, normalise
from tests.reliability.scenes import LABELS, Scene, cutters, random_scene

T = TypeVar("T")

_COMMAND_OF: Final = {start: name for name, start in LABELS.items()}

MOST_KEYS: Final = 500
"""How many pages a member turns before giving up."""


class Broken(Exception):
    """A law does not hold. The text says which, without the screen: the seed brings that back."""


# --- the way of a screen ---

flows: Final = Flows()
_on: dict[str, Scene] = {}


@flows.flow("show")
async def show(chat: Chat) -> None:
    """The scene that is on."""
    it = _on["scene"]
    if it.inside:
        await chat.ask("before", Text(), "before")
    *above, prompt = it.body
    for text in above:
        await chat.say(text)
    if it.kind == "end":
        await chat.end(prompt)
    got = await chat.ask("it", it.answer or Text(), prompt)
    await chat.end(f"got {got}")


class Host:
    """What the engine asks of a turn: here nothing but the time."""

    now = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
    destinations: Collection[str] | None = None

    def __init__(self) -> None:
        self.deadline = asyncio.get_running_loop().time() + 3600

    def new_run(self) -> tuple[str, bytes]:
        return "0" * 32, bytes(32)

    def service(self, kind: Callable[..., T]) -> T:
        raise LookupError(kind)

    async def intend(self, works: Sequence[Any]) -> NoReturn:
        raise AssertionError("no effects here")

    async def perform(self, works: Sequence[Any]) -> list[Any]:
        raise AssertionError("no effects here")


class Line:
    """A member's phone: `page` is what it shows, `pages` all that the screen takes."""

    def __init__(self, it: Scene) -> None:
        self.scene = it
        self.engine = Engine(flows, entry="show", navigation=it.navigation, locales=it.locales)
        self.conversation = Conversation(locale="l1")
        self.screen = Screen(())
        self.pages: list[str] = []
        self.at = 0
        self.ended = False
        self._host = Host()

    @property
    def page(self) -> str:
        return self.pages[self.at]

    async def send(self, event: Event) -> str:
        """One turn, as `kikao.turn` makes it."""
        turned = await self.engine.advance(self.conversation, event, Member("0" * 32, "ussd"), self._host)
        if turned.error is not None:
            raise Broken("the turn failed") from turned.error
        screen = self.engine.displayed(self.conversation, turned.screen)
        if (
            screen != self.screen or not self.pages
        ):  # cutting takes the time, and is the same for the same screen
            self.screen, self.pages = screen, self.scene.gateway.pages(screen, self.scene.translate)
        self.at = turned.page = min(turned.page, len(self.pages) - 1)
        self.engine.paged(self.conversation, turned, len(self.pages))
        self.ended = turned.screen.ends and self.at == len(self.pages) - 1
        return self.page

    async def type(self, text: str) -> str:
        if self.ended:
            raise Broken("the dialogue is over while something is left to read")
        return await self.send(Reply(Secret(text)))

    async def come_to_the_scene(self) -> None:
        await self.send(Dial())
        if self.scene.inside:
            await self.type("x")
        if self.scene.kind == "resume":
            await self.send(Dial())
        elif self.scene.kind == "languages":
            await self.type(self.scene.navigation.language.keys[-1])
        if self.scene.mistaken and self.scene.kind in ("choice", "number", "languages", "resume"):
            await self.type("no answer")


def lines_under(page: str) -> dict[str, str]:
    """The keys that a page shows, by command."""
    found: dict[str, str] = {}
    for line in reversed(page.split("\n")):
        key, mark, rest = line.partition(" @")
        if not mark:
            break
        command = _COMMAND_OF.get("@" + rest[:2], "")
        if not command or command in found:
            raise Broken("a page has a line twice, or one of no command")
        found[command] = key
    return found


def content_of(page: str) -> str:
    lines = page.split("\n")
    while lines and " @" in lines[-1]:
        lines.pop()
    return "\n".join(lines)


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


# --- the laws ---


def check_budget(line: Line) -> None:
    gateway, budget = line.scene.gateway, line.scene.budget
    for page in line.pages:
        taken = cost("x" * gateway.envelope + page)
        if taken.units > (budget.units if taken.alphabet == "ucs2" else budget.septets):
            raise Broken(f"a page takes {taken.units} of {taken.alphabet}")
        if not fits(page, gateway.budget):
            raise Broken("a page takes more than its gateway gives it")


def check_content(line: Line) -> None:
    translate, screen = line.scene.translate, line.screen
    written = [normalise("\n".join(filter(None, map(translate, screen.body))))]
    written += [normalise(f"{option.key} {translate(option.label)}") for option in screen.options]
    if screen.whole and len(line.pages) > 1:
        raise Broken("a confirmation is cut")
    if bare("".join(map(content_of, line.pages))) != bare("".join(written)):
        raise Broken("the pages do not say everything once, in order")


def check_refusal(line: Line, refused: TooLong) -> None:
    """Only a confirmation is refused, and only one that would not fit without a line below it."""
    needed, budget = refused.cost, line.scene.gateway.budget
    fits = needed.units <= (budget.units if needed.alphabet == "ucs2" else budget.septets)
    if line.scene.kind != "confirm" or fits:
        raise Broken("a screen is refused that could be shown")


def check_lines(line: Line) -> None:
    """Each line under a page does what it says; no key stands for two things."""
    screen, pages = line.screen, len(line.pages)
    run = line.conversation.run
    plain = line.conversation.overlay or screen.ends or run is None or run.pending is None
    literal: Iterable[str] = () if plain or run is None or run.pending is None else run.pending.literal
    for place, page in enumerate(line.pages):
        keys = lines_under(page)
        words = [word(key) for key in (*keys.values(), *(option.key for option in screen.options))]
        if len(words) != len(set(words)):
            raise Broken("a key stands for two things")
        for name, key in keys.items():
            meant = line.engine.navigation.command(key, screen, tuple(literal), page=place, pages=pages)
            if meant != ("previous" if name == "back" and place else name):
                raise Broken(f"the line of {name} means {meant}")
        for option in screen.options if place in (0, pages - 1) else ():
            meant = line.engine.navigation.command(
                option.key, screen, tuple(literal), page=place, pages=pages
            )
            if meant is not None:
                raise Broken(f"an option means {meant}")


async def follow(line: Line, tally: Counter[str]) -> None:
    """Turn pages by what they show, to the end and back."""
    pages, seen = list(line.pages), [line.page]
    while "more" in lines_under(line.page) and len(seen) < MOST_KEYS:
        seen.append(await line.type(lines_under(line.page)["more"]))
        tally["keys pressed"] += 1
    if seen != pages:
        raise Broken(f"following the keys shows {len(seen)} pages, there are {len(pages)}")
    if line.screen.ends != line.ended:
        raise Broken("a last screen must close the dialogue on its last page, and nothing else may")
    while line.at > 0 and not line.ended and "back" in lines_under(line.page):
        before = line.at - 1
        if await line.type(lines_under(line.page)["back"]) != pages[before]:
            raise Broken("the key to the page before leads elsewhere")
        tally["keys pressed"] += 1


async def choose(line: Line, chance: random.Random, tally: Counter[str]) -> None:
    """Choose an option by the key that stands on a page, from a page of chance."""
    shown = [
        option
        for option in line.screen.options
        if any(re.search(rf"^{option.key}(\s|$)", content_of(page), re.MULTILINE) for page in line.pages)
    ]
    if shown != list(line.screen.options):
        raise Broken("an option's key is on no page")
    option = chance.choice(shown)
    for _ in range(chance.randint(0, 2)):
        if "more" in lines_under(line.page):
            await line.type(lines_under(line.page)["more"])
    if await line.type(option.key) != f"got {option.value}":
        raise Broken("the key of an option does not choose it")
    tally["options chosen"] += 1


async def answer(line: Line, text: str, tally: Counter[str]) -> None:
    """Answer with what is a key elsewhere, from the last page."""
    while "more" in lines_under(line.page):
        await line.type(lines_under(line.page)["more"])
    if await line.type(text) != f"got {text}":
        raise Broken(f"{text!r} is no answer")
    tally["keys given as answers"] += 1


async def prove(it: Scene, chance: random.Random, tally: Counter[str]) -> None:
    """All laws for one screen. Raises `Broken`."""
    _on["scene"] = it
    line = Line(it)
    try:
        await line.come_to_the_scene()
    except TooLong as refused:
        check_refusal(line, refused)
        tally["confirmations refused"] += 1
        return
    tally["pages"] += len(line.pages)
    tally["page sizes"] = len(cutters())
    tally["screens of several pages"] += len(line.pages) > 1
    check_budget(line)
    check_content(line)
    check_lines(line)
    await follow(line, tally)
    if it.kind == "choice":
        await choose(line, chance, tally)
    elif it.kind in ("literal", "number"):
        await answer(line, chance.choice(("0", "98", "99", "97")), tally)


async def run(
    screens: int, seed: int, *, make: Callable[[random.Random], Scene] = random_scene
) -> tuple[Mapping[str, float], list[str]]:
    """So many random screens; the figures, and what was broken by the number of its screen."""
    tally: Counter[str] = Counter(screens=screens)
    broken: list[str] = []
    for number in range(screens):
        chance = random.Random(f"{seed}/{number}")
        try:
            await prove(make(chance), chance, tally)
        except Broken as law:
            broken.append(f"screen {number} of seed {seed}: {law}")
    return tally, broken
