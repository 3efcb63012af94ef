"""What a function that is run again from its top must not do: the rules K401 to K407, and K502."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Final

from kikao.checking.reading.hazards import (
    FILE_METHODS,
    HARMLESS_CONTEXTS,
    HARMLESS_WAITS,
    LOOPS,
    SCHEDULING,
    SPAWNING,
    TASK_GROUPS,
    hazard,
)
from kikao.checking.reading.scopes import FUNCTIONS
from kikao.checking.reading.sources import Function
from kikao.checking.reading.talking import STEPS, Talking, own_nodes

Report = Callable[[str, ast.AST, str, Function], None]
"""Takes a rule's code, the place, what is wrong there, and the function it is in."""

CATCH_ALL: Final = frozenset(
    {"builtins.BaseException", "builtins.GeneratorExit", "builtins.BaseExceptionGroup"}
)

RETRIES: Final = ("key", "check", "never")

SAYS: Final = {
    "K404": "{name} reads the clock, and a replay reads another time",
    "K405": "{name} draws at random, and a replay draws something else",
    "K406": "{name} makes another id on every replay",
    "K407": "{name} is done again on every turn: it is outside of read, step and secret",
}


class Constructs:
    """Reads the functions of conversations, and reports each wrong place once."""

    def __init__(self, talking: Talking, report: Report) -> None:
        self._talking = talking
        self._report = report
        self._read: set[Function] = set()
        self._told: set[tuple[Function, str, int]] = set()

    def read(self) -> None:
        """Read every function of a conversation, and what they call of the app directly."""
        todo = self._talking.functions()[::-1]
        while todo:
            function = todo.pop()
            if function not in self._read:
                self._read.add(function)
                todo.extend(_Reading(self, function).read())

    @property
    def talking(self) -> Talking:
        """What talks."""
        return self._talking

    @property
    def count(self) -> int:
        """How many functions were read."""
        return len(self._read)

    def tell(self, code: str, node: ast.AST, message: str, function: Function) -> None:
        """Report a place, once for each rule and line."""
        place = (function, code, getattr(node, "lineno", 0))
        if place not in self._told:
            self._told.add(place)
            self._report(code, node, message, function)


class _Reading:
    """One function."""

    def __init__(self, constructs: Constructs, function: Function) -> None:
        self._constructs = constructs
        self._talking = constructs.talking
        self._function = function
        self._called: list[Function] = []
        self._settled: set[ast.AST] = set()
        """Nodes that another finding speaks of already."""

    def read(self) -> list[Function]:
        """Report what is wrong; returns the functions of the app that are called directly."""
        nodes = list(self._nodes())
        for node in nodes:
            self._structure(node)
        for node in nodes:
            if node in self._settled:
                continue
            if isinstance(node, ast.Await):
                self._await(node)
            elif isinstance(node, ast.Call):
                self._call(node)
        return self._called

    def _nodes(self) -> Iterator[ast.AST]:
        """The nodes that run whenever the flow does: not what is handed to a primitive to be run by it."""
        body = self._function.node.body
        todo: list[ast.AST] = list(reversed(body)) if isinstance(body, list) else [body]
        while todo:
            node = todo.pop()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                todo += [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
                continue
            if isinstance(node, ast.ClassDef):
                continue
            yield node
            children = list(ast.iter_child_nodes(node))
            if isinstance(node, ast.Call) and self._takes_functions(node):
                children = list(_without_lambdas(node))
            elif isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.Return | ast.Dict):
                children = [child for child in children if not isinstance(child, ast.Lambda)]
            todo.extend(reversed(children))

    def _takes_functions(self, call: ast.Call) -> bool:
        """Whether a call may keep a lambda for later: primitives, steps, and functions of the app."""
        if self._primitive(call) or self._talking.passes_chat(call, self._function):
            return True
        target = self._target(call)
        return isinstance(target, Function) or target in STEPS or str(target).startswith("functools.")

    # --- statements around a question: K401, K402, K403 ---

    def _structure(self, node: ast.AST) -> None:
        if isinstance(node, ast.Try | ast.TryStar):
            if self._talks(node.body):
                self._handlers(node)
            if self._talks([*node.body, *node.handlers, *node.orelse]):  # type: ignore[list-item]
                self._finally(node)
        elif isinstance(node, ast.With | ast.AsyncWith) and self._talks(node.body):
            self._with(node)
        elif isinstance(node, ast.AsyncWith):
            for item in node.items:
                name = self._called_name(item.context_expr)
                if name not in HARMLESS_CONTEXTS and name not in TASK_GROUPS:
                    self._outside(item.context_expr, f"async with {ast.unparse(item.context_expr)}")
        elif isinstance(node, ast.AsyncFor):
            self._outside(node.iter, f"async for ... in {ast.unparse(node.iter)}")
        elif isinstance(node, ast.Call):
            self._scheduling(node)

    def _handlers(self, node: ast.Try | ast.TryStar) -> None:
        for handler in node.handlers:
            caught = "everything" if handler.type is None else self._catches_all(handler.type)
            if caught and not _passes_on(handler):
                what = "a bare `except`" if handler.type is None else f"`except {ast.unparse(handler.type)}`"
                self._tell("K401", handler, f"{what} around a question catches the end of the turn")

    def _catches_all(self, caught: ast.expr) -> bool:
        each = caught.elts if isinstance(caught, ast.Tuple) else [caught]
        return any(self._resolve(one) in CATCH_ALL for one in each)

    def _finally(self, node: ast.Try | ast.TryStar) -> None:
        found = False
        for each in node.finalbody:
            for inner in own_nodes(each, whole=True):
                leaves = isinstance(inner, ast.Return | ast.Break | ast.Continue)
                if not (leaves or isinstance(inner, ast.Await | ast.AsyncWith | ast.AsyncFor)):
                    continue
                self._settled |= set(ast.walk(inner))
                if not found:
                    found = True
                    word = type(inner).__name__.lower() if leaves else "await"
                    self._tell(
                        "K402",
                        inner,
                        f"`{word}` in `finally` around a question: it runs at the end of every turn",
                    )

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            call = item.context_expr
            name = self._called_name(call)
            if name == "contextlib.suppress" and isinstance(call, ast.Call):
                if any(self._catches_all(each) for each in call.args):
                    self._tell(
                        "K401", call, f"`{ast.unparse(call)}` around a question catches the end of the turn"
                    )
            elif isinstance(node, ast.AsyncWith) and name not in HARMLESS_CONTEXTS:
                self._settled |= set(ast.walk(call))
                if name in TASK_GROUPS and self._spawns(node):
                    continue  # told where the tasks are made
                self._tell(
                    "K402",
                    node,
                    f"`async with {ast.unparse(call)}` around a question waits at the end of every turn",
                )

    def _spawns(self, node: ast.AsyncWith) -> bool:
        """Whether a question is asked in a task of its own."""
        calls = [
            each for part in node.body for each in own_nodes(part, whole=True) if isinstance(each, ast.Call)
        ]
        return any(self._schedules(call) and self._talks_in(call) for call in calls)

    def _scheduling(self, call: ast.Call) -> None:
        name = self._schedules(call)
        if name and self._talks_in(call):
            self._settled |= set(ast.walk(call))
            self._tell("K403", call, f"{name}() of questions: they would be open at the same time")

    def _schedules(self, call: ast.Call) -> str:
        """The name of what runs coroutines beside the flow, or empty."""
        target = self._target(call)
        if isinstance(target, str) and target in SCHEDULING:
            return target
        if isinstance(call.func, ast.Attribute) and call.func.attr in SPAWNING and not self._primitive(call):
            return ast.unparse(call.func)
        return ""

    def _talks_in(self, call: ast.Call) -> bool:
        """Whether a coroutine that talks is among the arguments, itself or by the name it was given."""
        given = [*call.args, *(each.value for each in call.keywords)]
        return any(self._makes_talk(node) for each in given for node in own_nodes(each, whole=True))

    def _makes_talk(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Call):
            return self._talking.is_talk(node, self._function)
        if not isinstance(node, ast.Name):
            return False
        value = self._value_of(node)
        if value is not None and not isinstance(value, ast.Await):
            return any(
                isinstance(each, ast.Call) and self._talking.is_talk(each, self._function)
                for each in _not_awaited(value)
            )
        target = self._resolve(node)  # `tg.start_soon(ask_name, chat)`
        return isinstance(target, Function) and target.is_async and self._talking.talks(target)

    # --- what is waited for, and what is called: K404 to K407, K502 ---

    def _await(self, node: ast.Await) -> None:
        value = node.value
        if isinstance(value, ast.Name):
            made = self._value_of(value)
            known = isinstance(made, ast.Call) and (self._is_ours(made) or self._schedules(made))
            if not known and not self._makes_talk(value):
                self._outside(node, f"await {ast.unparse(value)}")
            return
        if not isinstance(value, ast.Call):
            self._outside(node, f"await {ast.unparse(value)}")
            return
        if self._is_ours(value):
            return
        name = self._target(value)
        if isinstance(name, Function):
            if self._waits(name):
                self._outside(node, f"await {ast.unparse(value.func)}(...)")
            else:
                self._called.append(name)
        elif isinstance(value.func, ast.Name) and self._is_handed_talk(value.func.id):
            return
        elif name not in HARMLESS_WAITS and value not in self._settled:
            self._outside(node, f"await {ast.unparse(value.func)}(...)")

    def _is_ours(self, call: ast.Call) -> bool:
        """Whether a call talks, or is of a coroutine that gets the chat."""
        return self._talking.is_talk(call, self._function)

    def _is_handed_talk(self, name: str) -> bool:
        """Whether a name is a parameter, and what callers give for it talks."""
        inner: Function | None = self._function
        while inner is not None and name not in inner.scope:
            inner = inner.within
        return (
            inner is not None
            and inner.scope[name].kind == "parameter"
            and self._talking.is_handed_talk(name, inner)
        )

    def _waits(self, function: Function) -> bool:
        """Whether a coroutine function of the app waits for anything: then it is I/O, for it has no chat."""
        return function.is_async and any(
            isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith) for node in own_nodes(function.node)
        )

    def _outside(self, node: ast.AST, what: str) -> None:
        self._settled |= set(ast.walk(node))
        self._tell("K407", node, SAYS["K407"].format(name=f"`{what}`"))

    def _call(self, call: ast.Call) -> None:
        if name := self._primitive(call):
            self._retry(call, name == "step")
            if name in ("step", "secret", "ask"):
                self._settled |= {each for each in _given(call) if isinstance(each, ast.Call)}
            return
        target = self._target(call)
        if isinstance(target, Function):
            if not target.is_async or self._is_ours(call):
                self._called.append(target)
            return
        if target in STEPS:
            self._retry(call, False)
            self._settled |= {each for each in _given(call) if isinstance(each, ast.Call)}
            return
        code = (
            hazard(target, bare=not (call.args or call.keywords))
            if isinstance(target, str)
            else self._method(call)
        )
        if code:
            called = target if isinstance(target, str) else ast.unparse(call.func)
            self._tell(code, call, SAYS[code].format(name=f"{called.removeprefix('builtins.')}()"))
            self._settled |= set(ast.walk(call))

    def _method(self, call: ast.Call) -> str:
        """The rule that a method of some value breaks."""
        if not isinstance(call.func, ast.Attribute):
            return ""
        base, name = call.func.value, call.func.attr
        made = self._value_of(base) if isinstance(base, ast.Name) else base
        if isinstance(made, ast.Call):
            if self._primitive(made) == "service":
                return "K407"
            if name == "time" and self._target(made) in LOOPS:
                return "K404"
        return "K407" if name in FILE_METHODS else ""

    def _retry(self, call: ast.Call, is_step: bool) -> None:
        """K502, for `chat.step` and for `Step(...)`, whose second argument it may be."""
        is_a_step = is_step or self._target(call) in STEPS
        if not is_a_step or any(each.arg is None for each in call.keywords):
            return
        given = {each.arg: each.value for each in call.keywords}
        if any(isinstance(each, ast.Starred) for each in call.args):
            return
        retry = given.get("retry", call.args[1] if not is_step and len(call.args) > 1 else None)
        what = f"step {ast.unparse(call.args[0])}" if is_step and call.args else "this step"
        if retry is None:
            self._tell("K502", call, f"{what} does not say what may follow when its outcome is unknown")
        elif isinstance(retry, ast.Constant) and retry.value not in RETRIES:
            self._tell("K502", call, f"{what} has retry={retry.value!r}, which there is not")

    # --- short ways ---

    def _tell(self, code: str, node: ast.AST, message: str) -> None:
        self._constructs.tell(code, node, message, self._function)

    def _talks(self, nodes: list[ast.stmt]) -> bool:
        return self._talking.talk_in(nodes, self._function)

    def _primitive(self, call: ast.Call) -> str:
        return self._talking.primitive(call, self._function)

    def _target(self, call: ast.Call) -> Function | str | None:
        return self._talking.target(call, self._function)

    def _called_name(self, node: ast.expr) -> Function | str | None:
        return self._target(node) if isinstance(node, ast.Call) else None

    def _resolve(self, node: ast.expr) -> Function | str | None:
        return self._talking.sources.resolve(node, self._function.module, self._function)

    def _value_of(self, name: ast.Name) -> ast.expr | None:
        """The one expression that a name of this function stands for."""
        inner: Function | None = self._function
        while inner is not None:
            if name.id in inner.scope:
                return inner.scope[name.id].value
            inner = inner.within
        return None


def _given(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(each.value for each in call.keywords)]


def _without_lambdas(call: ast.Call) -> Iterator[ast.AST]:
    """What a call is given, without the lambdas in it, those of a dict of steps neither."""
    for child in ast.iter_child_nodes(call):
        value = child.value if isinstance(child, ast.keyword) else child
        if not isinstance(value, ast.Lambda):
            yield child if not isinstance(child, ast.keyword) else child.value


def _not_awaited(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of an expression that are not waited for in it."""
    todo = [node]
    while todo:
        each = todo.pop()
        if isinstance(each, (ast.Await, *FUNCTIONS)):
            continue
        yield each
        todo.extend(ast.iter_child_nodes(each))


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether a handler only looks on: it ends by raising what it caught, and does not wait before."""
    last = handler.body[-1]
    raises = isinstance(last, ast.Raise) and (
        last.exc is None or (isinstance(last.exc, ast.Name) and last.exc.id == handler.name)
    )
    return raises and not any(
        isinstance(node, ast.Await) for each in handler.body for node in own_nodes(each, whole=True)
    )
