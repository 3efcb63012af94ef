"""What is done on every replay: K404 clocks, K405 randomness, K406 ids, K407 I/O; and K502, no retry declared."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from kikao.checking.reading.body import Body
from kikao.checking.reading.hazards import (
    FILE_METHODS,
    HARMLESS_CONTEXTS,
    HARMLESS_WAITS,
    LOOPS,
    TASK_GROUPS,
    hazard,
)
from kikao.checking.reading.sources import Function
from kikao.checking.reading.talking import STEPS, own_nodes

MADE: Final = frozenset({"use", "check", "validate", "done", "effect"})
"""Arguments of primitives and steps that are functions: a call there makes one, and does nothing yet."""

RETRIES: Final = ("key", "check", "never")

SAYS: Final = {
    "K404": "{name} reads the clock, and a replay reads another time",
    "K405": "{name} draws at random, and a replay draws something else",
    "K406": "{name} makes another id on every replay",
    "K407": "{name} is done again on every turn: it is outside of read, step and secret",
}


class Outside:
    """Reads the calls of one function. `called` are functions of the app that it calls directly."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.called: list[Function] = []

    def opened(self, node: ast.AST) -> None:
        """K407, for what is opened, closed or gone through; to be read before the calls."""
        if isinstance(node, ast.AsyncWith) and not self._body.talks(node.body):
            self._context(node)
        elif isinstance(node, ast.AsyncFor) or (isinstance(node, ast.comprehension) and node.is_async):
            self._gone_through(node.iter)

    def read(self, node: ast.AST) -> None:
        """Report what is wrong with what is waited for, or called."""
        if node in self._body.settled:
            return
        if isinstance(node, ast.Await):
            self._await(node)
        elif isinstance(node, ast.Call):
            self._call(node)

    def _context(self, node: ast.AsyncWith) -> None:
        """K407, for what is opened and closed; what is done with it in between is part of that."""
        for item in node.items:
            name = self._body.called_name(item.context_expr)
            if name in HARMLESS_CONTEXTS or name in TASK_GROUPS or self._is_handed_chat(item.context_expr):
                continue
            self._outside(item.context_expr, f"async with {ast.unparse(item.context_expr)}")
            opened = getattr(item.optional_vars, "id", None)
            for part in node.body:
                for each in own_nodes(part, whole=True):
                    value = each.value if isinstance(each, ast.Await) else each
                    if isinstance(value, ast.Call) and opened is not None and _base(value) == opened:
                        self._body.settled |= {each, value}

    def _gone_through(self, rows: ast.expr) -> None:
        if not self._is_handed_chat(rows):
            self._outside(rows, f"async for ... in {ast.unparse(rows)}")

    def _is_handed_chat(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and self._body.talking.passes_chat(node, self._body.function)

    def _await(self, node: ast.Await) -> None:
        value = node.value
        if isinstance(value, ast.Name):
            made = self._body.value_of(value)
            known = isinstance(made, ast.Call) and (self._is_ours(made) or self._body.schedules(made))
            if not known and not self._body.makes_talk(value):
                self._outside(node, f"await {ast.unparse(value)}")
            return
        if not isinstance(value, ast.Call):
            self._outside(node, f"await {ast.unparse(value)}")
            return
        if self._is_ours(value):
            return
        name = self._body.target(value)
        if isinstance(name, Function):
            if self._waits(name):
                self._outside(node, f"await {ast.unparse(value.func)}(...)")
            else:
                self.called.append(name)
        elif isinstance(value.func, ast.Name) and self._is_handed_talk(value.func.id):
            return
        elif name not in HARMLESS_WAITS and value not in self._body.settled and not self._is_told_of(value):
            self._outside(node, f"await {ast.unparse(value.func)}(...)")

    def _is_told_of(self, call: ast.Call) -> bool:
        """Whether a method is of something that was opened here, and is told of there."""
        match call.func:
            case ast.Attribute(value=ast.Name() as base):
                made = self._body.value_of(base)
                name = self._body.called_name(made) if made is not None else None
                return isinstance(name, str) and hazard(name, bare=False) == "K407"
        return False

    def _is_ours(self, call: ast.Call) -> bool:
        """Whether a call talks, or is of a coroutine that gets the chat."""
        return self._body.talking.is_talk(call, self._body.function)

    def _is_handed_talk(self, name: str) -> bool:
        """Whether a name is a parameter, and what callers give for it talks."""
        inner: Function | None = self._body.function
        while inner is not None and name not in inner.scope:
            inner = inner.within
        return (
            inner is not None
            and inner.scope[name].kind == "parameter"
            and self._body.talking.is_handed_talk(name, inner)
        )

    def _waits(self, function: Function) -> bool:
        """Whether a coroutine function of the app waits for anything: then it is I/O, for it has no chat."""
        return function.is_async and any(
            isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith) for node in own_nodes(function.node)
        )

    def _outside(self, node: ast.AST, what: str) -> None:
        self._body.settled |= set(ast.walk(node))
        self._body.tell("K407", node, SAYS["K407"].format(name=f"`{what}`"))

    def _call(self, call: ast.Call) -> None:
        if name := self._body.primitive(call):
            self._retry(call, name == "step")
            self._body.settled |= set(_factories(call, 1 if name == "step" else None))
            return
        target = self._body.target(call)
        if isinstance(target, Function):
            if not target.is_async or self._is_ours(call):
                self.called.append(target)
            return
        if target in STEPS:
            self._retry(call, False)
            self._body.settled |= set(_factories(call, 0))
            return
        code = (
            hazard(target, bare=not (call.args or call.keywords))
            if isinstance(target, str)
            else self._method(call)
        )
        if code:
            called = target if isinstance(target, str) else ast.unparse(call.func)
            self._body.tell(code, call, SAYS[code].format(name=f"{called.removeprefix('builtins.')}()"))
            self._body.settled |= set(ast.walk(call))

    def _method(self, call: ast.Call) -> str:
        """The rule that a method of some value breaks."""
        if not isinstance(call.func, ast.Attribute):
            return ""
        base, name = call.func.value, call.func.attr
        made = self._body.value_of(base) if isinstance(base, ast.Name) else base
        if isinstance(made, ast.Call):
            if self._body.primitive(made) == "service":
                return "K407"
            if name == "time" and self._body.target(made) in LOOPS:
                return "K404"
        elif made is None and isinstance(base, ast.Name) and (code := self._body.kept_open(base)):
            return code
        return "K407" if name in FILE_METHODS else ""

    def _retry(self, call: ast.Call, is_step: bool) -> None:
        """K502, for `chat.step` and for `Step(...)`, whose second argument it may be."""
        is_a_step = is_step or self._body.target(call) in STEPS
        if not is_a_step or any(each.arg is None for each in call.keywords):
            return
        given = {each.arg: each.value for each in call.keywords}
        if any(isinstance(each, ast.Starred) for each in call.args):
            return
        retry = given.get("retry", call.args[1] if not is_step and len(call.args) > 1 else None)
        what = f"step {ast.unparse(call.args[0])}" if is_step and call.args else "this step"
        if retry is None:
            self._body.tell("K502", call, f"{what} does not say what may follow when its outcome is unknown")
        elif isinstance(retry, ast.Constant) and retry.value not in RETRIES:
            self._body.tell("K502", call, f"{what} has retry={retry.value!r}, which there is not")


def _base(call: ast.Call) -> str:
    """The name that a method is called on, however deep: `client` of `client.get(...)`."""
    node: ast.expr = call.func
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _factories(call: ast.Call, effect: int | None) -> Iterator[ast.AST]:
    """Calls that make a function for a primitive; `effect` is the position of that argument."""
    given = [each.value for each in call.keywords if each.arg in MADE]
    given += [] if effect is None else call.args[effect : effect + 1]
    return (each for each in given if isinstance(each, ast.Call))
