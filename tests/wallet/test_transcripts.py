"""The transcripts of the wallet are played by the plugin of `kikao.testing`. Here: that they are whole.

After a change of wording: `pytest tests/wallet/transcripts --accept-screens`, and read what changed.
"""

from __future__ import annotations

import os

import pytest

from kikao.i18n.gsm7 import GSM7
from kikao.transcripts import Transcript, parse
from kikao_apps.wallet.service import LOCALES
from tests.wallet.staging import TRANSCRIPTS

FILES = sorted(path.name for path in (TRANSCRIPTS / "en").iterdir())


def told(locale: str, name: str) -> list[Transcript]:
    return parse((TRANSCRIPTS / locale / name).read_text(encoding="utf-8"), f"{locale}/{name}")


def test_they_are_played(pytestconfig: pytest.Config) -> None:
    if not pytestconfig.pluginmanager.hasplugin("kikao"):
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse("what is installed here is older than the plugin, so no transcript was played: make test")
    assert {path.name for path in TRANSCRIPTS.iterdir()} == set(LOCALES)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_tells_the_same(locale: str, name: str) -> None:
    def steps(told: list[Transcript]) -> list[tuple[str, list[str]]]:
        return [(each.title, [step.text for step in each.steps]) for each in told]

    assert steps(told(locale, name)) == steps(told("en", name))
    assert sorted(path.name for path in (TRANSCRIPTS / locale).iterdir()) == FILES


@pytest.mark.parametrize("locale", LOCALES)
def test_every_screen_is_in_the_alphabet_of_all_phones(locale: str) -> None:
    screens = [step.screen or () for name in FILES for each in told(locale, name) for step in each.steps]
    assert set("".join(line for screen in screens for line in screen)) <= GSM7
