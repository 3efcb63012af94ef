"""Small apps made of functions, and what exploring them finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from kikao.app import App
from kikao.checking.exploring import Exploration
from kikao.checking.findings import Finding
from kikao.conversation.flows import FlowFunction, Flows

LONG_NAME = "Nakalembe Nabukenya Florence M"
"""What is made up where a service names somebody."""


def app_of(*functions: FlowFunction, **more: Any) -> App:
    """An app of some flows, by the names of their functions; the first is the entry."""
    flows = Flows()
    for function in functions:
        flows.flow(function.__name__.replace("_", "-"), title=function.__name__)(function)
    entry = functions[0].__name__.replace("_", "-")
    return App(flows, entry=entry, **{"members": False, **more})


def found(exploration: Exploration, *codes: str) -> list[Finding]:
    """The findings of some rules."""
    return [finding for finding in exploration.findings if finding.code in codes]


def codes(exploration: Exploration) -> list[str]:
    return sorted(finding.code for finding in exploration.findings)


def line_of(words: str, file: str) -> int:
    """The one line of a file that has these words, outside of what looks for it."""
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    (line,) = [n for n, text in enumerate(lines, 1) if words in text and "line_of(" not in text]
    return line


def catalogs(folder: Path, languages: Mapping[str, Iterable[tuple[str, str]]]) -> Path:
    """Compiled catalogs with some sentences."""
    for language, sentences in languages.items():
        catalog = Catalog(language)
        for msgid, translation in sentences:
            catalog.add(msgid, translation)
        path = folder / language / "LC_MESSAGES" / "messages.mo"
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            write_mo(file, catalog)
    return folder
