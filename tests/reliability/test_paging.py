"""A slice of the paging proof, and proof that each of its laws can fail."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from msgspec import structs

from kikao import Navigation
from kikao.channels.ussd.gateways.nalo import Nalo
from kikao.channels.ussd.registry import SLUGS, gateway
from kikao.conversation.screens import Option, Screen
from kikao.i18n.messages import Translate
from tests.channels.ussd.told import settings_of
from tests.reliability import paging
from tests.reliability.scenes import Scene, cutters, random_scene

SEED = 20260131
SLICE = 500


async def test_every_screen_can_be_read_and_answered_by_what_its_pages_show() -> None:
    figures, broken = await paging.run(SLICE, SEED)

    assert broken == []
    assert figures["screens of several pages"] > SLICE / 2
    assert figures["keys pressed"] > SLICE * 3
    assert figures["options chosen"] > SLICE / 4
    assert figures["keys given as answers"] > SLICE / 10
    assert figures["confirmations refused"] > 0
    assert figures["page sizes"] >= 6


def test_every_budget_of_every_gateway_is_among_them() -> None:
    sizes = {(made.budget, made.envelope) for made, _ in cutters()}
    for slug in SLUGS:
        for septets in (80, 160, 182):
            made = gateway(slug, settings_of(slug, septets=septets))
            assert (made.budget, made.envelope) in sizes, slug


# --- the laws can fail ---


def spoilt_by(spoil: Callable[[list[str]], list[str]]) -> Callable[[random.Random], Scene]:
    """Scenes on a gateway whose pages are spoilt where there are several."""

    class Spoilt(Nalo):
        def pages(self, screen: Screen, translate: Translate) -> list[str]:
            pages = super().pages(screen, translate)
            return spoil(pages) if len(pages) > 1 and screen.body != ("before",) else pages

    def make(chance: random.Random) -> Scene:
        scene = random_scene(chance)
        return structs.replace(scene, gateway=Spoilt(budget=scene.budget))

    return make


def without_a_word(pages: Sequence[str]) -> list[str]:
    """The first character of the second page is lost."""
    first, second, *others = pages
    return [first, second[1:], *others]


def twice(pages: Sequence[str]) -> list[str]:
    first, second, *others = pages
    return [first, first.split(" @")[0][:1] + second, *others]


@pytest.mark.parametrize(
    ("spoil", "law"),
    [
        (without_a_word, "do not say everything once"),
        (twice, "do not say everything once"),
        (lambda pages: pages[:-1], "do not say everything once"),
        (lambda pages: [*pages[:-1], "x" * 183 + pages[-1]], "a page takes"),
        (lambda pages: [pages[1], pages[0], *pages[2:]], "do not say everything once"),
        (lambda pages: [page.replace(" @M.", " @X.") for page in pages], "or one of no command"),
        (lambda pages: [page.replace(" @M.", " ") for page in pages], "do not say everything once"),
        (
            lambda pages: ["\n".join(paging.content_of(page).split("\n")) for page in pages],
            "following the keys",
        ),
        (lambda pages: [page.replace("98 @M.", "99 @M.") for page in pages], "the line of more means"),
        (lambda pages: [page.replace("98 @M.", "1 @M.") for page in pages], "a key stands for two things"),
    ],
)
async def test_spoilt_pages_are_found(spoil: Callable[[list[str]], list[str]], law: str) -> None:
    _, broken = await paging.run(60, SEED, make=spoilt_by(spoil))

    assert any(law in each for each in broken), broken[:3]


def always_the_first_key(
    keys: Navigation, screen: Screen, literal: Sequence[str] = ()
) -> tuple[Option | None, Option | None]:
    more = Option(keys.more.keys[0], keys.more.label, "more")
    previous = Option(keys.back.keys[0], keys.back.label, "previous") if keys.back.keys else None
    return more, None if screen.ends else previous


async def test_keys_that_take_answers_away_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Navigation, "page_keys", always_the_first_key)

    _, broken = await paging.run(150, SEED)

    assert any("a key stands for two things" in each for each in broken)
    assert any("is no answer" in each for each in broken)


async def test_a_renderer_that_knows_other_keys_than_the_engine_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Navigation, "displayed", lambda keys, screen, literal=(): screen)

    _, broken = await paging.run(30, SEED)

    assert any("following the keys shows 1 pages" in each for each in broken)
