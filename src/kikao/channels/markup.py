"""XML of providers: fields in elements, read strictly, and text written into elements.

Read with expat, as the standard library has it. What XML can do beyond fields is refused before it is done: document
types and the entities that they declare, processing instructions, elements given twice.
"""

from __future__ import annotations

import re
from typing import Any, Final
from xml.parsers import expat

MAX_ELEMENTS: Final = 64
"""Elements and attributes a document may have."""

MAX_DEPTH: Final = 8
"""How deep elements may be nested; the contracts have three levels at most."""


class NotFields(ValueError):
    """A document that is not fields. `problem` says why; `name` is that of the element, which may be an answer gone
    astray, empty where no one element is wrong."""

    def __init__(self, problem: str, name: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.name = name


def fields(document: bytes, root: str) -> dict[str, object]:
    """What the elements of a document hold, by name: texts as they came, or the fields of an element with elements.

    `root` is what the outermost element must be called; its attributes are fields called `@name`, those of a field
    `field@name`. An empty element is an empty text. White space between elements means nothing.

    Raises `NotFields` for what is not well-formed, not UTF-8 (or declares another encoding and is not plain ASCII),
    called otherwise, too deep or too much, and for all that two readers may take differently: an element that comes
    twice, text beside elements, a comment within a text. Document types, entities of their own and processing
    instructions are refused at sight.
    """
    try:
        text = document.decode()
    except UnicodeDecodeError:
        raise NotFields("the body is not UTF-8") from None
    reading = _Reading(root, ascii_only=text.isascii())
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.XmlDeclHandler = reading.declared
    parser.StartDoctypeDeclHandler = reading.typed
    parser.ProcessingInstructionHandler = reading.instructed
    parser.StartElementHandler = reading.opened
    parser.EndElementHandler = reading.closed
    parser.CharacterDataHandler = reading.said
    parser.CommentHandler = reading.commented
    try:
        # As a text: its encoding is known then, and what the document declares is not looked up.
        parser.Parse(text.removeprefix("\ufeff"), True)
    except expat.ExpatError:
        raise NotFields("the body is not well-formed XML") from None
    return reading.found


def escaped(text: str) -> str:
    """A text as it stands between tags.

    Half a surrogate pair becomes `?`; characters that XML 1.0 does not have even when escaped (2.2), which are the
    control characters but tab and the ends of lines, are left out. Quotes stay: they need no escape here, and a
    provider that reads XML by hand would show it.
    """
    text = text.encode(errors="replace").decode()
    return text if _special(text) is None else _SPECIAL.sub(_escape, text)


def quoted(text: str) -> str:
    """A text as the value of an attribute, with its quotes: as `escaped`, and white space stays what it is (3.3.3)."""
    return '"' + escaped(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;") + '"'


def tag(name: str, text: str) -> str:
    """An element with a text."""
    return f"<{name}>{escaped(text)}</{name}>"


class _Reading:
    """One document: what expat calls."""

    def __init__(self, root: str, *, ascii_only: bool) -> None:
        self.found: dict[str, object] = {}
        self._root = root
        self._ascii_only = ascii_only
        self._open: list[_Element] = []
        self._count = 0

    def declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _UTF8 and not self._ascii_only:
            raise NotFields("the body declares an encoding that is not UTF-8")

    def typed(self, *_: object) -> None:
        raise NotFields("the body has a document type")

    def instructed(self, *_: object) -> None:
        raise NotFields("the body has a processing instruction")

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1 + len(attributes)
        if self._count > MAX_ELEMENTS:
            raise NotFields(f"the body has more than {MAX_ELEMENTS} elements and attributes")
        if len(self._open) == MAX_DEPTH:
            raise NotFields(f"the body is nested deeper than {MAX_DEPTH}")
        if not self._open:
            if name != self._root:
                raise NotFields(f"the body must be an element {self._root}")
            owner, prefix = self.found, ""
        else:
            owner, prefix = self._open[-1].fields, name
            if name in owner:
                raise NotFields("is given twice", name)
            owner[name] = ""
        for attribute, value in attributes.items():
            owner[f"{prefix}@{attribute}"] = value
        self._open.append(_Element(self.found if not self._open else {}))

    def said(self, text: str) -> None:
        self._open[-1].texts.append(text)

    def commented(self, _: str) -> None:
        if self._open:
            self._open[-1].commented = True

    def closed(self, name: str) -> None:
        element = self._open.pop()
        text = "".join(element.texts)
        inner = element.fields
        if not self._open:
            if not _is_space(text):
                raise NotFields(f"the body has text beside the elements of {self._root}")
            return
        if inner and not _is_space(text):
            raise NotFields("has text beside elements", name)
        if element.commented and not _is_space(text):
            raise NotFields("has a comment within its text", name)
        self._open[-1].fields[name] = inner or text


class _Element:
    __slots__ = ("commented", "fields", "texts")

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self.texts: list[str] = []
        self.commented = False


def _is_space(text: str) -> bool:
    return not text.strip(" \t\r\n")


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], "")


_UTF8: Final = frozenset({"utf-8", "utf8"})
# A carriage return as such would be read as a line end (2.11).
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_SPECIAL = re.compile("[&<>\0-\x08\x0b-\x1f\ufffe\uffff]")
_special = _SPECIAL.search
