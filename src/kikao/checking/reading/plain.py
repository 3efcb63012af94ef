"""K208: sentences that are written as a plain text where members read them, in an app with several languages."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Final

from kikao.checking.reading.sources import Function
from kikao.checking.reading.talking import Talking, own_nodes
from kikao.checking.reading.wording import Spot, Written, calls, is_phrase, is_sentence, literals, meant

Shown = tuple[int | None, tuple[str, ...]]
"""Where the argument stands that members read, if anywhere, and the names of all that they read."""

PRIMITIVES: Final[dict[str, Shown]] = {
    "ask": (2, ("prompt", "invalid")),
    "choose": (1, ("prompt",)),
    "confirm": (1, ("text",)),
    "end": (0, ("text",)),
    "language": (1, ("prompt",)),
    "menu": (1, ("title",)),
    "say": (0, ("text",)),
    "secret": (2, ("prompt", "done")),
    "step": (None, ("done",)),
}
"""Methods of the chat."""

MADE: Final[dict[str, Shown]] = {
    "BackendError": (1, ("text",)),
    "Invalid": (0, ("text",)),
    "Refused": (1, ("text",)),
    "RefusedError": (1, ("text",)),
    "Step": (None, ("done",)),
    "Text": (None, ("hint",)),
}
"""Things of kikao's."""

Tell = Callable[[str, ast.AST, str, Spot], None]


def read_plain(talking: Talking, tell: Tell) -> None:
    """Report every literal with a sentence in it, once for each line, that no catalog can have."""
    told: set[tuple[str, int]] = set()
    for module in talking.sources:
        for call, spot in calls(module):
            for found, at in _sentences(call, spot, talking):
                place = (at.module.name, found.node.lineno)
                if place not in told:
                    told.add(place)
                    message = f"{found.shown} is read in every language as it is written"
                    tell("K208", found.node, message, at)


def _sentences(call: ast.Call, spot: Spot, talking: Talking) -> Iterator[tuple[Written, Spot]]:
    name = talking.primitive(call, spot.function)
    made = "" if name else _of_kikao(call, spot, talking)
    for text in _texts(call, name, made, spot):
        yield from (found for found in _said(text, spot, talking) if is_sentence(found[0].text))
    options = _given(call, 2, "options") if name == "choose" else None
    if made == "Choice":
        options = _given(call, 0, "options")
    for label, is_plain in _labels(options, spot):
        judge = is_sentence if is_plain else is_phrase
        yield from (found for found in _said(label, spot, talking) if judge(found[0].text))


def _said(node: ast.expr | None, spot: Spot, talking: Talking) -> Iterator[tuple[Written, Spot]]:
    """The literals of an expression, and those that a plain function of the app returns which it calls or names."""
    yield from ((found, spot) for found in literals(node, spot))
    named = node.func if isinstance(node, ast.Call) else node
    target = talking.sources.resolve(named, spot.module, spot.function) if named is not None else None
    if isinstance(target, Function) and not target.is_async:
        inside = Spot(target.module, target)
        body = target.node.body
        returned = (
            [each.value for each in own_nodes(target.node) if isinstance(each, ast.Return)]
            if isinstance(body, list)
            else [body]
        )
        yield from ((found, inside) for value in returned for found in literals(value, inside))


def _texts(call: ast.Call, name: str, made: str, spot: Spot) -> Iterator[ast.expr | None]:
    """What members read of a call, but for labels."""
    shown = PRIMITIVES.get(name) or MADE.get(made)
    if shown is not None:
        at, names = shown
        if at is not None and at < len(call.args):
            yield call.args[at]
        yield from (each.value for each in call.keywords if each.arg in names)
    if name == "form" and isinstance(fields := meant(_given(call, 0, "fields") or call, spot), ast.Dict):
        yield from (
            each.elts[1] for each in fields.values if isinstance(each, ast.Tuple) and len(each.elts) == 2
        )
    if made == "Flows.flow":
        yield from (each.value for each in call.keywords if each.arg == "title")


def _of_kikao(call: ast.Call, spot: Spot, talking: Talking) -> str:
    """The name of what a call makes, or of the method it calls, if it is kikao's."""
    sources = talking.sources
    if isinstance(call.func, ast.Attribute) and call.func.attr == "flow":
        kind = sources.kind_of(call.func.value, spot.module, spot.function)
        return "Flows.flow" if kind.startswith("kikao.") and kind.endswith(".Flows") else ""
    target = sources.resolve(call.func, spot.module, spot.function)
    return target.rpartition(".")[2] if isinstance(target, str) and target.startswith("kikao.") else ""


def _labels(options: ast.expr | None, spot: Spot) -> Iterator[tuple[ast.expr, bool]]:
    """The labels of some options, and whether they cannot be names: those of a yes and a no."""
    if options is None:
        return
    match meant(options, spot):
        case ast.Dict(keys=keys, values=values):
            yield from ((value, _is_bool(key)) for key, value in zip(keys, values, strict=True))
        case ast.DictComp(value=value):
            yield value, False
        case ast.List(elts=rows) | ast.Tuple(elts=rows):
            yield from (_label(row) for row in rows)
        case ast.ListComp(elt=row) | ast.GeneratorExp(elt=row):
            yield _label(row)


def _label(row: ast.expr) -> tuple[ast.expr, bool]:
    match row:
        case ast.Tuple(elts=[label, value]):
            return label, _is_bool(value)
    return row, False


def _is_bool(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, bool)


def _given(call: ast.Call, at: int, name: str) -> ast.expr | None:
    if at < len(call.args):
        return call.args[at]
    return next((each.value for each in call.keywords if each.arg == name), None)
