"""Checking whole folders of catalogs: those of a package, and those that an app shows its members."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from kikao.checking.findings import Finding, told
from kikao.checking.places import shown
from kikao.checking.reading import ENGINE, files_under
from kikao.checking.translations.catalog import Catalog, Damaged, read
from kikao.checking.translations.rules import wrong_in
from kikao.checking.translations.sentences import Sentence, in_order, sentences_in
from kikao.i18n import LIBRARY
from kikao.i18n.messages import SOURCE


class Checked(msgspec.Struct):
    """What was found. `reviews` count, for each file, what a native speaker should still look at."""

    sentences: int
    languages: list[str]
    findings: list[Finding]
    reviews: dict[str, int]


def catalogs_in(folder: Path) -> list[Path]:
    """The catalogs of a folder, sorted."""
    return sorted(folder.glob("*/LC_MESSAGES/*.po"))


def wider(language: str) -> str:
    """The language that a region's catalog narrows: `sw` of `sw_TZ`; empty for `sw`."""
    return re.split("[_-]", language)[0] if re.search("[_-]", language) else ""


def check_package(source: Path, folder: Path) -> Checked:
    """Check the sentences of the code under a folder, and the catalogs that are made of them."""
    sentences, findings = sentences_in(files_under(source), source)
    return _check({folder: sentences}, findings)


def check_app(
    files: Iterable[Path], folders: Iterable[Path], locales: Iterable[str], place: tuple[str, int]
) -> Checked:
    """Check what an app shows its members: the sentences of its files, in its catalogs, and kikao's own.

    A sentence is of the catalogs in the folder that lies beside it or above it, else of the first; `place` is the file
    and the line where the app is made, for what has no other.
    """
    own = [folder.resolve() for folder in folders if folder.resolve() != LIBRARY.resolve()]
    every = dict.fromkeys(path.resolve() for path in files)
    for folder in own:
        every.update(dict.fromkeys(path.resolve() for path in files_under(folder.parent)))
    by_folder: dict[Path, list[Path]] = {folder: [] for folder in own}
    for path in every:
        above = [folder for folder in own if folder.parent in path.parents]
        nearest = max(above, key=lambda folder: len(folder.parts), default=own[0] if own else Path())
        by_folder.setdefault(nearest, []).append(path)
    sentences: dict[Path, dict[str, Sentence]] = {}
    findings: list[Finding] = []
    for folder, paths in by_folder.items():
        sentences[folder], wrong = sentences_in(sorted(paths), folder.parent)
        findings += wrong
    checked = _check({folder: sentences[folder] for folder in own}, findings)
    count = len({msgid for found in sentences.values() for msgid in found})
    checked.sentences = count
    checked.findings += _languages(own, [each for each in locales if each != SOURCE], count, place)
    return checked


def _check(folders: Mapping[Path, Mapping[str, Sentence]], findings: list[Finding]) -> Checked:
    """Check the catalogs of some folders, each against sentences of its own; what one has, another may leave out."""
    reviews: dict[str, int] = {}
    languages: set[str] = set()
    found: dict[Path, list[Catalog]] = {}
    for folder in folders:
        found[folder] = []
        for path in catalogs_in(folder):
            languages.add(path.parent.parent.name)
            try:
                found[folder].append(read(path))
            except Damaged as damaged:
                findings.append(damaged.finding)
    own = {msgid for sentences in folders.values() for msgid in sentences}
    engine = _engine() if not any(folder.resolve() == LIBRARY.resolve() for folder in folders) else {}
    engines = {msgid for ready in engine.values() for msgid in ready}
    for folder, catalogs in found.items():
        beside = {catalog.language for catalog in catalogs}
        for catalog in catalogs:
            broad = wider(catalog.language)
            left = set(folders[folder]) if broad in beside else set()
            left |= engine.get(catalog.language, set()) | engine.get(broad, set())
            for other, theirs in found.items():
                if other != folder:
                    left |= {
                        m for each in theirs if each.language in (catalog.language, broad) for m in each.ready
                    }
            findings += wrong_in(catalog, folders[folder], left, own | engines)
            waiting = sum(entry.review for entry in catalog.entries.values())
            if waiting:
                reviews[shown(catalog.path)] = waiting
        findings += (
            told("K205", f"there is no {mo.stem}.po beside it. Delete it.", file=shown(mo), line=1)
            for mo in sorted(folder.glob("*/LC_MESSAGES/*.mo"))
            if not mo.with_suffix(".po").exists()
        )
    count = len(own)
    return Checked(count, sorted(languages), in_order(findings), reviews)


def _engine() -> dict[str, set[str]]:
    """kikao's own sentences that are translated, by language."""
    return {path.parent.parent.name: read(path).ready for path in catalogs_in(LIBRARY)}


def _languages(own: list[Path], locales: list[str], count: int, place: tuple[str, int]) -> Iterable[Finding]:
    """Languages of the app that nothing is translated into: one finding for its sentences, one for kikao's."""
    engine = _engine()
    engines = set().union(*engine.values())
    file, line = place
    for locale in locales:
        tags = {locale.replace("-", "_"), locale, wider(locale)} - {""}
        if SOURCE in tags:
            continue
        catalogs = [path for folder in own for path in catalogs_in(folder) if path.parent.parent.name in tags]
        if count and not catalogs:
            yield Finding(
                code="K201",
                message=f"there is no catalog for {locale}: {count} sentences are shown in another language",
                hint=f"Begin one: `kikao messages update --add {locale.replace('-', '_')}`.",
                file=file,
                line=line,
                locale=locale,
            )
        there = set().union(*(engine.get(tag, set()) for tag in tags), *map(_ready, catalogs))
        if missing := sorted(engines - there):
            some = ", ".join(map(repr, missing[:3]))
            yield Finding(
                code="K201",
                message=f"{len(missing)} of kikao's own {len(engines)} sentences have no {locale}: {some} ...",
                hint=(
                    f"`kikao messages update {ENGINE} --locales words --add {locale.replace('-', '_')}`, translate "
                    "them, and give the folder to the app: catalogs=[..., 'words']."
                ),
                file=file,
                line=line,
                locale=locale,
            )


def _ready(path: Path) -> set[str]:
    try:
        return read(path).ready
    except Damaged:
        return set()
