"""The key file of development: made once, so that the first start needs no settings and the next opens its data."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

from kikao.config.hidden import SecretKeys
from kikao.config.values import KEY_BYTES, Wrong, secret_keys

KEY_FILE: Final = "secret-keys"


def keys_of(path: Path) -> SecretKeys:
    """The keys in the file, made if there is none, and closed to others. Two processes that start at once get the same.

    Raises `OSError`, or `Wrong` when there is something else in the file, which is left as it is.
    """
    if not path.exists():
        write_once(path, f"dev:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}\n")
    elif path.stat().st_mode & 0o077:  # copied, or unpacked from a backup
        path.chmod(0o600)
    try:
        lines = path.read_text(encoding="ascii").split()
    except UnicodeDecodeError:
        raise Wrong("is not a file of keys") from None
    return secret_keys(lines)


def write_once(path: Path, line: str) -> None:
    """A file for its owner alone, complete or not at all, and never over another one: written beside it, then linked.

    Raises `OSError`.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
