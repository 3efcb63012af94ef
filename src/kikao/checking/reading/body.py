"""A function while it is read: what runs in it on every replay, and what the names and calls in it are."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from kikao.checking.reading.hazards import OPENING, SCHEDULING, SPAWNING, hazard
from kikao.checking.reading.scopes import FUNCTIONS
from kikao.checking.reading.sources import Function
from kikao.checking.reading.talking import STEPS, Talking, own_nodes

Report = Callable[[str, ast.AST, str, Function], None]
"""Takes a rule's code, the place, what is wrong there, and the function it is in."""


class Body:
    """One function. `settled` are nodes that a finding speaks of already, or that are known to be right."""

    def __init__(self, function: Function, talking: Talking, report: Report) -> None:
        self.function = function
        self.talking = talking
        self.settled: set[ast.AST] = set()
        self._report = report

    def tell(self, code: str, node: ast.AST, message: str) -> None:
        """Report a place."""
        self._report(code, node, message, self.function)

    def nodes(self) -> Iterator[ast.AST]:
        """The nodes that run whenever the flow does: not what is handed to a primitive to be run by it."""
        body = self.function.node.body
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
        if self.primitive(call) or self.talking.passes_chat(call, self.function):
            return True
        target = self.target(call)
        return isinstance(target, Function) or target in STEPS or str(target).startswith("functools.")

    def talks(self, nodes: list[ast.stmt]) -> bool:
        """Whether anything in some statements talks."""
        return self.talking.talk_in(nodes, self.function)

    def primitive(self, call: ast.Call) -> str:
        """The method of the chat that a call is of, or empty."""
        return self.talking.primitive(call, self.function)

    def target(self, call: ast.Call) -> Function | str | None:
        """What is called."""
        return self.talking.target(call, self.function)

    def called_name(self, node: ast.expr) -> Function | str | None:
        """What is called, where an expression is a call."""
        return self.target(node) if isinstance(node, ast.Call) else None

    def resolve(self, node: ast.expr) -> Function | str | None:
        """What an expression names."""
        return self.talking.sources.resolve(node, self.function.module, self.function)

    def schedules(self, call: ast.Call) -> str:
        """The name of what runs coroutines beside the flow, or empty."""
        target = self.target(call)
        if isinstance(target, str) and target in SCHEDULING:
            return target
        if isinstance(call.func, ast.Attribute) and call.func.attr in SPAWNING and not self.primitive(call):
            return ast.unparse(call.func)
        return ""

    def talks_in(self, call: ast.Call) -> bool:
        """Whether a coroutine that talks is among the arguments, itself or by the name it was given."""
        given = [*call.args, *(each.value for each in call.keywords)]
        return any(self.makes_talk(node) for each in given for node in own_nodes(each, whole=True))

    def makes_talk(self, node: ast.AST) -> bool:
        """Whether a node is a call that talks, or the name of one that was made and not waited for."""
        if isinstance(node, ast.Call):
            return self.talking.is_talk(node, self.function)
        if not isinstance(node, ast.Name):
            return False
        value = self.value_of(node)
        if value is not None and not isinstance(value, ast.Await):
            return any(
                isinstance(each, ast.Call) and self.talking.is_talk(each, self.function)
                for each in _not_awaited(value)
            )
        target = self.resolve(node)  # `tg.start_soon(ask_name, chat)`
        return isinstance(target, Function) and target.is_async and self.talking.talks(target)

    def kept_open(self, name: ast.Name) -> str:
        """The rule that methods of a name break which is made once for the whole module: `web = httpx.Client()`."""
        sources, module = self.talking.sources, self.function.module
        kind = sources.kind_of(name, module, self.function)
        last = kind.rpartition(".")[2]
        code = hazard(kind, bare=True) if last[:1].isupper() or last in OPENING else ""
        return code if code in ("K405", "K407") else ""

    def value_of(self, name: ast.Name) -> ast.expr | None:
        """The one expression that a name of this function stands for."""
        inner: Function | None = self.function
        while inner is not None:
            if name.id in inner.scope:
                return inner.scope[name.id].value
            inner = inner.within
        return None


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
