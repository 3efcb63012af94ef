"""Sphinx settings: Markdown through MyST, warnings are errors (see the Makefile)."""

from importlib.metadata import version as version_of

project = "kikao"
author = "the kikao maintainers"
copyright = author
version = release = version_of("kikao")

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

html_title = "kikao"
html_theme = "alabaster"
