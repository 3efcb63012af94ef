"""What `kikao messages update` does with the catalogs of a package."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from kikao.checking.findings import RULES
from kikao.checking.translations import Damaged, Sentence, catalogs_in, sentences_of
from kikao.cli.messages.checking import none, told
from kikao.cli.messages.files import Po, compiled, forms, merged, read, replace, written

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
    findings = [finding for finding in findings if RULES[finding.code].severity == "error"]
    paths = sorted({*catalogs_in(folder), *(_catalog(folder, language) for language in add)})
    if not paths:
        return none(folder)
    old: dict[Path, Po] = {}
    for path in paths:
        try:
            old[path] = read(path) if path.exists() else Po(path.parent.parent.name)
        except Damaged as damaged:
            findings.append(damaged.finding)
    if findings:
        return told(findings)
    for path, before in old.items():
        _update(path, before, sentences, drop=drop)
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


def _catalog(folder: Path, language: str) -> Path:
    return folder / language / "LC_MESSAGES" / "messages.po"
