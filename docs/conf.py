"""Sphinx settings: Markdown through MyST, warnings are errors (see the Makefile).

The pages are plain Markdown, so that they read the same on a forge and in an editor. What Sphinx needs beyond that is
added while it reads: a tree of the pages that an index links to, the code behind a link to a file of it, and the API
from its docstrings.
"""

import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from api import with_api

project = "kikao"
author = "the kikao maintainers"
copyright = author
version = release = version_of("kikao")

extensions = ["myst_parser"]
myst_heading_anchors = 3

source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

html_title = "kikao"
html_theme = "alabaster"
html_theme_options = {"page_width": "1180px", "body_max_width": "none"}
html_static_path = ["_static"]
html_css_files = ["kikao.css"]

LISTED = re.compile(r"^(?:-|\d+\.) \[[^]]+\]\(([\w/-]+)\.md\)", re.MULTILINE)
"""An entry of an index: an item of a list that begins with a link to a page."""

SHOWN = re.compile(r"^.*\[`[^]]+`\]\((code/\S+\.(?:py|txt|po))\).*:$", re.MULTILINE)
"""A line that ends with a colon and links to a file of code."""


def with_tree(text: str) -> str:
    """An index with a hidden tree of the pages in its lists."""
    pages = "\n".join(dict.fromkeys(LISTED.findall(text)))
    return f"{text}\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n"


def with_code(text: str) -> str:
    """A page with each file of code below the line that links to it."""

    def shown(line: re.Match[str]) -> str:
        language = "python" if line[1].endswith(".py") else "text"
        return f"{line[0]}\n\n```{{literalinclude}} {line[1]}\n:language: {language}\n```"

    return SHOWN.sub(shown, text)


def setup(app: Any) -> None:
    def read(_: Any, name: str, source: list[str]) -> None:
        source[0] = with_api(with_code(source[0]))
        if name.rpartition("/")[2] == "index":
            source[0] = with_tree(source[0])

    app.connect("source-read", read)
