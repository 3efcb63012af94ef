"""Which files are transcripts. Every run of pytest asks, in any project, so this imports next to nothing."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

import pytest

USUAL: Final = ("**/transcripts/**/*.txt",)
"""Where transcripts are, unless a setting says so."""


def is_transcript(path: Path, config: pytest.Config) -> bool:
    """Whether a file is one, by `kikao_transcripts`.

    Every project where kikao is installed has this plugin. So the usual places count only where something says what
    is played there: the text files of others, in a folder of that name, are none of ours.
    """
    given = config.getini("kikao_transcripts")
    patterns = given or USUAL
    suffixes = tuple(pattern.rpartition("*")[2] for pattern in patterns)
    if not path.name.endswith(suffixes) or not path.is_relative_to(config.rootpath):
        return False
    name = path.relative_to(config.rootpath).as_posix()
    if not any(_glob(pattern).fullmatch(name) for pattern in patterns):
        return False
    return bool(given or config.getini("kikao_app")) or _has_stage(path, config)


def _has_stage(path: Path, config: pytest.Config) -> bool:
    """Whether a plugin, or a `conftest.py` above the file, defines a `kikao_stage` of its own."""
    for plugin in config.pluginmanager.get_plugins():
        file = getattr(plugin, "__file__", None)
        if file is None or plugin.__name__ == "kikao.testing.plugin" or "kikao_stage" not in vars(plugin):
            continue
        if Path(file).name != "conftest.py" or path.is_relative_to(Path(file).parent):
            return True
    return False


@functools.cache
def _glob(pattern: str) -> re.Pattern[str]:
    """A pattern of paths: `**/` is any folders or none, `*` and `?` stay within a name."""
    pieces = {"**/": "(?:.+/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(pieces.get(piece) or re.escape(piece) for piece in _PIECES.findall(pattern)))


_PIECES = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
