"""The API reference, from signatures and docstrings: what stands in `reference/api.md` for `<!-- api: MODULE -->`."""

import enum
import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

PLACE = re.compile(r"^<!-- api: ([\w.]+) -->$", re.MULTILINE)

WIDTH = 90
"""Characters of a line of code."""

INHERITED = {name for kind in (object, Exception, dict, enum.Enum) for name in dir(kind)}


def with_api(text: str) -> str:
    """A page with each place filled by the public names of its module."""
    return PLACE.sub(lambda place: "\n".join(_module(place[1])), text)


def documented(module: str) -> Iterator[tuple[str, Any]]:
    """The public names of a module with what they are, but for plain constants."""
    found = importlib.import_module(module)
    for name in found.__all__:
        value = getattr(found, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            yield name, value


def members(kind: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties of a class, its own and its bases', without Python's."""
    for name, value in sorted(inspect.getmembers_static(kind), key=lambda member: member[0]):
        plain = value.__func__ if isinstance(value, staticmethod | classmethod) else value
        if not name.startswith("_") and name not in INHERITED and isinstance(plain, property | _FUNCTION):
            yield name, plain


def _module(name: str) -> Iterator[str]:
    for public, value in documented(name):
        yield f"### {public}\n"
        yield f"```python\n{_broken(public, value)}\n```\n"
        yield f"{inspect.getdoc(value) or ''}\n"
        if inspect.isclass(value):
            for member, plain in members(value):
                text = inspect.getdoc(plain)
                if text is None:  # what a protocol says already
                    continue
                if isinstance(plain, property):
                    yield f"**`{member}`**\\\n{text}\n"
                else:
                    yield f"**`{_signature(member, plain)}`**\\\n{text}\n"


def _broken(name: str, value: Any) -> str:
    """A signature; one that is too long has a line for each parameter."""
    text = _signature(name, value)
    head, _, rest = text.partition("(")
    if len(text) <= WIDTH or not rest:
        return text
    found = inspect.signature(value)
    kept = [each for each in found.parameters.values() if each.name != "self"]
    lines, named = [], False
    for each in kept:
        if each.kind is each.KEYWORD_ONLY and not named:
            lines.append("    *,")
            named = True
        lines.append(f"    {_QUOTED.sub(_BARE, str(each))},")
    tail = text[text.rindex(") -> ") :] if ") -> " in text else ")"
    return "\n".join([f"{head}(", *lines, tail])


def _signature(name: str, value: Any) -> str:
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return name
    kept = [each for each in found.parameters.values() if each.name != "self"]
    text = str(found.replace(parameters=kept))
    return ("async " if inspect.iscoroutinefunction(value) else "") + name + _QUOTED.sub(_BARE, text)


_FUNCTION = type(lambda: None)
_QUOTED = re.compile(r"'([\w.\[\], |]+)'")
"""Annotations that are written as text."""
_BARE = r"\1"
