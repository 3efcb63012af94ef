"""Branches of live functions, and which of them were taken: probes are compiled into the functions for a while.

A condition is counted by its operands: `if a and b` has four ways, `a` and `b` each true and false. A `for` over what
came from outside has two, with an item and without; over a constant one. Handlers and cases have one each. What is not
counted: `assert`, `async for` without an item, and conditions that are constants, only about `chat.locales` or just a
`chat.version`.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any, Final, TypeVar, cast

from kikao.checking.exploring.exploration import Branch, BranchCoverage

T = TypeVar("T")

IF: Final = "__kikao_if__"
EACH: Final = "__kikao_each__"
HERE: Final = "__kikao_here__"
ROUND: Final = "__kikao_round__"

ROUNDS: Final = 10_000
"""How often loops may go round in one turn before they are taken to have no end."""

LONGEST_SNIPPET: Final = 70
"""Characters of a condition that are told."""


class EndlessLoop(BaseException):
    """A loop goes round and round within one turn. No `except Exception` of a flow may keep it going."""


class Probes:
    """Probes in functions. A context: on leaving it the functions are as they were."""

    def __init__(self, functions: Iterable[FunctionType]) -> None:
        self.branches: list[Branch] = []
        self.entered: set[FunctionType] = set()
        """The functions that were called."""
        self.taken: set[int] = set()
        """Places in `branches`."""
        self.unread: list[FunctionType] = []
        """Functions whose source was not found, or is not what runs."""
        self.rounds = 0
        """How often loops went round since it was last set."""
        self._functions = list(dict.fromkeys(functions))
        self._codes: dict[FunctionType, CodeType] = {}
        self._instrument()

    def __enter__(self) -> Probes:
        for function, code in self._codes.items():
            self._codes[function], function.__code__ = function.__code__, code
            function.__globals__.update(self._probes())
        return self

    def __exit__(self, *error: object) -> None:
        for function, code in self._codes.items():
            self._codes[function], function.__code__ = function.__code__, code
            for name in self._probes():
                function.__globals__.pop(name, None)

    @property
    def coverage(self) -> BranchCoverage:
        """How far the branches were taken."""
        missing = sorted(branch for place, branch in enumerate(self.branches) if place not in self.taken)
        return BranchCoverage(len(self.branches) - len(missing), len(self.branches), tuple(missing))

    def _instrument(self) -> None:
        by_file: dict[str, list[FunctionType]] = {}
        for function in self._functions:
            by_file.setdefault(function.__code__.co_filename, []).append(function)
        for file, functions in sorted(by_file.items()):
            tree = _parsed(file)
            if tree is None:
                self.unread += functions
                continue
            wanted = {_name_of(function.__code__): at for at, function in self._numbered(functions)}
            _Instrument(file, wanted, self.branches).visit(tree)
            ast.fix_missing_locations(tree)
            codes = {
                _name_of(code): code for code in _codes_in(compile(tree, file, "exec", dont_inherit=True))
            }
            for function in functions:
                code = codes.get(_name_of(function.__code__))
                if code is None or code.co_freevars != function.__code__.co_freevars:
                    self.unread.append(function)
                else:
                    self._codes[function] = code

    def _numbered(self, functions: list[FunctionType]) -> Iterator[tuple[int, FunctionType]]:
        return ((self._functions.index(function), function) for function in functions)

    def _probes(self) -> dict[str, Callable[..., Any]]:
        return {IF: self._if, EACH: self._each, HERE: self._here, ROUND: self._round}

    def _if(self, place: int, value: T) -> T:
        self.taken.add(place if value else place + 1)
        return value

    def _each(self, place: int, counted: bool, items: Iterable[T]) -> Iterator[T]:
        some = False
        for item in items:
            if not some:
                some = True
                self.taken.add(place)
            self._round()
            yield item
        if counted and not some:
            self.taken.add(place + 1)

    def _here(self, place: int) -> None:
        if place < 0:
            self.entered.add(self._functions[-place - 1])
        else:
            self.taken.add(place)

    def _round(self) -> None:
        self.rounds += 1
        if self.rounds > ROUNDS:
            raise EndlessLoop


class _Instrument(ast.NodeTransformer):
    """Puts probes into the wanted functions of a module, and lists their branches."""

    def __init__(self, file: str, wanted: dict[tuple[str, int], int], branches: list[Branch]) -> None:
        self._file = file
        self._wanted = wanted
        self._branches = branches
        self._names: list[str] = []
        self._inside = 0
        self._locals: list[set[str]] = []

    # --- where we are ---

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._names.append(node.name)
        node.body = [self.visit(each) for each in node.body]
        self._names.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: Any) -> ast.AST:
        first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
        self._names.append(node.name)
        place = self._wanted.get((".".join(self._names), first))
        self._names.append("<locals>")
        self._inside += place is not None or self._inside > 0
        self._locals.append(_assigned(node))
        body = [self.visit(each) for each in node.body]
        self._locals.pop()
        if place is not None:
            body.insert(0, _at(node.body[0], ast.Expr(_call(HERE, ast.Constant(-place - 1)))))
        self._inside -= self._inside > 0
        del self._names[-2:]
        node.body = body
        return node  # type: ignore[no-any-return]

    # --- branches ---

    def visit_If(self, node: ast.If) -> ast.AST:
        node.test = self._condition(node.test)
        return self._blocks(node, "body", "orelse")

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        node.test = self._condition(node.test)
        node.body, node.orelse = self.visit(node.body), self.visit(node.orelse)
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        node.test = self._condition(node.test)
        self._blocks(node, "body", "orelse")
        if self._inside:
            node.body.insert(0, _at(node.body[0], ast.Expr(_call(ROUND))))
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        node.values = [*map(self._condition, node.values[:-1]), self.visit(node.values[-1])]
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        node.iter = self.visit(node.iter)
        node.ifs = [self._condition(each) for each in node.ifs]
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        head = f"for {_snippet(node.target)} in {_snippet(node.iter)}"
        items = self.visit(node.iter)
        if self._inside:
            counted = self._varies(node.iter)
            place = self._branch(node, f"`{head}`: never with an item")
            if counted:
                self._branch(node, f"`{head}`: never without an item")
            node.iter = _at(items, _call(EACH, ast.Constant(place), ast.Constant(counted), items))
        return self._blocks(node, "body", "orelse")

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        head = f"async for {_snippet(node.target)} in {_snippet(node.iter)}"
        node.iter = self.visit(node.iter)
        self._blocks(node, "body", "orelse")
        self._mark(node.body, node, f"`{head}`: never with an item")
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        head = f"except {_snippet(node.type)}" if node.type else "except"
        place = self._branch(node, f"`{head}`: never caught") if self._inside else -1
        self._blocks(node, "body")
        return self._marked(node, node.body, place)

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        place = self._branch(node.pattern, f"`case {_snippet(node.pattern)}`: never") if self._inside else -1
        if node.guard is not None:
            node.guard = self._condition(node.guard)
        self._blocks(node, "body")
        return self._marked(node, node.body, place)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        return node

    def _condition(self, test: ast.expr) -> ast.expr:
        if isinstance(test, ast.BoolOp):
            test.values = [self._condition(each) for each in test.values]
            return test
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test.operand = self._condition(test.operand)
            return test
        if isinstance(test, ast.Constant) or not self._inside or _is_set_up(test):
            return cast("ast.expr", self.visit(test))
        written = _snippet(test)
        place = self._branch(test, f"`{written}` is never true")
        self._branch(test, f"`{written}` is never false")
        return cast("ast.expr", _at(test, _call(IF, ast.Constant(place), self.visit(test))))

    def _blocks(self, node: Any, *names: str) -> ast.AST:
        for name in names:
            setattr(node, name, [self.visit(each) for each in getattr(node, name)])
        return node  # type: ignore[no-any-return]

    def _mark(self, block: list[ast.stmt], node: ast.AST, what: str) -> None:
        if self._inside:
            self._marked(node, block, self._branch(node, what))

    def _marked(self, node: T, block: list[ast.stmt], place: int) -> T:
        if place >= 0:
            block.insert(0, _at(block[0], ast.Expr(_call(HERE, ast.Constant(place)))))
        return node

    def _branch(self, node: Any, what: str) -> int:
        self._branches.append(Branch(self._file, node.lineno, node.col_offset, what))
        return len(self._branches) - 1

    def _varies(self, items: ast.expr) -> bool:
        """Whether what a loop goes over may be empty: it came from outside, and is no constant of the code."""
        match items:
            case ast.Name(id=name):
                return any(name in names for names in self._locals)
            case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Await(value=inner):
                return self._varies(inner)
            case ast.Call(func=ast.Attribute(value=inner)):
                return self._varies(inner)
            case ast.Call(func=ast.Name(), args=args):
                return any(self._varies(each) for each in args)
            case ast.Tuple(elts=items_) | ast.List(elts=items_) | ast.Set(elts=items_):
                return not items_
            case ast.Constant():
                return False
        return True


def _is_set_up(test: ast.expr) -> bool:
    """Whether a condition is about the app, not a member: only about its languages, or about an older release."""
    if isinstance(test, ast.Await) and ast.unparse(test).startswith("await chat.version("):
        return True
    names = {each.id for each in ast.walk(test) if isinstance(each, ast.Name)}
    attributes = [ast.unparse(each) for each in ast.walk(test) if isinstance(each, ast.Attribute)]
    return bool(attributes) and set(attributes) == {"chat.locales"} and names <= {"chat", "len"}


def _parsed(file: str) -> ast.Module | None:
    lines = linecache.getlines(file)
    try:
        return ast.parse("".join(lines), file) if lines else None
    except (SyntaxError, ValueError):
        return None


def _name_of(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes_in(each)


def _assigned(function: Any) -> set[str]:
    """Names that belong to a function: its parameters, and what it assigns."""
    names = {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}
    return names | {
        each.id
        for each in ast.walk(function)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }


def _call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(args), [])


def _at(place: ast.AST, node: Any) -> Any:
    return ast.copy_location(node, place)


def _snippet(node: ast.AST) -> str:
    written = " ".join(ast.unparse(node).split())
    return written if len(written) <= LONGEST_SNIPPET else f"{written[: LONGEST_SNIPPET - 3]}..."
