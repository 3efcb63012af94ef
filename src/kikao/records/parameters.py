"""What is wrong with the parameters of a PostgreSQL address, in words that show none of their values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl")


def amiss(where: str, environ: Mapping[str, str] = os.environ) -> str:
    """Why the client cannot use the TLS parameters of an address; empty where nothing is known to be wrong."""
    given = dict(parse_qsl(urlsplit(where[:]).query))
    mode = given.get("sslmode", "")
    if mode and mode not in _MODES:
        return f"its sslmode is none of {', '.join(_MODES)}"
    for name in _FILES:
        if name in given and not _is_readable(Path(given[name])):
            return f"the file that its {name} names is missing or cannot be read"
    unnamed = "sslrootcert" not in given and "PGSSLROOTCERT" not in environ
    if mode.startswith("verify-") and unnamed and not _is_readable(_root()):
        return (
            f"sslmode={mode} needs the certificate of an authority: name its file with sslrootcert=, or put it where "
            "PostgreSQL's clients look for it, ~/.postgresql/root.crt"
        )
    return ""


def _root() -> Path:
    return Path(os.path.expanduser("~/.postgresql/root.crt"))


def _is_readable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.R_OK)
