"""The stories come true, word for word, in every language and through every gateway."""

from __future__ import annotations

import pytest

from kikao.i18n.gsm7 import GSM7
from kikao_apps.wallet.service import LOCALES
from tests.wallet.storyteller import GATEWAYS, STORIES, Story, files, played, sections, stories

TOLD = [
    pytest.param(name, story, id=f"{name.removesuffix('.txt')}: {story.title}")
    for name in files()
    for story in stories((STORIES / "en" / name).read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("name", "story"), TOLD)
async def test_a_story(name: str, story: Story, locale: str, gateway: str) -> None:
    text = (STORIES / locale / name).read_text(encoding="utf-8")
    told = await played(story, locale, gateway)
    assert told == sections(text)[story.title], "if it is meant to change: python -m tests.wallet.storyteller"


@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_tells_the_same_stories(locale: str) -> None:
    for name in files():
        here, english = (
            stories((STORIES / folder / name).read_text(encoding="utf-8")) for folder in (locale, "en")
        )
        assert here == english


@pytest.mark.parametrize("locale", LOCALES)
def test_every_screen_is_in_the_alphabet_of_all_phones(locale: str) -> None:
    for name in files():
        text = (STORIES / locale / name).read_text(encoding="utf-8")
        screens = "\n".join(line for line in text.splitlines() if line.startswith("    "))
        assert set(screens) <= GSM7, name
