"""What a function that is run again from its top must not do: the rules K401 to K407, and K502."""

from __future__ import annotations

import ast

from kikao.checking.reading.around import Around
from kikao.checking.reading.body import Body, Report
from kikao.checking.reading.outside import Outside
from kikao.checking.reading.sources import Function
from kikao.checking.reading.talking import Talking


class Constructs:
    """Reads the functions of conversations, and reports each wrong place once."""

    def __init__(self, talking: Talking, report: Report) -> None:
        self._talking = talking
        self._report = report
        self._read: set[Function] = set()
        self._told: set[tuple[Function, str, int]] = set()

    @property
    def count(self) -> int:
        """How many functions were read."""
        return len(self._read)

    def read(self) -> None:
        """Read every function of a conversation, and what they call of the app directly."""
        todo = self._talking.functions()[::-1]
        while todo:
            function = todo.pop()
            if function not in self._read:
                self._read.add(function)
                todo.extend(self._function(function))

    def _function(self, function: Function) -> list[Function]:
        """Read one; returns the functions of the app that it calls directly."""
        body = Body(function, self._talking, self._tell)
        around, outside = Around(body), Outside(body)
        nodes = list(body.nodes())
        for node in nodes:
            around.read(node)
            outside.opened(node)
        for node in nodes:
            outside.read(node)
        return outside.called

    def _tell(self, code: str, node: ast.AST, message: str, function: Function) -> None:
        """Report a place, once for each rule and line."""
        place = (function, code, getattr(node, "lineno", 0))
        if place not in self._told:
            self._told.add(place)
            self._report(code, node, message, function)
