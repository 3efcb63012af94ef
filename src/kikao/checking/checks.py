"""Checking an app: its sources and translations are read, its conversations explored, and the findings put together."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

import msgspec

from kikao.app import App
from kikao.checking.exploring import Options, explore
from kikao.checking.findings import RULES, Finding
from kikao.checking.places import shown
from kikao.checking.reading import Sources, apply, files_under, is_own, read, sources_of
from kikao.checking.report import Report, severity
from kikao.checking.translations import check_app

APPS: Final = frozenset({"kikao.App", "kikao.app.App"})

EXPLORED: Final = frozenset("K101 K102 K103 K104 K105 K301 K303 K304 K305 K306 K501 K503".split())
"""Rules that are known to be kept only where every branch was explored."""


def check(
    app: App,
    target: str,
    *,
    exploring: Options | None = None,
    select: Collection[str] = (),
    ignore: Collection[str] = (),
    destinations: Collection[str] | None = None,
) -> Report:
    """Everything that is known of an app before anybody dials it. `target` is its `module:app`, which is imported.

    Without `exploring`, or where no rule that it serves is wanted, the app is only read. `select` and `ignore` are
    codes of rules or their beginnings: with `select`, only these are reported; those of `ignore` never are.
    `destinations` are the names that the settings declare, None where they are not known. Services are not opened.
    Not to be called in an event loop.
    """
    module = target.partition(":")[0]
    flows = list(app.engine.flows)
    sources = sources_of(module, [flow.function.__module__ or "" for flow in flows])
    was_read = read(sources, flows, translated=len(app.engine.locales) > 1, destinations=destinations)
    files = _files(app, [each.path for each in sources])
    place = _place(sources, module)
    translated = check_app(files, app.catalogs.directories, app.engine.locales, place)
    wanted = {code for code in RULES if _chosen(code, select, ignore)}
    explored = explore(app, options=exploring) if exploring is not None and wanted & EXPLORED else None
    found = [*was_read.findings, *translated.findings]
    if explored is not None:
        found = together(found, [_here(each) for each in explored.findings])
    whole = explored is not None and all(each.code != "K304" for each in explored.findings)
    judged = wanted if whole else wanted - EXPLORED
    found = apply(dict.fromkeys(found), [(path, shown(path)) for path in files], judged)
    return Report(
        app=target,
        place=place,
        findings=sorted((each for each in found if each.code in wanted), key=_order),
        functions=was_read.functions,
        sentences=translated.sentences,
        languages=tuple(app.engine.locales),
        exploration=explored,
        undone=(f"not read, for want of its source: {', '.join(was_read.unread)}",)
        if was_read.unread
        else (),
    )


def together(read: Iterable[Finding], explored: Iterable[Finding]) -> list[Finding]:
    """The findings of both, each fault once.

    A letter outside of GSM-7 that stands in a text is told where the text is written, with the screen where it was met;
    a turn that breaks at a line where the reason was read is told by its reason; options that are too many or
    too long are so in every language.
    """
    found = list(read)
    long: set[tuple[str, str, int, str]] = set()
    reasons = {(each.file, each.line) for each in found if severity(each) == "error"}
    for each in explored:
        if each.code == "K305" and (each.file, each.line) in reasons:
            continue
        if each.code == "K102" and (at := _written(each, found)) is not None:
            found[at] = msgspec.structs.replace(
                found[at],
                flow=found[at].flow or each.flow,
                key=found[at].key or each.key,
                screen=found[at].screen or each.screen,
            )
            continue
        if each.code in ("K104", "K105"):
            place = (each.code, each.file, each.line, each.key)
            if place in long:
                continue
            long.add(place)
        found.append(each)
    return found


def _written(explored: Finding, found: list[Finding]) -> int | None:
    """Where a K102 of the same language is that names a letter of this screen."""
    for at, each in enumerate(found):
        same = each.code == "K102" and each.locale in ("", explored.locale)
        if same and any(f"U+{ord(letter):04X}" in each.message for letter in explored.screen):
            return at
    return None


def _place(sources: Sources, module: str) -> tuple[str, int]:
    """Where the app is made: file and line of `App(...)`, or the first line of its module."""
    homes = sorted(sources.calls_of(APPS), key=lambda call: call[0].name != module)
    if homes:
        return shown(homes[0][0].path), homes[0][1].lineno
    return shown(Path(getattr(sys.modules.get(module), "__file__", None) or module)), 1


def _files(app: App, own: Iterable[Path]) -> list[Path]:
    """The Python files of the app: those that were read, and those that lie beside its catalogs."""
    found = dict.fromkeys(own)
    for folder in app.catalogs.directories:
        parent = folder.resolve().parent
        if is_own(parent):
            found.update(dict.fromkeys(files_under(parent)))
    return sorted(found)


def _here(finding: Finding) -> Finding:
    return msgspec.structs.replace(finding, file=shown(Path(finding.file))) if finding.file else finding


def _chosen(code: str, select: Collection[str], ignore: Collection[str]) -> bool:
    return (not select or code.startswith(tuple(select))) and not code.startswith(tuple(ignore))


def _order(finding: Finding) -> tuple[bool, str, int, str, str, str]:
    return (not finding.file, finding.file, finding.line, finding.code, finding.locale, finding.message)
