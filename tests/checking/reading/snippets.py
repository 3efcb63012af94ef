"""Small apps made of text, read as `kikao check` reads an app."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kikao.checking.findings import Finding
from kikao.checking.reading import read, sources_of
from kikao.checking.reading.reading import Reading

HEAD = """
import asyncio
import contextlib
from kikao import Chat, Flows, Step, Text, t
flows = Flows()
class Bank:
    ...
"""

Reader = Callable[..., Reading]


@contextmanager
def imported(folder: Path, **files: str) -> Iterator[None]:
    """Modules of these texts, imported in order."""
    names = []
    try:
        for name, text in files.items():
            path = folder / f"{name}.py"
            path.write_text(text)
            spec = importlib.util.spec_from_file_location(name, path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            names.append(name)
            spec.loader.exec_module(module)
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)


def reading(folder: Path, text: str, *, translated: bool = False, **others: str) -> Reading:
    """What is read of an app `shop` of this text, with HEAD before it, and of other modules that it imports."""
    with imported(folder, **others, shop=HEAD + text):
        flows = sys.modules["shop"].flows
        return read(
            sources_of("shop", [flow.function.__module__ for flow in flows]), flows, translated=translated
        )


def marked(found: list[Finding], text: str) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """The lines and codes found, and those that comments in a text demand (`# K404`, `# K404 K407`)."""
    wanted = [
        (number, code)
        for number, line in enumerate((HEAD + text).splitlines(), 1)
        for code in line.partition("# ")[2].split()
        if code[0] == "K" and code[1:].isdigit()
    ]
    return sorted((finding.line, finding.code) for finding in found), sorted(wanted)
