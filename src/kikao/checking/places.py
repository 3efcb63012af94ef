"""How files are named in findings."""

from __future__ import annotations

from pathlib import Path


def shown(path: Path) -> str:
    """Relative to the present folder, with slashes, where it is in it; else as it is."""
    here = Path.cwd()
    whole = path if path.is_absolute() else here / path
    return whole.relative_to(here).as_posix() if whole.is_relative_to(here) else whole.as_posix()
