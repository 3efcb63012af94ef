"""What a folder of files of others says that it holds, and what it holds."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

_ROW = re.compile(r"^\| `([\w.]+)` \| \w+ \| [\d.]+ \| `[\w./]+` \| `([0-9a-f]{64})` \|$", re.MULTILINE)


def written(folder: Path) -> dict[str, str]:
    """Each file with its SHA-256, as the folder's README has it."""
    return dict(_ROW.findall((folder / "README.md").read_text()))


def there(folder: Path) -> dict[str, str]:
    """Each file that is there, but the README."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "README.md"
    }
