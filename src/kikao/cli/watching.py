"""Which files make up an app, and which of them changed. Looks at sizes and times; a few dozen files cost nothing."""

from __future__ import annotations

import os
import sys
import sysconfig
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from kikao.config.loading import FILE

Seen = Mapping[str, tuple[int, int]]
"""Files with their time in nanoseconds and their size."""


class Watched:
    """Folders whose files matter: Python files in each of `sources`, catalogs below each of `catalogs`, and `files`."""

    def __init__(
        self, sources: Iterable[str], catalogs: Iterable[str] = (), files: Iterable[str] = ()
    ) -> None:
        self.sources = frozenset(sources)
        self.catalogs = frozenset(catalogs)
        self.files = frozenset(files)

    def __or__(self, other: Watched) -> Watched:
        return Watched(self.sources | other.sources, self.catalogs | other.catalogs, self.files | other.files)

    def look(self) -> dict[str, tuple[int, int]]:
        """What is there now."""
        found: dict[str, tuple[int, int]] = {}
        for folder in self.sources:
            _note(found, _in(folder, ".py"))
        for folder in self.catalogs:
            for language in _folders(folder):
                _note(found, _in(os.path.join(language, "LC_MESSAGES"), ".po", ".mo"))
        _note(found, self.files)
        return found


def changes(before: Seen, after: Seen) -> list[str]:
    """Files that are new, gone or different, as they are seen from the present folder."""
    names = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return sorted(os.path.relpath(name) for name in names)


def of_process(folder: str, error: BaseException | None = None, catalogs: Iterable[Path] = ()) -> Watched:
    """What this process has loaded of an app in `folder`, and what it could not load.

    Modules of Python, of kikao and of what is installed do not count.
    """
    files = {file for module in [*sys.modules.values()] if (file := _file_of(module))}
    while error is not None:
        files.update(_files_in(error.__traceback__))
        if isinstance(error, SyntaxError) and error.filename:
            files.add(os.path.abspath(error.filename))
        error = error.__cause__ or error.__context__
    sources = {os.path.dirname(file) for file in files if _is_the_apps(file)} | {folder}
    return Watched(sources, map(str, catalogs), [os.path.join(folder, FILE)])


def from_app(trace: types.TracebackType | None) -> types.TracebackType | None:
    """A traceback without what comes before the app's own code."""
    while trace is not None and not _is_the_apps(os.path.abspath(trace.tb_frame.f_code.co_filename)):
        trace = trace.tb_next
    return trace


def _file_of(module: types.ModuleType | None) -> str:
    file = getattr(module, "__file__", None)
    return os.path.abspath(file) if isinstance(file, str) and file.endswith(".py") else ""


def _files_in(trace: types.TracebackType | None) -> Iterable[str]:
    while trace is not None:
        yield os.path.abspath(trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next


def _is_the_apps(file: str) -> bool:
    return (
        file.endswith(".py")
        and not file.startswith(_ELSEWHERE)
        and f"{os.sep}site-packages{os.sep}" not in file
    )


def _in(folder: str, *suffixes: str) -> Iterable[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.path for entry in entries if entry.name.endswith(suffixes)]
    except OSError:
        return ()


def _folders(folder: str) -> Iterable[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.path for entry in entries if entry.is_dir()]
    except OSError:
        return ()


def _note(found: dict[str, tuple[int, int]], files: Iterable[str]) -> None:
    for file in files:
        try:
            stat = os.stat(file)
        except OSError:
            continue
        found[file] = stat.st_mtime_ns, stat.st_size


_ELSEWHERE: Final = (
    sysconfig.get_path("stdlib") + os.sep,
    sysconfig.get_path("purelib") + os.sep,
    sysconfig.get_path("platlib") + os.sep,
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep,  # kikao's own
    "<",
)
