"""Texts as they are written in code: which literals an expression shows, and which of them are sentences."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from kikao.checking.reading.scopes import FUNCTIONS
from kikao.checking.reading.sources import Function, Module

DEEP: Final = 8
"""How many names and operators a text is followed through."""

HOLE: Final = "\0"
"""Stands for what is put into a text when it runs."""

UNITS: Final = frozenset("cm g h hrs kg km l lt ltr m min mins ml mm pcs x".split())
"""What is written alike in every language."""

PARTICLES: Final = frozenset("al and bin da de del di du el es la le na of the van von wa y ya za".split())
"""Words in small letters that names have in them: Port of Spain, Dar es Salaam."""

BEGINNINGS: Final = frozenset(
    (
        "accept account add agree all any ask back balance borrow buy cancel change check choose confirm continue "
        "delete deposit edit enter exit female finish get go help i information language later leave loan loans male "
        "maybe more my new next no none not other others pay previous quit receive register remove repay reset retry "
        "save savings see select sell send settings show skip start stop submit support today tomorrow transfer try "
        "update view wait withdraw yes yesterday your"
    ).split()
)
"""Words that labels begin with, and names hardly ever."""

_WORD: Final = re.compile(r"[^\W\d_]+")
_ADDRESS: Final = re.compile(r"\S*(?:://|@|\w\.\w)\S*")


class Written(msgspec.Struct, frozen=True):
    """A literal: its place, and its text with HOLE for what is put in."""

    node: ast.expr
    text: str

    @property
    def shown(self) -> str:
        """As it stands in the code, or its beginning."""
        text = ast.unparse(self.node)
        return text if len(text) <= 60 else f"{text[:57]}..."


class Spot(msgspec.Struct, frozen=True):
    """Where names are looked up: in a function, or at a module's own level."""

    module: Module
    function: Function | None


def calls(module: Module) -> Iterator[tuple[ast.Call, Spot]]:
    """Every call of a module, in order, with where it is."""
    todo: list[tuple[ast.AST, Spot]] = [(module.tree, Spot(module, None))]
    while todo:
        node, spot = todo.pop()
        if isinstance(node, ast.Call):
            yield node, spot
        inner = Spot(module, module.functions[node]) if isinstance(node, FUNCTIONS) else spot
        todo.extend((child, inner) for child in reversed(list(ast.iter_child_nodes(node))))


def literals(node: ast.expr | None, spot: Spot, deep: int = 0) -> Iterator[Written]:
    """The literals that an expression shows as they are: itself, both sides of a choice, what a name stands for.

    Nothing in a call is one, such as in `t("...")`, but for `"...".format(...)` and the other methods of a text.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield Written(node, node.value)
    elif isinstance(node, ast.JoinedStr):
        yield Written(
            node,
            "".join(
                str(getattr(part, "value", "")) if isinstance(part, ast.Constant) else HOLE
                for part in node.values
            ),
        )
    elif node is not None and deep < DEEP:
        for part in _parts(node, spot):
            yield from literals(part, spot, deep + 1)


def _parts(node: ast.expr, spot: Spot) -> list[ast.expr]:
    match node:
        case ast.IfExp(body=first, orelse=second) | ast.BinOp(op=ast.Add(), left=first, right=second):
            return [first, second]
        case ast.BoolOp(values=values):
            return values
        case (
            ast.BinOp(op=ast.Mod(), left=first)
            | ast.Lambda(body=first)
            | ast.NamedExpr(value=first)
            | ast.Call(func=ast.Attribute(value=ast.Constant() | ast.JoinedStr() as first))
        ):
            return [first]
        case ast.Name():
            value = meant(node, spot)
            return [] if value is node else [value]
    return []


def meant(node: ast.expr, spot: Spot) -> ast.expr:
    """The one expression that a name stands for in its function or its module; else the expression itself."""
    if not isinstance(node, ast.Name):
        return node
    inner = spot.function
    while inner is not None and node.id not in inner.scope:
        inner = inner.within
    binding = (inner.scope if inner is not None else spot.module.scope).get(node.id)
    return binding.value if binding is not None and binding.value is not None else node


def is_sentence(text: str) -> bool:
    """Whether a text says something: not only numbers, units, abbreviations or an address."""
    words = [word for word in _WORD.findall(_ADDRESS.sub(" ", text)) if word not in UNITS and len(word) > 1]
    return len(words) > 2 or any(not word.isupper() for word in words)


def is_phrase(text: str) -> bool:
    """Whether a label says something and is no name: `Go on`, `Send Money`, but not `Asha` or `Port of Spain`."""
    first = _WORD.search(text)
    if first is not None and first[0].lower() in BEGINNINGS:
        return is_sentence(text)
    later = [word for each in text.split()[1:] for word in _WORD.findall(each)]
    return is_sentence(text) and any(word.islower() and word not in PARTICLES | UNITS for word in later)
