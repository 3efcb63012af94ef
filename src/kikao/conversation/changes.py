"""Where code and journal differ, in words for the log and for `kikao replay`: names and places, never a value."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final

from kikao.conversation.journal import Entry, Pending
from kikao.conversation.suspension import here
from kikao.i18n.messages import t

UPDATED: Final = t("We updated this service. Please enter this again.")
"""What the member reads with the question that comes instead."""


def differs(coroutine: Coroutine[Any, Any, Any], key: str, entry: Entry) -> str:
    """The code comes to `key`, and the journal has something else."""
    comes = f"{here(coroutine)}: the code comes to {key!r}"
    if entry.key == key:
        return f"{comes}, which the journal has in another form ({f'{entry.kind} {entry.tag}'.rstrip()})"
    return f"{comes} where the journal has {entry.key!r} ({entry.kind})"


def asks_another(coroutine: Coroutine[Any, Any, Any], key: str, tag: str, pending: Pending | None) -> str:
    """The code asks `key`, and the member has another question on the screen."""
    was = "no question" if pending is None else f"{pending.key!r} ({pending.tag})"
    return f"{here(coroutine)}: the code asks {key!r} ({tag}) where {was} was open"
