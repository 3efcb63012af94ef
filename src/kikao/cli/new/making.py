"""What `kikao new` writes: files as they lie in `template`, with the project's name in them."""

from __future__ import annotations

import importlib.util
import keyword
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

import click

from kikao.cli.serving import give_up

TEMPLATE: Final = Path(__file__).parent / "template"

FILES: Final = {
    "{module}/__init__.py": "flow",
    "{module}/locales/sw/LC_MESSAGES/messages.po": "messages.po",
    "{module}/locales/sw/LC_MESSAGES/messages.mo": "messages.mo",
    "tests/transcripts/hello.txt": "transcript",
    "Makefile": "makefile",
    "README.md": "readme",
    "pyproject.toml": "pyproject",
    ".gitignore": "gitignore",
}
"""Each file of a project, and what it is made of."""

TAKEN: Final = frozenset({"kikao", "kikao_apps", "locales", "test", "tests"})

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*").fullmatch
LONGEST: Final = 40


def make(name: str, folder: Path) -> None:
    """Write the project. Exits with 2 and the reason when it cannot, with nothing written."""
    module = name.replace("-", "_")
    if problem := unfit(name):
        give_up(problem)
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        give_up(f"{folder} is there already, and nothing is overwritten. Name another with --directory.")
    try:
        _write(folder, {"name": name, "module": module})
    except OSError as error:
        give_up(f"{folder} cannot be made ({error.strerror}).")
    where = os.path.relpath(folder)
    python = _python()
    there = "" if where == os.curdir else f"cd {where}, then "
    made = where if there else name
    click.echo(f"{made} is ready. Next: {there}`make test{python}` and `make run{python}`.")


def _python() -> str:
    """What tells make which Python has kikao, unless the one that it would take is this one."""
    usual = shutil.which("python3")
    if usual is not None and Path(usual).parent == Path(sys.executable).parent:
        return ""
    return f" PYTHON={sys.executable}"


def unfit(name: str) -> str:
    """Why a project cannot have this name; empty if it can."""
    module = name.replace("-", "_")
    if not _NAME(name) or len(name) > LONGEST:
        return (
            f"{name!r} is no name for a project: at most {LONGEST} small letters and digits, with - or _ between them, "
            "such as tea-shop"
        )
    if keyword.iskeyword(module) or keyword.issoftkeyword(module):
        return f"{name!r} is a word of Python: choose another name"
    if module in TAKEN or module in sys.stdlib_module_names:
        return f"{name!r} is the name of another module: choose another name"
    if importlib.util.find_spec(module) is not None:
        return f"a module {module!r} is installed, and would hide yours or be hidden: choose another name"
    return ""


def _write(folder: Path, names: dict[str, str]) -> None:
    """All of it or nothing: made beside its place, then moved there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{names['name']}-", dir=folder.parent))
    try:
        for place, source in FILES.items():
            path = made / place.format(**names)
            path.parent.mkdir(parents=True, exist_ok=True)
            content = (TEMPLATE / source).read_bytes()
            for key, value in names.items():
                content = content.replace(b"@%b@" % key.encode(), value.encode())
            path.write_bytes(content)
        made.chmod(0o755)
        if folder.resolve() == Path.cwd():
            _fill(folder, made)
        else:
            made.replace(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _fill(folder: Path, made: Path) -> None:
    """Move what was made into an empty folder that cannot be replaced, because it is the present one."""
    moved: list[Path] = []
    try:
        moved.extend(path.replace(folder / path.name) for path in sorted(made.iterdir()))
    except BaseException:
        for path in moved:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise
    made.rmdir()
