"""Statements around a question: K401 what catches everything, K402 what waits at its end, K403 what runs beside."""

from __future__ import annotations

import ast
from typing import Final

from kikao.checking.reading.body import Body
from kikao.checking.reading.hazards import HARMLESS_CONTEXTS, TASK_GROUPS
from kikao.checking.reading.talking import own_nodes

CATCH_ALL: Final = frozenset(
    {"builtins.BaseException", "builtins.GeneratorExit", "builtins.BaseExceptionGroup"}
)


class Around:
    """Reads the statements of one function."""

    def __init__(self, body: Body) -> None:
        self._body = body

    def read(self, node: ast.AST) -> None:
        """Report what is wrong with a statement or a call."""
        if isinstance(node, ast.Try | ast.TryStar):
            if self._body.talks(node.body):
                self._handlers(node)
            if self._body.talks([*node.body, *node.handlers, *node.orelse]):  # type: ignore[list-item]
                self._finally(node)
        elif isinstance(node, ast.With | ast.AsyncWith) and self._body.talks(node.body):
            self._with(node)
        elif isinstance(node, ast.Call):
            self._scheduling(node)

    def _handlers(self, node: ast.Try | ast.TryStar) -> None:
        for handler in node.handlers:
            caught = "everything" if handler.type is None else self._catches_all(handler.type)
            if caught and not _passes_on(handler):
                what = "a bare `except`" if handler.type is None else f"`except {ast.unparse(handler.type)}`"
                self._body.tell("K401", handler, f"{what} around a question catches the end of the turn")

    def _catches_all(self, caught: ast.expr) -> bool:
        each = caught.elts if isinstance(caught, ast.Tuple) else [caught]
        return any(self._body.resolve(one) in CATCH_ALL for one in each)

    def _finally(self, node: ast.Try | ast.TryStar) -> None:
        found = False
        for each in node.finalbody:
            for inner in own_nodes(each, whole=True):
                leaves = isinstance(inner, ast.Return | ast.Break | ast.Continue)
                if not (leaves or isinstance(inner, ast.Await | ast.AsyncWith | ast.AsyncFor)):
                    continue
                self._body.settled |= set(ast.walk(inner))
                if not found:
                    found = True
                    word = type(inner).__name__.lower() if leaves else "await"
                    self._body.tell(
                        "K402",
                        inner,
                        f"`{word}` in `finally` around a question: it runs at the end of every turn",
                    )

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            call = item.context_expr
            name = self._body.called_name(call)
            if name == "contextlib.suppress" and isinstance(call, ast.Call):
                if any(self._catches_all(each) for each in call.args):
                    self._body.tell(
                        "K401", call, f"`{ast.unparse(call)}` around a question catches the end of the turn"
                    )
            elif isinstance(node, ast.AsyncWith) and name not in HARMLESS_CONTEXTS:
                self._body.settled |= set(ast.walk(call))
                if name in TASK_GROUPS and self._spawns(node):
                    continue  # told where the tasks are made
                self._body.tell(
                    "K402",
                    node,
                    f"`async with {ast.unparse(call)}` around a question waits at the end of every turn",
                )

    def _spawns(self, node: ast.AsyncWith) -> bool:
        """Whether a question is asked in a task of its own."""
        calls = [
            each for part in node.body for each in own_nodes(part, whole=True) if isinstance(each, ast.Call)
        ]
        return any(self._body.schedules(call) and self._body.talks_in(call) for call in calls)

    def _scheduling(self, call: ast.Call) -> None:
        name = self._body.schedules(call)
        if name and self._body.talks_in(call):
            self._body.settled |= set(ast.walk(call))
            self._body.tell("K403", call, f"{name}() of questions: they would be open at the same time")


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether a handler only looks on: it ends by raising what it caught, and does not wait before."""
    last = handler.body[-1]
    raises = isinstance(last, ast.Raise) and (
        last.exc is None or (isinstance(last.exc, ast.Name) and last.exc.id == handler.name)
    )
    return raises and not any(
        isinstance(node, ast.Await) for each in handler.body for node in own_nodes(each, whole=True)
    )
