"""What `kikao messages update` and `kikao messages check` do with the catalogs of a package."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from kikao.cli.messages.checks import wrong_in
from kikao.cli.messages.files import Damaged, Po, compiled, forms, key, merged, read, replace, written
from kikao.cli.messages.sources import Finding, Sentence, sentences_of
from kikao.i18n import LIBRARY

REVIEW: Final = "Needs review by a native speaker."
"""The translator's comment on a translation that somebody should still look at; `check` counts them."""

LANGUAGE: Final = re.compile(r"[a-z]{2,3}([_-][A-Za-z0-9]{2,8})*")


def update(source: Path, locales: Path | None, add: tuple[str, ...], *, drop: bool = False) -> int:
    """Merge the sentences of the code into every catalog, and compile it. Nothing is written when anything is wrong.

    `add` are languages to begin a catalog for; `drop` deletes what is translated and not in the code any more.
    Returns the exit code: 0 done, 1 the code or a catalog has to be mended first, 2 there is nothing to update.
    """
    folder = locales or source / "locales"
    for language in add:
        if not LANGUAGE.fullmatch(language):
            click.echo(f"kikao: {language!r} is no language code such as lg or sw_TZ", err=True)
            return 2
    sentences, findings = sentences_of(source)
    paths = sorted({*_catalogs(folder), *(_catalog(folder, language) for language in add)})
    if not paths:
        return _none(folder)
    old: dict[Path, Po] = {}
    for path in paths:
        try:
            old[path] = read(path) if path.exists() else Po(path.parent.parent.name)
        except Damaged as damaged:
            findings.append(damaged.finding)
    if findings:
        return _told(findings)
    for path, before in old.items():
        _update(path, before, sentences, drop=drop)
    return 0


def check(source: Path, locales: Path | None) -> int:
    """Tell everything that is wrong with the sentences of the code and with the catalogs.

    Returns the exit code: 0 nothing, 1 something, 2 there is no catalog.
    """
    folder = locales or source / "locales"
    sentences, findings = sentences_of(source)
    paths = _catalogs(folder)
    if not paths:
        return _none(folder)
    languages = {path.parent.parent.name for path in paths}
    reviews = []
    for path in paths:
        language = path.parent.parent.name
        try:
            po = read(path)
        except Damaged as damaged:
            findings.append(damaged.finding)
            continue
        findings += wrong_in(
            path, po, sentences, narrows=_wider(language) in languages, lent=_lent(folder, language)
        )
        waiting = sum(any(REVIEW in comment for comment in message.user_comments) for message in po.entries())
        if waiting:
            reviews.append(f"{path}: {waiting} translations need a review by a native speaker")
    findings += (
        Finding(str(mo), 1, f"there is no {mo.stem}.po beside it. Delete it.")
        for mo in sorted(folder.glob("*/LC_MESSAGES/*.mo"))
        if not mo.with_suffix(".po").exists()
    )
    if findings:
        return _told(findings)
    click.echo(f"{source}: {len(sentences)} sentences, complete in {', '.join(sorted(languages))}")
    for review in reviews:
        click.echo(review)
    return 0


def _update(path: Path, before: Po, sentences: Mapping[str, Sentence], *, drop: bool) -> None:
    begun = not path.exists()
    after = merged(before, sentences)
    if drop:
        after.obsolete.clear()
    # What is compiled is what the file says: a text may be read back in another form than it was given.
    changed = replace(path, written(after))
    changed = replace(path.with_suffix(".mo"), compiled(read(path))) or changed
    entries = list(after.entries())
    lacking = sum(not any(forms(message)) for message in entries)
    fuzzy = sum(message.fuzzy for message in entries)
    click.echo(
        f"{path}: {'begun' if begun else 'updated' if changed else 'up to date'}, {len(entries)} sentences, "
        f"{lacking} to translate, {fuzzy} fuzzy, {len(after.obsolete)} not used any more"
    )


def _catalogs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/LC_MESSAGES/*.po"))


def _catalog(folder: Path, language: str) -> Path:
    return folder / language / "LC_MESSAGES" / "messages.po"


def _wider(language: str) -> str:
    """The language that a region's catalog narrows: `sw` of `sw_TZ`; empty for `sw`."""
    return re.split("[_-]", language)[0] if re.search("[_-]", language) else ""


def _lent(folder: Path, language: str) -> frozenset[str]:
    """Sentences that kikao itself has in this language, and shows where the app's catalog has nothing for them."""
    if folder.resolve() == LIBRARY.resolve():
        return frozenset()
    found = [_catalog(LIBRARY, each) for each in (language, _wider(language)) if each]
    return frozenset(
        key(message)
        for path in found
        if path.exists()
        for message in read(path).entries()
        if all(forms(message))
    )


def _none(folder: Path) -> int:
    click.echo(f"kikao: no catalogs in {folder}. Begin one: kikao messages update --add lg", err=True)
    return 2


def _told(findings: list[Finding]) -> int:
    for finding in sorted(findings):
        click.echo(finding)
    click.echo(f"{len(findings)} to mend", err=True)
    return 1
