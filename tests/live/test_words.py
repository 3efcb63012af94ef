"""What the widget says before it is connected, and what it is told to say, are the same words."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from kikao.i18n.catalogs import LIBRARY, Catalogs
from kikao.live.words import WORDS, words

ASSETS: Final = Path(__file__).parents[2] / "src/kikao/live/assets"


def test_the_widget_has_the_same_words_in_english() -> None:
    said = re.findall(r"^  (\w+): (\".*\"),$", (ASSETS / "words.js").read_text("utf-8"), re.MULTILINE)
    assert {name: json.loads(word) for name, word in said} == words(Catalogs().translate("en"))


def test_the_widget_has_a_word_for_all_that_it_says_and_says_them_all() -> None:
    scripts = [path.read_text("utf-8") for path in ASSETS.glob("*.js") if path.name != "words.js"]
    asked = {
        name
        for script in scripts
        for said in re.findall(r"\bsay\(([^()]*)", script)
        for name in re.findall(r"\"(\w+)\"", said)
    }
    assert asked <= WORDS.keys()
    quoted = {name for script in scripts for name in re.findall(r"\"(\w+)\"", script)}
    assert WORDS.keys() <= quoted


def test_a_member_reads_them_in_their_language() -> None:
    swahili = words(Catalogs(LIBRARY).translate("sw"))
    assert swahili["begin"] == "Anza tena"
    assert swahili["unread"] == "Ujumbe mpya: {count}"
