"""Catalogs: gettext translations, looked up when a screen is rendered, and safe formatting of values.

A sentence is what an author wrote and keeps its line breaks. Values (parameters, and a plain `str` in place
of a sentence) are data that may come from a member: they are put in as they are, never formatted
themselves, on one line and without control characters, so that a name with a line break cannot forge a line
of the menu.
"""

from __future__ import annotations

import copy
import gettext
import os
import re
import shlex
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from kikao.i18n.dates import Day, Moment
from kikao.i18n.messages import SOURCE, Message, Text, Translate
from kikao.i18n.money import Amount, format_amount
from kikao.i18n.months import date_text
from kikao.i18n.templates import Template, keeps_to, template

LIBRARY: Final = Path(__file__).parent / "locales"
"""The catalogs of kikao's own sentences; give them behind those of the app."""


class Catalogs:
    """Translations of some directories of compiled catalogs, `<directory>/<locale>/LC_MESSAGES/*.mo`.

    The first directory that has a sentence wins, so give the app's before the library's. A sentence is
    looked for in the locale, in what it narrows (`lg-UG`, `lg`), in `default`, and then shown as written in
    the code, which is `SOURCE`: for `en` nothing is looked up in another language, though it has no catalog.
    Catalogs are loaded when first needed.

    Nothing here raises for a member. A translation that cannot be used (a placeholder that the sentence
    does not have, one left out, a stray brace) is passed over for the sentence itself, and `problems` says
    so once; `on_problem` is called with the same text.
    """

    def __init__(
        self, *directories: str | Path, default: str = "en", on_problem: Callable[[str], None] | None = None
    ) -> None:
        """Raises `ValueError` for a directory that is none."""
        for directory in directories:
            if not Path(directory).is_dir():
                raise ValueError(
                    f"catalogs: there is no folder {directory}. Make it with a first language, such as sw: "
                    f"`{_command(Path(directory))}`. Or name the one with <language>/LC_MESSAGES."
                )
        self.default = default
        self.problems: list[str] = []
        self._known: set[str] = set()
        self.directories = tuple(Path(directory) for directory in directories)
        self._on_problem = on_problem
        self._found: dict[str, list[Path]] | None = None
        self._loaded: dict[Path, gettext.GNUTranslations | None] = {}
        self._translators: dict[tuple[str, ...], Translate] = {}
        self._chosen: dict[str, Translate] = {}

    def locales(self) -> tuple[str, ...]:
        """The locales there are, sorted, as BCP 47 tags (`lg`, `lg-UG`); always with the default."""
        names = {
            path.parent.parent.name.replace("_", "-") for paths in self._files().values() for path in paths
        }
        return tuple(sorted(names | {self.default.replace("_", "-")}))

    def translate(self, locale: str) -> Translate:
        """A function that renders a `Text` in a locale (`lg-UG`, `lg_UG`); an unknown one is the default."""
        found = self._chosen.get(locale)
        if found is None:
            chain = self._chain(locale)
            found = self._translators.get(chain)
            if found is None:
                found = self._translators[chain] = self._translator(chain)
            if len(self._chosen) >= _MOST:
                self._chosen.clear()
            self._chosen[locale] = found
        return found

    def _chain(self, locale: str) -> tuple[str, ...]:
        """Locales with a catalog, nearest first; none after the language of the code."""
        files = self._files()
        chain: list[str] = []
        for name in (_tag(locale), _tag(self.default)):
            while name:
                if name in files and name not in chain:
                    chain.append(name)
                if name == SOURCE:
                    return tuple(chain)
                name = name.rpartition("-")[0]
        return tuple(chain)

    def _files(self) -> dict[str, list[Path]]:
        if self._found is None:
            found: dict[str, list[Path]] = {}
            for directory in self.directories:
                for path in sorted(directory.glob("*/LC_MESSAGES/*.mo")):
                    found.setdefault(_tag(path.parent.parent.name), []).append(path)
            self._found = found
        return self._found

    def _translator(self, chain: tuple[str, ...]) -> Translate:
        catalog: gettext.NullTranslations = gettext.NullTranslations()
        for path in reversed([path for tag in chain for path in self._files()[tag]]):
            loaded = self._load(path)
            if loaded is not None:
                nearer = copy.copy(loaded)
                nearer.add_fallback(catalog)
                catalog = nearer
        return _Sentences(chain[0] if chain else SOURCE, catalog, self._report).render

    def _load(self, path: Path) -> gettext.GNUTranslations | None:
        if path not in self._loaded:
            try:
                with path.open("rb") as file:
                    self._loaded[path] = gettext.GNUTranslations(file)
            except (OSError, ValueError, LookupError, struct.error) as error:
                self._loaded[path] = None
                self._report(f"{path}: not a compiled catalog ({error}). Compile it again.")
        return self._loaded[path]

    def _report(self, problem: str) -> None:
        if problem not in self._known and len(self._known) < _MOST:
            self._known.add(problem)
            self.problems.append(problem)
            if self._on_problem is not None:
                self._on_problem(problem)


def _command(directory: Path) -> str:
    """What makes a folder of catalogs beside some code, typed in the present folder."""
    code = os.path.relpath(directory.parent)
    source = [] if code == os.curdir else [code]
    named = [] if directory.name == "locales" else ["--locales", os.path.relpath(directory)]
    return shlex.join(["kikao", "messages", "update", *source, *named, "--add", "sw"])


_MOST = 1000
"""Sentences, locales and problems kept of each kind: what is not written in code could be any number."""

_SPACE = re.compile("[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_GONE = re.compile("[\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_LONE = re.compile("[\ud800-\udfff]")


class _Sentences:
    """The sentences of one locale, compiled once each."""

    __slots__ = ("_catalog", "_locale", "_plurals", "_report", "_templates")

    def __init__(self, locale: str, catalog: gettext.NullTranslations, report: Callable[[str], None]) -> None:
        self._locale = locale
        self._catalog = catalog
        self._report = report
        self._templates: dict[str, Template] = {}
        self._plurals: dict[tuple[str, str, str, str], Template] = {}

    def render(self, text: Text) -> str:
        """The text in this locale, with its parameters."""
        if isinstance(text, str):
            return text if text.isprintable() else one_line(text)
        if text.plural:
            sentence, names = self._plural(text)
        else:
            found = self._templates.get(text.msgid)
            sentence, names = found if found is not None else self._singular(text.msgid)
        if not names:
            return sentence
        params = text.params
        values = []
        for name in names:
            value = params.get(name)
            if isinstance(value, str):
                values.append(value if value.isprintable() else one_line(value))
            elif isinstance(value, Amount):
                values.append(format_amount(value))
            elif isinstance(value, int):
                values.append(str(value))
            else:
                values.append(self._other(text, name, value))
        return sentence % tuple(values)

    def _other(self, text: Message, name: str, value: Any) -> str:
        """What is shown for a nested message, a date, the count, and for what should not be there."""
        if isinstance(value, Message):
            return self.render(value)
        if isinstance(value, Day | Moment):
            return self.render(date_text(value))
        if name == "n" and text.plural and value is None:
            return str(text.n)
        if isinstance(value, float):
            return str(value)
        self._report(f"{text.msgid!r}: no value for {{{name}}}. Give it as a parameter.")
        return f"{{{name}}}"

    def _singular(self, msgid: str) -> Template:
        found = template(msgid)
        translated = self._catalog.gettext(msgid) if msgid else ""
        if translated and translated != msgid:
            if keeps_to(translated, msgid):
                found = template(translated)
            else:
                self._wrong(msgid, translated)
        if len(self._templates) >= _MOST * 10:
            self._templates.clear()
        self._templates[msgid] = found
        return found

    def _plural(self, text: Message) -> Template:
        msgid, plural = text.msgid, text.plural
        written = msgid if text.n == 1 else plural
        try:
            translated = self._catalog.ngettext(msgid, plural, text.n)
        except (ArithmeticError, ValueError, TypeError):
            translated = written
            self._report(f"{self._locale}: the plural rule does not work for {text.n}. Mend Plural-Forms.")
        key = (msgid, plural, written, translated)
        found = self._plurals.get(key)
        if found is None:
            if translated in (msgid, plural) or keeps_to(translated, msgid, plural):
                found = template(translated)
            else:
                self._wrong(msgid, translated)
                found = template(written)
            if len(self._plurals) >= _MOST * 10:
                self._plurals.clear()
            self._plurals[key] = found
        return found

    def _wrong(self, msgid: str, translated: str) -> None:
        self._report(
            f"{self._locale}: {translated!r} has other placeholders than {msgid!r}, which is shown instead. "
            "Mend the translation."
        )


def one_line(text: str) -> str:
    """The text with one space for each run of spaces and control characters, and no marks of direction."""
    return _LONE.sub("?", _SPACE.sub(" ", _GONE.sub("", text))).strip()


def _tag(locale: str) -> str:
    return locale.replace("_", "-").lower()
