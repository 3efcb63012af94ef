"""One script of many modules, so that the widget is one request and not twenty. Done when it is first asked for.

The modules are ours and plain: an import is a line `import { a, b } from "./file.js";`, an export stands before what
it exports, no name is given twice, and no indentation means anything, in texts neither. So they are put one after the
other, in the order in which they need each other, without those words, comments and indentation. Of a vendored module
its package's own minified script is taken as it is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_IMPORT: Final = re.compile(r'^import (?:\{ ([\w, ]+) \} from )?"\./([\w/.-]+)";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function|class|const)\b)", re.MULTILINE)
_NAMED: Final = re.compile(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)
_COMMENT: Final = re.compile(r"^[ \t]*(?:/\*\*.*?\*/|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
_INDENT: Final = re.compile(r"^\s+", re.MULTILINE)

_VENDORED: Final = "vendored/"


def woven(entry: Path) -> str:
    """The module in a file and all that it needs, as one module with the exports of that file.

    Raises `ValueError` where two of them give the same name, or need each other.
    """
    folder = entry.parent
    texts: dict[str, str] = {}
    _gather(folder, entry.name, texts, ())
    sources = [(folder / name).read_text("utf-8") for name in texts if not name.startswith(_VENDORED)]
    names = [name for source in sources for name in _NAMED.findall(source)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{entry.name}: given by two modules: {', '.join(twice)}")
    scripts = [_EXPORT.sub("", text) if name != entry.name else text for name, text in texts.items()]
    return "".join(scripts)


def _gather(folder: Path, name: str, texts: dict[str, str], within: tuple[str, ...]) -> None:
    """Put a module into `texts`, behind those that it needs."""
    if name in texts:
        return
    if name in within:
        raise ValueError(f"{name} needs itself, by way of {within[-1]}")
    source = (folder / name).read_text("utf-8")
    for wanted, needed in _IMPORT.findall(source):
        if needed.startswith(_VENDORED):
            texts.setdefault(needed, _vendored(folder / needed, wanted))
        else:
            _gather(folder, needed, texts, (*within, name))
    texts[name] = _INDENT.sub("", _COMMENT.sub("", _IMPORT.sub("", source)))


def _vendored(module: Path, wanted: str) -> str:
    """A published script, which leaves one variable with the name of its package, and what is wanted of that."""
    script, name = module.with_suffix(".min.js"), module.stem
    licence = f"/*! {name}: {name}.LICENSE.txt, beside this file */"
    return f"{licence}\n{script.read_text('utf-8').rstrip()}\nconst {{ {wanted} }} = {name.capitalize()};\n"
