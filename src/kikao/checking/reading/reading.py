"""Reading the sources of an app for the rules K208, K302, K401 to K407, K502, K504 and K505."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from kikao.checking.findings import Finding, told
from kikao.checking.places import shown
from kikao.checking.reading.asked import read_asked
from kikao.checking.reading.constructs import Constructs
from kikao.checking.reading.keys import Keys
from kikao.checking.reading.plain import read_plain
from kikao.checking.reading.posted import read_posted
from kikao.checking.reading.sources import Function, Sources
from kikao.checking.reading.talking import Talking
from kikao.checking.reading.wording import Spot
from kikao.conversation import Flow


class Reading(msgspec.Struct, frozen=True):
    """What was read. `unread` are flows whose source is not among the app's own files, by name and place."""

    findings: list[Finding]
    functions: int
    unread: list[str]


def read(
    sources: Sources,
    flows: Iterable[Flow],
    *,
    translated: bool = False,
    destinations: Collection[str] | None = None,
) -> Reading:
    """Read every function that takes part in one of these conversations.

    `translated` is an app of several languages: then its sentences must be in reach of its catalogs.
    `destinations` are the names that may be posted to, None where they are not known.
    """
    found: list[Finding] = []
    names: dict[Function, str] = {}
    unread = []
    for flow in flows:
        function = _of_flow(sources, flow)
        if function is None:
            unread.append(f"{flow.name} ({flow.place})")
        else:
            names.setdefault(function, flow.name)

    def tell(code: str, node: ast.AST, message: str, spot: Spot) -> None:
        outer = spot.function
        while outer is not None and outer.within is not None and outer not in names:
            outer = outer.within
        found.append(
            Finding(
                code=code,
                message=message,
                file=shown(spot.module.path),
                line=getattr(node, "lineno", 0),
                flow=names.get(outer, "") if outer is not None else "",
            )
        )

    def report(code: str, node: ast.AST, message: str, function: Function) -> None:
        tell(code, node, message, Spot(function.module, function))

    talking = Talking(sources, list(names))
    constructs = Constructs(talking, report)
    constructs.read()
    Keys(talking, report).read()
    read_asked(talking, tell)
    if destinations is not None:
        read_posted(talking, destinations, tell)
    if translated:
        read_plain(talking, tell)
    found += [
        told(
            "K003",
            f"not Python that can be read ({error}). Mend it.",
            file=shown(error.path),
            line=error.line,
        )
        for error in sources.unreadable
    ]
    return Reading(found, constructs.count, unread)


def _of_flow(sources: Sources, flow: Flow) -> Function | None:
    code = getattr(inspect.unwrap(flow.function), "__code__", None)
    return sources.function_at(str(Path(code.co_filename).resolve()), code.co_firstlineno) if code else None
