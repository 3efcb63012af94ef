"""What is wrong with the ways conversations went: flows nobody reaches, loops, broken turns, secrets out of place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Final

import kikao
from kikao.app import App
from kikao.checking.exploring.asking import Place
from kikao.checking.exploring.code import FlowCode
from kikao.checking.exploring.gallery import Spot
from kikao.checking.exploring.probes import Probes
from kikao.checking.exploring.search import Search
from kikao.checking.exploring.services import Circumstances
from kikao.checking.exploring.ways import Problem, Ways
from kikao.checking.findings import RULES, Finding

_KIKAO: Final = os.path.dirname(kikao.__file__) + os.sep
"""Where what kikao asks by itself stands."""

WITHOUT_PAGES: Final = ("sms",)
"""Channels on which what was typed can be read later."""

TRAIL: Final = 12
"""Answers that are told of a conversation that broke."""

LONG: Final = 300
"""Characters of a message that are told: keys of flows that call themselves have no end."""

LABEL: Final = 80
"""Characters that are told of one answer."""


def verdicts(
    app: App,
    code: FlowCode,
    search: Search,
    probes: Probes,
    around: Circumstances,
    refused: Iterable[str],
) -> list[Finding]:
    """All findings but those about screens."""
    return [
        *_unreached(app, code, probes),
        *_broken(app, search),
        *_loops(search),
        *_unexplored(probes, search, around, refused),
        *_early(search.ways),
        *_kept(app, search.ways),
        *_undialled(app, search),
    ]


def _unreached(app: App, code: FlowCode, probes: Probes) -> Iterator[Finding]:
    reached = code.reached(probes.entered, app.engine.entry)
    for flow in app.engine.flows:
        if flow.name not in reached:
            file, _, line = flow.place.rpartition(":")
            yield Finding(
                code="K301",
                message=f"nothing leads from the entry {app.engine.entry!r} to flow {flow.name!r}",
                file=file,
                line=int(line) if line.isdigit() else 0,
                flow=flow.name,
            )


def _broken(app: App, search: Search) -> Iterator[Finding]:
    for problem in search.problems.values():
        file, line = problem.place
        if not file and (flow := app.engine.flows.get(problem.spot[0])) is not None:
            file, _, digits = flow.place.rpartition(":")
            line = int(digits) if digits.isdigit() else 0
        code = "K303" if problem.endless else "K305"
        yield Finding(
            code=code,
            message=_cut(problem.what, LONG),
            hint=f"{RULES[code].cure} After: {_told(problem)}",
            file=file,
            line=line,
            flow=problem.spot[0],
            key=_cut(problem.spot[1], LABEL),
        )


def _cut(text: str, longest: int) -> str:
    """A text without its middle where it is too long: both ends tell more."""
    half = (longest - 5) // 2
    return text if len(text) <= longest else f"{text[:half]} ... {text[-half:]}"


def _told(problem: Problem) -> str:
    trail = [_cut(each, LABEL) for each in problem.trail[-TRAIL:]]
    return " > ".join(["...", *trail] if len(trail) < len(problem.trail) else trail)


def _loops(search: Search) -> Iterator[Finding]:
    """Questions from which no right answer leads to an end, however many are given.

    Navigation is no way out: "home" and "back" lead to questions that were left behind, "cancel" away from all that was
    said. Nor is what follows answers that were wrong too often.
    """
    ways = search.ways
    leads: dict[Spot, set[Spot]] = {spot: set(after) for spot, after in ways.edges.items()}
    before: dict[Spot, set[Spot]] = {}
    for spot, after in leads.items():
        for each in after:
            before.setdefault(each, set()).add(spot)
    out, todo = set(ways.ends), list(ways.ends)
    while todo:
        for spot in before.get(todo.pop(), ()):
            if spot not in out:
                out.add(spot)
                todo.append(spot)
    stuck = [spot for spot in ways.prompts if spot not in out and spot[2] == "asked" and spot in leads]
    told: set[Spot] = set()
    for spot in stuck:
        if spot in told:
            continue
        told |= _from(spot, leads)
        file, line = ways.places.get(spot, ("", 0))
        if file.startswith(_KIKAO):  # a code that it sent, which nobody could guess
            continue
        yield Finding(
            code="K303",
            message=f"from question {spot[1]!r} on no answer ever ends the conversation",
            file=file,
            line=line,
            flow=spot[0],
            key=spot[1],
        )


def _from(spot: Spot, leads: dict[Spot, set[Spot]]) -> set[Spot]:
    seen, todo = {spot}, [spot]
    while todo:
        for each in leads.get(todo.pop(), ()):
            if each not in seen:
                seen.add(each)
                todo.append(each)
    return seen


def _unexplored(
    probes: Probes, search: Search, around: Circumstances, refused: Iterable[str]
) -> Iterator[Finding]:
    coverage = probes.coverage
    for branch in coverage.unreached:
        yield Finding(code="K304", message=branch.what, file=branch.file, line=branch.line)
    for function in probes.unread:
        yield Finding(
            code="K304",
            message=f"the source of {function.__qualname__} was not found, or is not what runs",
            hint="Nothing in it is counted. Start again after a change of the source.",
            file=function.__code__.co_filename,
            line=function.__code__.co_firstlineno,
        )
    for spot, kind in search.ways.unanswered.items():
        file, line = search.ways.places.get(spot, ("", 0))
        yield Finding(
            code="K304",
            message=f"no answer is known that {kind} takes at question {spot[1]!r}",
            hint="Compare in the code with an answer that is right, or use a simpler answer type.",
            file=file,
            line=line,
            flow=spot[0],
            key=spot[1],
        )
    for site, place in around.unknown.items():
        file, _, number = place.rpartition(":")
        yield Finding(
            code="K304",
            message=f"nothing is known of what {site} answers",
            hint="Annotate what it returns, or register answers: @kikao.examples(...).",
            file=file,
            line=int(number) if number.isdigit() else 0,
        )
    for event in sorted(set(refused)):
        yield Finding(
            code="K304",
            message=f"{event} was refused while exploring: what follows it is not known",
            hint="Reach it through a service (chat.service), so that exploring can stand in for it.",
        )
    if search.bound and (coverage.unreached or not search.calm):
        yield Finding(code="K304", message=f"exploring was cut short: {search.bound}")


def _early(ways: Ways) -> Iterator[Finding]:
    for (flow, secret), (_, after) in ways.early.items():
        file, line = _place(ways, (flow, secret, "asked"))
        yield Finding(
            code="K501",
            message=f"secret {secret!r} is asked before question {after[1]!r}",
            file=file,
            line=line,
            flow=flow,
            key=secret,
        )


def _kept(app: App, ways: Ways) -> Iterator[Finding]:
    kept = [channel for channel in app.channels if channel in WITHOUT_PAGES]
    told: set[tuple[str, str]] = set()
    for spot in ways.secrets:
        if kept and spot[:2] not in told:
            told.add(spot[:2])
            file, line = _place(ways, spot)
            yield Finding(
                code="K503",
                message=f"secret {spot[1]!r} is asked on {' and '.join(kept)}",
                file=file,
                line=line,
                flow=spot[0],
                key=spot[1],
            )


def _undialled(app: App, search: Search) -> Iterator[Finding]:
    """Keys of shortcuts that no dial ever answers: the first of each, since none behind it is answered either."""
    shortcuts = app.engine.shortcuts
    for path, shortcut in shortcuts.paths.items() if shortcuts is not None else ():
        for at, key in enumerate(shortcut.asks):
            asked = search.ways.next.get((shortcut.flow, shortcut.asks[:at]), {})
            if asked.get(key):
                continue
            if not asked and not search.calm:
                break
            if key in asked:
                instead = f"{key!r} is a confirmation or a secret, which no dial answers"
            elif asked:
                instead = f"flow {shortcut.flow!r} asks {' or '.join(map(repr, sorted(asked)))} there"
            else:
                instead = f"flow {shortcut.flow!r} asks nothing there"
            flow = app.engine.flows.get(shortcut.flow)
            file, _, line = flow.place.rpartition(":") if flow is not None else ("", "", "")
            yield Finding(
                code="K306",
                message=f"{key!r} of {shortcut!r}, dialled as {path!r}, is never answered: {instead}",
                file=file,
                line=int(line) if line.isdigit() else 0,
                flow=shortcut.flow,
                key=key,
            )
            break


def _place(ways: Ways, spot: Spot) -> Place:
    return ways.places.get(spot, ("", 0))
