"""The house rules that no linter knows: private names, circles, file length, and what an import may load.

Each rule is a function from sources to findings; the tests at the end show that each one can fail.
"""

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src"
LONGEST_FILE = 500
E164 = re.compile(r"\[1-9\](?:\[0-9\]|\\d)\{{1,2}\d+,1[45]\}").search
STORES = {"aiosqlite", "alembic", "asyncpg", "redis", "sqlalchemy"}
LATE = STORES | {"argon2", "babel", "httpx", "phonenumbers", "prometheus_client", "starlette", "uvicorn"}


# --- the rules ---


@dataclass(frozen=True)
class Module:
    """One source file under its dotted name; a package is its `__init__`."""

    name: str
    is_package: bool
    text: str

    @property
    def package(self) -> str:
        return self.name if self.is_package else self.name.rpartition(".")[0]


@dataclass(frozen=True)
class Import:
    """`from source import name` (as `alias`), or `import source` where `name` is empty."""

    line: int
    source: str
    name: str
    alias: str


def modules_under(src: Path) -> dict[str, Module]:
    found: dict[str, Module] = {}
    for path in sorted(src.rglob("*.py")):
        parts = path.relative_to(src).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        found[name] = Module(name, is_package, path.read_text(encoding="utf-8"))
    return found


def homeless(modules: dict[str, Module]) -> list[str]:
    """Modules in a folder without `__init__`, which neither the layer contract nor coverage would see."""
    return [name for name, module in modules.items() if module.package and module.package not in modules]


def numbers_spelled(modules: dict[str, Module]) -> list[str]:
    """Modules that say by themselves what a number in E.164 is: the next one would say it a little differently."""
    return [name for name, module in modules.items() if E164(module.text) and name != "kikao.i18n.e164"]


def too_long(modules: dict[str, Module], limit: int = LONGEST_FILE) -> list[str]:
    lines = {module.name: module.text.count("\n") for module in modules.values()}
    return [f"{name} has {count} lines, more than {limit}" for name, count in lines.items() if count > limit]


def private_uses(modules: dict[str, Module]) -> list[str]:
    """Private names, and private modules, that are used outside of where they live."""
    findings = []
    tops = {name.partition(".")[0] for name in modules}
    for module in modules.values():
        tree = ast.parse(module.text)
        own_modules: dict[str, str] = {}
        for used in imports_of(module, tree):
            if used.source.partition(".")[0] not in tops:
                continue
            whole = f"{used.source}.{used.name}" if used.name else used.source
            if whole in modules:
                own_modules[used.alias] = whole
            owner = private_owner(whole)
            if owner and not is_inside(module, owner, whole in modules):
                findings.append(f"{module.name}:{used.line} imports {whole}, private to {owner}")
        for node in ast.walk(tree) if own_modules else ():
            if isinstance(node, ast.Attribute) and is_private(node.attr):
                target = own_modules.get(ast.unparse(node.value))
                if target and target != module.name and f"{target}.{node.attr}" not in modules:
                    findings.append(
                        f"{module.name}:{node.lineno} uses {target}.{node.attr}, private to {target}"
                    )
    return findings


def circles(modules: dict[str, Module]) -> list[list[str]]:
    """Groups of modules that import each other, top-level or late; imports for type checking do not count."""
    edges: dict[str, set[str]] = {name: set() for name in modules}
    for module in modules.values():
        for used in imports_of(module, ast.parse(module.text), of_types=False):
            whole = f"{used.source}.{used.name}"
            target = whole if whole in modules else used.source
            if target in modules:
                edges[module.name].add(target)
    reached = {name: reachable(name, edges) for name in modules}
    groups = {tuple(sorted({n for n in reached[name] if name in reached[n]})) for name in modules}
    return [list(group) for group in sorted(groups) if group]


def loaded_by(statement: str) -> set[str]:
    """Which of the LATE libraries a fresh interpreter has loaded after `statement`."""
    script = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return LATE & set(done.stdout.split())


def imports_of(module: Module, tree: ast.Module, *, of_types: bool = True) -> Iterator[Import]:
    """What a module imports, anywhere in it; those below `if TYPE_CHECKING` are `of_types`."""
    for node in statements(tree, of_types=of_types):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(node.lineno, name.name, "", name.asname or name.name)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                up = module.package.split(".")
                source = ".".join([*up[: len(up) - node.level + 1], *filter(None, [source])])
            for name in node.names:
                yield Import(node.lineno, source, name.name, name.asname or name.name)


def statements(tree: ast.Module, *, of_types: bool) -> Iterator[ast.AST]:
    """The statements in the order they stand in, and the module, but no expression: most of a tree."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        yield node
        blocks = ["body", "handlers", "cases", "orelse", "finalbody"]
        if not of_types and isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            blocks.remove("body")
        for block in reversed(blocks):
            todo += reversed(getattr(node, block, ()))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def private_owner(whole: str) -> str:
    """What the first private part of a dotted name belongs to; empty if no part is private."""
    parts = whole.split(".")
    for at, part in enumerate(parts):
        if is_private(part):
            return ".".join(parts[:at])
    return ""


def is_inside(module: Module, owner: str, is_module: bool) -> bool:
    """A private name is its module's own; a private module is open to its package."""
    if not is_module:
        return module.name == owner
    return module.package == owner or module.package.startswith(f"{owner}.")


def reachable(start: str, edges: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(edges[start])
    while todo:
        if (name := todo.pop()) not in seen:
            seen.add(name)
            todo.extend(edges[name])
    return seen


# --- the house keeps them ---


def test_every_folder_is_a_package() -> None:
    assert homeless(modules_under(SRC)) == []


def test_no_file_is_two_concepts() -> None:
    assert too_long(modules_under(SRC)) == []


def test_what_a_number_is_stands_in_one_place() -> None:
    assert numbers_spelled(modules_under(SRC)) == [], "ask kikao.i18n.e164.is_e164"


def test_private_names_stay_at_home() -> None:
    assert private_uses(modules_under(SRC)) == []


def test_no_circles() -> None:
    assert circles(modules_under(SRC)) == []


@pytest.mark.parametrize("name", ["kikao", "kikao.conversation"])
def test_importing_the_core_loads_nothing_heavy(name: str) -> None:
    assert loaded_by(f"import {name}") == set()


# --- the rules can fail ---


def house(**texts: str) -> dict[str, Module]:
    """Modules by name, `__` for the dot; those with children are packages."""
    names = {name.replace("__", "."): text for name, text in texts.items()}
    return {
        name: Module(name, any(other.startswith(f"{name}.") for other in names), text)
        for name, text in names.items()
    }


def test_sources_are_found_under_their_dotted_names(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "__init__.py").write_text("")
    (tmp_path / "a" / "b" / "c.py").write_text("x = 1\n")

    found = modules_under(tmp_path)

    assert {module.name: module.package for module in found.values()} == {"a": "a", "a.b.c": "a.b"}
    assert homeless(found) == ["a.b.c"]
    assert "kikao" in modules_under(SRC)


def test_a_number_that_is_spelled_elsewhere_is_found() -> None:
    found = house(a=r'x = re.compile(r"\+[1-9][0-9]{6,14}")', b=r'r"\+?[1-9]\d{6,14}"', c="is_e164(x)")
    assert numbers_spelled(found) == ["a", "b"]


def test_a_long_file_is_found() -> None:
    assert too_long(house(a="\n" * LONGEST_FILE)) == []
    assert too_long(house(a="\n" * (LONGEST_FILE + 1))) == ["a has 501 lines, more than 500"]


@pytest.mark.parametrize(
    "text",
    [
        "from a.b import _hidden",
        "from a.b import _hidden as shown",
        "from .b import _hidden",
        "def late():\n    from a.b import _hidden",
        "from a import b\nb._hidden()",
        "from . import b as shown\nshown._hidden()",
        "import a.b\na.b._hidden()",
        "from a.sub._own import shown",
        "from a.sub import _own",
        "import a.sub._own",
    ],
)
def test_a_use_of_a_private_name_is_found(text: str) -> None:
    assert len(private_uses(house(a="", a__b="", a__c=text, a__sub="", a__sub___own=""))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "from a.b import shown, __version__",
        "from os import _exit",
        "from a.b import shown\nshown._replace(x=1)",
        "class C:\n    def f(self):\n        return self._hidden",
    ],
)
def test_a_use_of_public_names_is_not(text: str) -> None:
    assert private_uses(house(a="", a__b="", a__c=text)) == []


def test_a_private_module_is_open_to_its_own_package() -> None:
    inside = house(
        a="", a__sub="from a.sub._own import shown", a__sub__d="from . import _own", a__sub___own=""
    )
    assert private_uses(inside) == []


@pytest.mark.parametrize(
    ("b", "c"),
    [
        ("import a.c", "import a.b"),
        ("from a.c import x", "from a.b import y"),
        ("from . import c", "from .b import y"),
        ("def late():\n    import a.c", "import a.b"),
        ("try:\n    import a.c\nexcept ImportError:\n    pass", "import a.b"),
    ],
)
def test_a_circle_is_found(b: str, c: str) -> None:
    assert circles(house(a="", a__b=b, a__c=c)) == [["a.b", "a.c"]]


def test_a_circle_through_the_package_is_found() -> None:
    assert circles(house(a="from a.b import x", a__b="from a import y")) == [["a", "a.b"]]


def test_a_long_circle_is_found_once() -> None:
    assert circles(house(a="", a__b="import a.c", a__c="import a.d", a__d="import a.b")) == [
        ["a.b", "a.c", "a.d"]
    ]


def test_arrows_one_way_and_imports_for_types_are_no_circle() -> None:
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a.b import y"
    assert circles(house(a="from a.b import x", a__b="from a.c import x", a__c=typed)) == []


@pytest.mark.parametrize("name", ["httpx", "sqlalchemy", "phonenumbers"])
def test_a_loaded_library_is_found(name: str) -> None:
    assert importlib.util.find_spec(name) is not None
    assert name in loaded_by(f"import {name}")
    assert loaded_by("import json") == set()
