"""Fields that a provider wants to see again in the reply, as they came: a text stays a text, a number a number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from kikao.channels.inbound import Inbound
from kikao.channels.reading import RequestReader

MAX_ECHO: Final = 256
"""Characters of a field that goes back, as JSON."""


def kept(
    gateway: RequestReader, fields: Mapping[str, object], names: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """The fields of JSON that came, by name, for `Inbound.echo`. Never what was typed.

    Raises `BadRequest` for a list, an object, a number that is none, and what is longer than 256 characters.
    """
    return tuple((name, _written(gateway, name, fields[name])) for name in names if name in fields)


def repeated(inbound: Inbound) -> dict[str, msgspec.Raw]:
    """What was `kept`, to be encoded as JSON."""
    return {name: msgspec.Raw(value.encode()) for name, value in inbound.echo}


def _written(gateway: RequestReader, name: str, value: object) -> str:
    written = ""
    if not isinstance(value, list | dict) and value not in _NO_NUMBERS:
        written = json.dumps(value, ensure_ascii=False)
    if not 0 < len(written) <= MAX_ECHO:
        raise gateway.refuse(
            f"field {name} goes back in the reply, and must be a text or a number of at most {MAX_ECHO} characters"
        )
    return written


_NO_NUMBERS: Final = (float("inf"), float("-inf"))
"""What Python reads `1e999` as."""
