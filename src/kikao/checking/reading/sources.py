"""The source files of an app: its own modules, parsed, and what each name in them stands for. Nothing of it is run.

An app's own modules are those of its package and what they import, but neither Python's nor kikao's nor what is
installed beside them.
"""

from __future__ import annotations

import ast
import builtins
import os
import sys
import sysconfig
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Final

from kikao.checking.reading.scopes import Binding, FunctionNode, Scope, bindings_of, nested_in

ENGINE: Final = Path(__file__).parents[2]
"""The folder of kikao itself."""

SKIPPED: Final = frozenset({"__pycache__", "node_modules", "tests"})
"""Folders whose code is not part of a package's work; hidden ones and virtual environments are not, either."""

DEEP: Final = 20
"""How many hands a name may go through, from one import to the next, before it is given up."""


class Function:
    """A function of a source file. `within` is the function it is defined in, `owner` the class, if any."""

    __slots__ = ("module", "node", "owner", "scope", "within")

    def __init__(self, module: Module, node: FunctionNode, within: Function | None = None) -> None:
        self.module = module
        self.node = node
        self.within = within
        self.owner = ""
        self.scope: Scope = bindings_of(node)

    @property
    def name(self) -> str:
        return getattr(self.node, "name", "lambda")

    @property
    def is_async(self) -> bool:
        return isinstance(self.node, ast.AsyncFunctionDef)


class Module:
    """A source file under its dotted name."""

    def __init__(self, name: str, path: Path, source: bytes) -> None:
        self.name = name
        self.path = path
        self.tree = ast.parse(source)
        self.is_package = path.stem == "__init__"
        self.functions: dict[FunctionNode, Function] = {}
        for node, outer in nested_in(self.tree):
            self.functions[node] = Function(self, node, self.functions.get(outer) if outer else None)
        self.classes: dict[str, ast.ClassDef] = {}
        for each in ast.walk(self.tree):
            if isinstance(each, ast.ClassDef) and each.name not in self.classes:
                self.classes[each.name] = each
                for part in each.body:
                    if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                        self.functions[part].owner = each.name

    @cached_property
    def scope(self) -> Scope:
        return bindings_of(self.tree)

    @cached_property
    def stars(self) -> list[str]:
        """The modules that all names are imported from."""
        return [
            self.absolute(node.module or "", node.level)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ImportFrom) and any(name.name == "*" for name in node.names)
        ]

    @property
    def package(self) -> str:
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def absolute(self, source: str, level: int) -> str:
        """The dotted name that `from ...source import` means here."""
        if not level:
            return source
        parts = self.package.split(".")
        return ".".join([*parts[: len(parts) - level + 1], *filter(None, [source])])


class Unreadable(Exception):
    """A source file that is not Python as this Python knows it, at a line."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.line = line


class Sources:
    """An app's own modules, by their dotted names."""

    def __init__(self, modules: Iterable[Module], unreadable: Iterable[Unreadable] = ()) -> None:
        self.modules = {module.name: module for module in modules}
        self.unreadable = list(unreadable)
        self._by_path = {module.path: module for module in self.modules.values()}

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules.values())

    def at(self, path: str | Path) -> Module | None:
        """The module in a file."""
        return self._by_path.get(Path(path))

    def function_at(self, path: str, line: int) -> Function | None:
        """The function whose code begins there, as `co_firstlineno` has it: at its first decorator, if it has any."""
        module = self.at(path)
        for node, function in module.functions.items() if module else ():
            decorators = getattr(node, "decorator_list", ())
            if not isinstance(node, ast.Lambda) and (decorators or [node])[0].lineno == line:
                return function
        return None

    def calls_of(self, names: Collection[str]) -> Iterator[tuple[Module, ast.Call]]:
        """The calls, outside of functions, of what has one of these dotted names."""
        for module in self:
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Call) and self.resolve(node.func, module, None) in names:
                    yield module, node

    # --- what a name stands for ---

    def resolve(
        self, node: ast.expr, module: Module, function: Function | None, deep: int = 0
    ) -> Function | str | None:
        """What an expression names: a function of the app, the dotted name of something else, or None for a value."""
        if deep > DEEP:
            return None
        if isinstance(node, ast.Name):
            inner = function
            while inner is not None:
                if node.id in inner.scope:
                    return self._bound(inner.scope[node.id], node.id, module, inner, deep)
                inner = inner.within
            if node.id in module.scope:
                return self._bound(module.scope[node.id], node.id, module, None, deep)
            for source in module.stars:
                if hasattr(sys.modules.get(source), node.id):
                    return self._follow(f"{source}.{node.id}", deep + 1)
            return f"builtins.{node.id}" if hasattr(builtins, node.id) else None
        if isinstance(node, ast.Attribute):
            base = self.resolve(node.value, module, function, deep + 1)
            if isinstance(base, str):
                return self._follow(f"{base}.{node.attr}", deep + 1)
            if base is None and (kind := self.kind_of(node.value, module, function, deep + 1)):
                return self.method(kind, node.attr, deep + 1)
        return None

    def constant(self, name: str, function: Function) -> str:
        """The text that a name of a function or of its module always stands for; empty if there is none."""
        inner: Function | None = function
        while inner is not None and name not in inner.scope:
            inner = inner.within
        scope = inner.scope if inner is not None else function.module.scope
        value = scope[name].value if name in scope else None
        return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""

    def kind_of(self, node: ast.expr, module: Module, function: Function | None, deep: int = 0) -> str:
        """The dotted name of what made a value: its class, or another name that was called for it; empty if unknown.

        Known are `Kind(...)` itself, names that only ever were one, and `self`.
        """
        if deep > DEEP:
            return ""
        if isinstance(node, ast.Call):
            made = self.resolve(node.func, module, function, deep + 1)
            return made if isinstance(made, str) else ""
        if not isinstance(node, ast.Name):
            return ""
        inner = function
        while inner is not None:
            if binding := inner.scope.get(node.id):
                if binding.kind == "parameter" and inner.owner and _is_self(inner, node.id):
                    return f"{module.name}.{inner.owner}"
                value = binding.value
                return self.kind_of(value, module, inner, deep + 1) if isinstance(value, ast.Call) else ""
            inner = inner.within
        home = self._home_of(node.id, module)
        return self.kind_of(home[1], home[0], None, deep + 1) if home else ""

    def _home_of(self, name: str, module: Module) -> tuple[Module, ast.Call] | None:
        """The module where a name of a module, which may be imported, gets the value of a call, and that call."""
        for _ in range(DEEP):
            binding = module.scope.get(name)
            if binding is None:
                return None
            if binding.kind == "value":
                return (module, binding.value) if isinstance(binding.value, ast.Call) else None
            source, _, name = module.absolute(binding.source, binding.level).rpartition(".")
            if binding.kind != "import" or source not in self.modules:
                return None
            module = self.modules[source]
        return None

    def class_of(self, dotted: str) -> tuple[Module, ast.ClassDef] | None:
        """A class of the app."""
        source, _, name = dotted.rpartition(".")
        module = self.modules.get(source)
        found = module.classes.get(name) if module else None
        return (module, found) if module and found else None

    def method(self, dotted: str, name: str, deep: int = 0) -> Function | None:
        """A method of a class of the app, or of those it is made from."""
        found = self.class_of(dotted)
        if found is None or deep > DEEP:
            return None
        module, node = found
        for part in node.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and part.name == name:
                return module.functions[part]
        for base in node.bases:
            kind = self.resolve(base, module, None, deep + 1)
            if isinstance(kind, str) and (method := self.method(kind, name, deep + 1)):
                return method
        return None

    def _bound(
        self, binding: Binding, name: str, module: Module, function: Function | None, deep: int
    ) -> Function | str | None:
        if binding.kind == "import":
            return self._follow(module.absolute(binding.source, binding.level), deep + 1)
        if binding.kind == "function":
            assert binding.node is not None
            return module.functions[binding.node]
        if binding.kind == "class" and function is None:
            return f"{module.name}.{name}"
        if binding.kind == "value" and isinstance(binding.value, ast.Name | ast.Attribute):
            return self.resolve(binding.value, module, function, deep + 1)
        if (
            isinstance(made := binding.value, ast.Call)
            and made.args
            and self.resolve(made.func, module, function, deep + 1) == "functools.partial"
        ):
            return self.resolve(made.args[0], module, function, deep + 1)
        return None

    def _follow(self, dotted: str, deep: int) -> Function | str | None:
        """A dotted name, through the app's modules to where it comes from."""
        parts = dotted.split(".")
        for count in range(len(parts) - 1, 0, -1):
            module = self.modules.get(".".join(parts[:count]))
            if module is None:
                continue
            name, rest = parts[count], parts[count + 1 :]
            binding = module.scope.get(name)
            if binding is not None and binding.kind == "class" and len(rest) == 1:
                return self.method(f"{module.name}.{name}", rest[0], deep + 1) or dotted
            if binding is None or binding.kind == "class":
                return dotted
            if deep > DEEP:
                return None
            found = self._bound(binding, name, module, None, deep + 1)
            if not rest:
                return found
            return self._follow(".".join([found, *rest]), deep + 1) if isinstance(found, str) else None
        return dotted


def _is_self(function: Function, name: str) -> bool:
    """Whether a name is the first parameter of a method."""
    own = function.node.args
    first = [*own.posonlyargs, *own.args][:1]
    static = any(
        getattr(each, "id", "") == "staticmethod" for each in getattr(function.node, "decorator_list", ())
    )
    return bool(first) and first[0].arg == name and not static


def sources_of(target: str, more: Iterable[str] = ()) -> Sources:
    """The modules of the app that `target` names, which is imported; `more` are modules that hold flows of it.

    Files that cannot be parsed are in `unreadable`.
    """
    found: dict[str, Module] = {}
    unreadable: list[Unreadable] = []
    home = _home(target)
    todo = [(name, path) for name, path in _package(home)]
    wanted = {_root(name) for name in more}
    todo += [(name, path) for name in (target, *more) if (path := _file(sys.modules.get(name)))]
    while todo:
        name, path = todo.pop()
        if name in found or any(path == known.path for known in unreadable):
            continue
        try:
            found[name] = module = Module(name, path, path.read_bytes())
        except (SyntaxError, ValueError, OSError) as error:
            unreadable.append(Unreadable(path, getattr(error, "lineno", None) or 1, str(error)))
            continue
        for imported in _imports(module):
            path_of = _file(sys.modules.get(imported))
            if path_of and (_root(imported) in wanted or is_own(path_of)):
                todo.append((imported, path_of))
    return Sources(sorted(found.values(), key=lambda module: module.name), unreadable)


def is_own(path: Path) -> bool:
    """Whether a file is somebody's own code: not Python's, not kikao's, not installed from a registry."""
    return not (
        ENGINE in path.parents
        or any(part in ("site-packages", "dist-packages") for part in path.parts)
        or any(folder in path.parents for folder in _PYTHON)
    )


_PYTHON: Final = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")]


def files_under(folder: Path) -> Iterator[Path]:
    """The Python files of a folder that are part of its work: neither tests nor what is installed in it."""
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in SKIPPED and name[0] != "." and not Path(here, name, "pyvenv.cfg").exists()
        )
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith("test_") and name != "conftest.py":
                yield Path(here, name)


def _home(target: str) -> ModuleType | None:
    """The package of a module, or the module itself where it is in none."""
    module = sys.modules.get(target)
    if module is None or hasattr(module, "__path__"):
        return module
    return sys.modules.get(target.rpartition(".")[0]) or module


def _package(home: ModuleType | None) -> Iterator[tuple[str, Path]]:
    path = _file(home)
    if home is None or path is None:
        return
    if not hasattr(home, "__path__"):
        yield home.__name__, path
        return
    for file in files_under(path.parent):
        parts = file.relative_to(path.parent).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        yield ".".join([home.__name__, *parts]), file


def _imports(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = module.absolute(node.module or "", node.level)
            yield source
            yield from (f"{source}.{name.name}" for name in node.names)


def _file(module: ModuleType | None) -> Path | None:
    name = getattr(module, "__file__", None)
    return Path(name).resolve() if isinstance(name, str) and name.endswith(".py") else None


def _root(name: str) -> str:
    return name.partition(".")[0]
