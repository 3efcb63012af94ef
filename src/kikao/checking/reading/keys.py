"""K302: one key on two lines of one scope.

A scope is a flow with the functions it calls itself; a flow that is called with `chat.call` has its own. Lines that
cannot both run, such as the branches of an `if`, may have the same key, and so may one line that runs often. A marker
(`chat.version`) is told from questions by what it is, so it may have the key of the question that it brings.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Final

from kikao.checking.reading.scopes import parameters
from kikao.checking.reading.sources import Function
from kikao.checking.reading.talking import Talking, own_nodes

KEYED: Final = frozenset("ask choose confirm language menu read step secret version".split())
"""Methods of the chat whose first argument is the key."""

KEYS_OF_A_DICT: Final = frozenset({"form", "steps_parallel"})

LEAVES: Final = frozenset({"end", "goto", "restart_with"})
"""What nothing comes after."""

Place = tuple[Function, int]
"""A function and a line of it."""

Seen = dict[str, Place]
"""Keys that were asked for before, and where."""

Report = Callable[[str, ast.AST, str, Function], None]


class Keys:
    """Reads flows in the order they run."""

    def __init__(self, talking: Talking, report: Report) -> None:
        self._talking = talking
        self._report = report
        self._told: set[tuple[Function, int, str]] = set()

    def read(self) -> None:
        """Report every key that a later line of the same scope uses again."""
        for flow in self._talking.flows:
            _Walk(self, flow, {}, (flow,)).function({})

    @property
    def talking(self) -> Talking:
        """What talks."""
        return self._talking

    def tell(self, key: str, node: ast.AST, function: Function, before: Place) -> None:
        """Report a key at its second place, once."""
        line = getattr(node, "lineno", 0)
        if (function, line, key) not in self._told:
            self._told.add((function, line, key))
            other, at = before
            where = f"line {at}" if other.module is function.module else f"{other.module.path.name}:{at}"
            self._report("K302", node, f"{key} is the key of {where}, too", function)


class _Walk:
    """One function on one way into it. `given` are keys that its parameters stand for, and where they are written."""

    def __init__(
        self,
        keys: Keys,
        function: Function,
        given: dict[str, tuple[str, ast.AST, Function]],
        way: tuple[Function, ...],
    ) -> None:
        self._keys = keys
        self._function = function
        self._given = given
        self._way = way
        self._breaks: list[list[Seen]] = []

    def function(self, seen: Seen) -> Seen:
        """Walk the body; returns what was asked for in the end, on whatever way."""
        body = self._function.node.body
        if not isinstance(body, list):
            self._expression(body, seen)
            return seen
        ends: list[Seen] = []
        last = self._block(body, seen, ends)
        return _either([*ends, *([last] if last is not None else [])], seen)

    def _block(self, body: list[ast.stmt], seen: Seen, ends: list[Seen]) -> Seen | None:
        """Walk some statements; None where nothing comes after them. `ends` gets what was seen where one returns."""
        now: Seen | None = dict(seen)
        for statement in body:
            assert now is not None
            now = self._statement(statement, now, ends)
            if now is None:
                return None
        return now

    def _statement(self, node: ast.stmt, seen: Seen, ends: list[Seen]) -> Seen | None:
        match node:
            case ast.If():
                self._expression(node.test, seen)
                return _joined([self._block(part, seen, ends) for part in (node.body, node.orelse)])
            case ast.Match():
                self._expression(node.subject, seen)
                parts = [self._block(case.body, seen, ends) for case in node.cases]
                return _joined([*parts, seen])
            case ast.While() | ast.For() | ast.AsyncFor():
                self._expression(node.test if isinstance(node, ast.While) else node.iter, seen)
                self._breaks.append([])
                inside = self._block(node.body, seen, ends)
                last = self._block(node.orelse, _joined([inside, seen]) or seen, ends)
                return _joined([last, *self._breaks.pop()])
            case ast.Try() | ast.TryStar():
                tried = self._block(node.body, seen, ends)
                went_well = None if tried is None else self._block(node.orelse, tried, ends)
                # A handler comes after some of what was tried; what came to nothing may be asked again there.
                handled = [self._block(handler.body, seen, ends) for handler in node.handlers]
                after = _joined([went_well, *handled])
                last = self._block(node.finalbody, after if after is not None else seen, ends)
                return last if after is not None else None
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self._expression(item.context_expr, seen)
                return self._block(node.body, seen, ends)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return seen
            case ast.Return():
                if node.value is not None:
                    self._expression(node.value, seen)
                ends.append(seen)
                return None
            case ast.Break():
                self._breaks[-1].append(seen)
                return None
            case ast.Raise() | ast.Continue():
                return None
        return None if self._expression(node, seen) else seen

    def _expression(self, node: ast.AST, seen: Seen) -> bool:
        """Walk a simple statement or an expression; whether it leaves the flow."""
        leaves = False
        for each in own_nodes(node, whole=True):
            if not isinstance(each, ast.Call):
                continue
            name = self._keys.talking.primitive(each, self._function)
            leaves = leaves or name in LEAVES
            if name in KEYED and (key := _argument(each)) is not None:
                self._use(key, each, seen, kind=name if name == "version" else "")
            elif name in KEYS_OF_A_DICT and isinstance(fields := _argument(each), ast.Dict):
                for field in fields.keys:
                    if field is not None:
                        self._use(field, field, seen)
            elif not name:
                self._inline(each, seen)
        return leaves

    def _use(self, key: ast.expr, node: ast.AST, seen: Seen, *, kind: str = "") -> None:
        found = self._written(key, node)
        if found is None:
            return
        text, place, function = found
        line = getattr(place, "lineno", 0)
        before = seen.setdefault(f"{kind} {text}", (function, line))
        if before != (function, line):
            self._keys.tell(text, place, function, before)

    def _written(self, key: ast.expr, node: ast.AST) -> tuple[str, ast.AST, Function] | None:
        """A key as it is written, and where: an f-string is itself, a parameter is what the caller gives for it."""
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return repr(key.value), node, self._function
        if isinstance(key, ast.JoinedStr):
            return ast.unparse(key), node, self._function
        if isinstance(key, ast.Name):
            if key.id in self._given:
                return self._given[key.id]
            constant = self._keys.talking.sources.constant(key.id, self._function)
            return (repr(constant), node, self._function) if constant else None
        return None

    def _inline(self, call: ast.Call, seen: Seen) -> None:
        """A function of the app that asks in this scope."""
        target = self._keys.talking.target(call, self._function)
        if not isinstance(target, Function) or target in self._way or not self._keys.talking.talks(target):
            return
        given = {
            name: found
            for name, value in _defaults(target)
            if isinstance(value, ast.Constant) and (found := self._written(value, call)) is not None
        }
        names = [each.arg for each in parameters(target.node)]
        written = [*zip(names, call.args, strict=False), *((each.arg, each.value) for each in call.keywords)]
        for name, value in written:
            if name is not None:
                given.pop(name, None)
                if (found := self._written(value, call)) is not None:
                    given[name] = found
        seen.update(_Walk(self._keys, target, given, (*self._way, target)).function(seen))


def _argument(call: ast.Call) -> ast.expr | None:
    """The first argument of a primitive: its key, or its fields."""
    if call.args:
        return call.args[0]
    return next((each.value for each in call.keywords if each.arg in ("name", "fields", "steps")), None)


def _defaults(function: Function) -> Iterator[tuple[str, ast.expr]]:
    """What parameters stand for where they are not given."""
    found = function.node.args
    places = [*found.posonlyargs, *found.args]
    for place, value in zip(reversed(places), reversed(found.defaults), strict=False):
        yield place.arg, value
    for named, default in zip(found.kwonlyargs, found.kw_defaults, strict=True):
        if default is not None:
            yield named.arg, default


def _joined(ways: list[Seen | None]) -> Seen | None:
    """What may have been seen after several ways; None where none of them goes on."""
    going = [way for way in ways if way is not None]
    return _either(going, going[0]) if going else None


def _either(ways: list[Seen], otherwise: Seen) -> Seen:
    return {key: place for way in reversed(ways) for key, place in way.items()} if ways else otherwise
