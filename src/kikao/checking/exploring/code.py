"""The code of an app that members meet: what its flows lead to, and what stands in it.

Followed are names: globals, names of imported modules, closures. What is called by a method of an object is not found.
"""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

from kikao.conversation.flows import Flow, Flows

Place = tuple[str, int]
"""File and line."""

CONSTANTS: Final = 40
"""Most constants of a kind that are tried as answers and results."""


class FlowCode:
    """The functions behind some flows."""

    def __init__(self, flows: Flows) -> None:
        self._flows = flows
        modules = {function.__module__ for each in flows for function in _functions_of(each)}
        packages = {name.partition(".")[0] for name in modules}
        found: dict[FunctionType, None] = {}
        todo: list[Any] = [flow.function for flow in flows]
        while todo:
            value = todo.pop(0)
            if isinstance(value, FunctionType) and value not in found:
                if value.__module__ is None or value.__module__.partition(".")[0] not in packages:
                    continue
                found[value] = None
                todo += _named_by(value)
            elif not isinstance(value, FunctionType):
                todo += [each for each in _functions_of(value) if each not in found]
        self.functions = [each for each in found if each.__module__ in modules or takes_chat(each)]
        """What is counted: functions in modules that define flows, and others of the app that take a `chat`."""
        self.all = list(found)
        """What else of the app's package the flows lead to, too."""

    def function_of(self, flow: Flow) -> FunctionType | None:
        """The function of a flow, as it was written."""
        return next(_functions_of(flow), None)

    def reached(self, entered: Iterable[FunctionType], entry: str) -> set[str]:
        """The flows that somebody may come to: those held, and what code that is reached names."""
        names = {entry}
        todo: list[FunctionType] = list(entered)
        seen: set[FunctionType] = set(todo)
        for flow in self._flows:
            if self.function_of(flow) in seen:
                names.add(flow.name)
        todo += [f for flow in self._flows if flow.name == entry and (f := self.function_of(flow))]
        while todo:
            function = todo.pop()
            for value in [*_named_by(function), *map(self._flows.get, _strings_in(function.__code__))]:
                if isinstance(value, Flow):
                    names.add(value.name)
                for each in _functions_of(value):
                    if each not in seen:
                        seen.add(each)
                        todo.append(each)
        return names

    def constants(self) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Whole numbers and texts that the code compares with, in its order."""
        numbers: dict[int, None] = {}
        texts: dict[str, None] = {}
        for function in self.all:
            for value in _compared(function):
                if isinstance(value, int) and not isinstance(value, bool):
                    numbers[value] = None
                elif isinstance(value, str) and value.isprintable():
                    texts[value] = None
        return tuple(numbers)[:CONSTANTS], tuple(texts)[:CONSTANTS]

    def strings(self) -> frozenset[str]:
        """Every text that stands in the files of the flows and of what they lead to."""
        return frozenset(self._sentences)

    def place_of(self, sentence: str) -> Place:
        """File and line where the code has a sentence; empty and 0 where it was not found."""
        return self._sentences.get(sentence, ("", 0))

    @functools.cached_property
    def _sentences(self) -> dict[str, Place]:
        """The texts of the files, each where a function such as `t` gets it, else where it stands first."""
        given: dict[str, Place] = {}
        written: dict[str, Place] = {}
        for file in dict.fromkeys(each.__code__.co_filename for each in self.all):
            for node in ast.walk(tree) if (tree := _tree(file)) else ():
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                    for each in node.args[:2]:
                        if _ends_in(node.func, ("t", "tn")) and isinstance(each, ast.Constant):
                            given.setdefault(each.value, (file, each.lineno))  # type: ignore[arg-type]
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    written.setdefault(node.value, (file, node.lineno))
        return {**written, **given}


def _ends_in(function: ast.Name | ast.Attribute, names: tuple[str, ...]) -> bool:
    return (function.id if isinstance(function, ast.Name) else function.attr) in names


def takes_chat(function: FunctionType) -> bool:
    """Whether a function is part of a conversation: it gets the `chat`."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if "chat" in names:
        return True
    noted = function.__annotations__
    return any(getattr(noted.get(n), "__name__", noted.get(n)) in ("Chat", "kikao.Chat") for n in names)


def _named_by(function: FunctionType) -> list[Any]:
    """What the names in a function may stand for."""
    spaces = function.__globals__
    names = list(dict.fromkeys(_names_in(function.__code__)))
    values = [spaces[name] for name in names if name in spaces]
    for module in [value for value in values if isinstance(value, ModuleType)]:
        values += [found for name in names if (found := vars(module).get(name)) is not None]
    for cell in function.__closure__ or ():
        try:
            values.append(cell.cell_contents)
        except ValueError:
            continue  # not filled yet
    values += function.__defaults__ or ()
    values += (function.__kwdefaults__ or {}).values()
    return [value for value in values if not isinstance(value, ModuleType)]


def _functions_of(value: Any) -> Iterator[FunctionType]:
    if isinstance(value, FunctionType):
        yield value
        if hasattr(value, "__wrapped__"):
            yield from _functions_of(value.__wrapped__)
    elif isinstance(value, Flow):
        yield from _functions_of(value.function)
    elif isinstance(value, MethodType):
        yield from _functions_of(value.__func__)
    elif isinstance(value, type):
        yield from (
            each for each in vars(value).values() if isinstance(each, FunctionType) and takes_chat(each)
        )
    elif isinstance(value, dict):
        for each in value.values():
            yield from _functions_of(each) if isinstance(each, FunctionType | Flow) else ()
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _functions_of(each) if isinstance(each, FunctionType | Flow) else ()
    elif isinstance(value, functools.partial):
        yield from _functions_of(value.func)


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _names_in(each)


def _strings_in(code: CodeType) -> Iterator[str]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _strings_in(each)
        elif isinstance(each, str):
            yield each
        elif isinstance(each, tuple):
            yield from (part for part in each if isinstance(part, str))


def _compared(function: FunctionType) -> Iterator[Any]:
    code = function.__code__
    tree = _tree(code.co_filename)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if first == code.co_firstlineno:
                yield from _in_comparisons(node)
                return


def _in_comparisons(function: ast.AST) -> Iterator[Any]:
    for node in ast.walk(function):
        if isinstance(node, ast.Compare | ast.MatchValue):
            for each in ast.walk(node):
                if isinstance(each, ast.Constant):
                    yield each.value


_trees: dict[str, ast.Module | None] = {}


def _tree(file: str) -> ast.Module | None:
    if file not in _trees:
        try:
            _trees[file] = ast.parse("".join(linecache.getlines(file)))
        except (SyntaxError, ValueError):
            _trees[file] = None
    return _trees[file]
