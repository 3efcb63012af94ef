"""What each name in a function or a module is bound to, as far as it can be told without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Binding(msgspec.Struct, frozen=True):
    """What a name is bound to.

    `source` and `level` are those of an import: the dotted name, and how many packages up it begins. `value` is the one
    expression that is assigned, None where there are several or where it cannot be told; `node` a function.
    """

    kind: Literal["import", "function", "class", "parameter", "value"]
    source: str = ""
    level: int = 0
    value: ast.expr | None = None
    annotation: ast.expr | None = None
    node: FunctionNode | None = None


Scope = dict[str, Binding]

UNKNOWN: Final = Binding("value")


def bindings_of(node: ast.AST) -> Scope:
    """The names that a function or a module binds, without those of the functions in it."""
    scope: Scope = {}
    elsewhere: set[str] = set()
    if isinstance(node, FUNCTIONS):
        scope.update(
            (each.arg, Binding("parameter", annotation=each.annotation)) for each in parameters(node)
        )
    for each in _here(node):
        if isinstance(each, ast.Global | ast.Nonlocal):
            elsewhere.update(each.names)
        for name, binding in _bound_by(each):
            # Bound twice, it may be either; an import in both branches of a `try` is what the first one says.
            scope[name] = (
                binding if name not in scope else UNKNOWN if binding.kind == "value" else scope[name]
            )
    return {name: binding for name, binding in scope.items() if name not in elsewhere}


def parameters(node: FunctionNode) -> list[ast.arg]:
    """Every parameter of a function, in order."""
    found = node.args
    rest = [each for each in (found.vararg, found.kwarg) if each is not None]
    return [*found.posonlyargs, *found.args, *found.kwonlyargs, *rest]


def nested_in(tree: ast.Module) -> Iterator[tuple[FunctionNode, FunctionNode | None]]:
    """Every function of a module with the function it is defined in, outer ones first."""
    todo: list[tuple[ast.AST, FunctionNode | None]] = [(tree, None)]
    while todo:
        node, outer = todo.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, FUNCTIONS):
                yield child, outer
                todo.append((child, child))
            else:
                todo.append((child, outer))


def _here(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function or a module, in order, without those inside of other functions and classes."""
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(getattr(node, "body", ()))
    todo = body[::-1]
    while todo:
        each = todo.pop()
        yield each
        if not isinstance(each, (*FUNCTIONS, ast.ClassDef)):
            todo.extend(reversed(list(ast.iter_child_nodes(each))))


def _bound_by(node: ast.AST) -> Iterator[tuple[str, Binding]]:
    match node:
        case ast.Import():
            for name in node.names:
                if name.asname:
                    yield name.asname, Binding("import", name.name)
                else:
                    root = name.name.partition(".")[0]
                    yield root, Binding("import", root)
        case ast.ImportFrom():
            for name in node.names:
                source = f"{node.module}.{name.name}" if node.module else name.name
                yield name.asname or name.name, Binding("import", source, node.level)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield node.name, Binding("function", node=node)
        case ast.ClassDef():
            yield node.name, Binding("class")
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, _assigned(value)
        case ast.AnnAssign(target=ast.Name(id=name), value=value, annotation=annotation):
            if value is not None:
                yield name, Binding("value", value=value, annotation=annotation)
        case ast.NamedExpr(target=ast.Name(id=name), value=value):
            yield name, _assigned(value)
        case ast.Assign() | ast.AugAssign() | ast.For() | ast.AsyncFor() | ast.With() | ast.AsyncWith():
            for target in _targets(node):
                for each in ast.walk(target):
                    if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                        yield each.id, UNKNOWN
        case ast.comprehension():
            for each in ast.walk(node.target):
                if isinstance(each, ast.Name):
                    yield each.id, UNKNOWN
        case ast.ExceptHandler(name=str(name)):
            yield name, UNKNOWN
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name, UNKNOWN


def _assigned(value: ast.expr) -> Binding:
    if isinstance(value, ast.Lambda):
        return Binding("function", node=value)
    return Binding("value", value=value)


def _targets(
    node: ast.Assign | ast.AugAssign | ast.For | ast.AsyncFor | ast.With | ast.AsyncWith,
) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    if isinstance(node, ast.With | ast.AsyncWith):
        return [each.optional_vars for each in node.items if each.optional_vars is not None]
    return [node.target]
