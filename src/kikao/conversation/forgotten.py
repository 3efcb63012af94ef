"""Calls of `chat` that nobody awaits: nothing happens then, and Python only warns.

Python tells of such a coroutine when it is dropped, through a function of its module `warnings`; that is heard here. It
costs a turn nothing, where counting would cost every question that is answered already. A Python without that function
warns, and no more.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import CoroutineType
from typing import Any, Final

_HOOK: Final = "_warn_unawaited_coroutine"


def hear(tell: Callable[[Any, str], bool]) -> None:
    """From now on `tell` gets the object and the name of each method whose coroutine was dropped before it began.

    What it says is True is not warned of. Once is enough for a process.
    """
    python = getattr(warnings, _HOOK, None)
    if python is None:
        return

    def dropped(coroutine: CoroutineType[Any, Any, Any]) -> None:
        frame = coroutine.cr_frame
        owner = None if frame is None else frame.f_locals.get("self")
        if owner is None or not tell(owner, coroutine.cr_code.co_name):
            python(coroutine)

    setattr(warnings, _HOOK, dropped)
