"""The token key of development: made once and kept, so that the command line signs what a running server verifies."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Final

from msgspec import structs

from kikao.config.hidden import Hidden
from kikao.config.jwt import SHORTEST, JwtKey, JwtSettings
from kikao.config.key_file import write_once

if TYPE_CHECKING:
    from kikao.config.settings import Settings

JWT_KEY_FILE: Final = "jwt-key"


def with_development_key(settings: Settings) -> JwtSettings:
    """The settings of tokens; in development, where no keys are set, with the one in the data folder, which is made if
    there is none.

    Raises `ValueError` that names the file when it cannot be made or read, or holds something else.
    """
    if settings.jwt.keys or settings.env != "dev":
        return settings.jwt
    path = settings.data / JWT_KEY_FILE
    try:
        if not path.exists():
            write_once(path, f"{base64.b64encode(secrets.token_bytes(SHORTEST)).decode()}\n")
        elif path.stat().st_mode & 0o077:  # copied, or unpacked from a backup
            path.chmod(0o600)
        with path.open("rb") as file:
            secret = base64.b64decode(file.read(100).strip(), validate=True)
        key = JwtKey("dev", "HS256", Hidden(secret))
    except OSError as error:
        raise ValueError(
            f"{path}: cannot be made or read ({error.strerror}). Make the folder writable, or set KIKAO_JWT_KEYS."
        ) from None
    except ValueError:
        raise ValueError(
            f"{path}: holds no key. Remove it, and another is made; tokens of before are then worth nothing."
        ) from None
    return structs.replace(settings.jwt, keys=(key,))
