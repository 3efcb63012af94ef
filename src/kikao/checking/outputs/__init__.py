"""A report for people, for scripts (JSON) and for code hosts (SARIF)."""

from collections.abc import Callable
from typing import Final

from kikao.checking.outputs.json import as_json
from kikao.checking.outputs.sarif import as_sarif
from kikao.checking.outputs.text import as_text
from kikao.checking.report import Report

FORMATS: Final[dict[str, Callable[[Report], str]]] = {"text": as_text, "json": as_json, "sarif": as_sarif}

__all__ = ["FORMATS", "as_json", "as_sarif", "as_text"]
