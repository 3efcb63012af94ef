"""Errors that nobody caught, as events: their type and place. Python would print their texts, which may quote a PIN.

An event loop prints what a forgotten task raised, a thread and a finaliser what they could not raise anywhere, and
`warnings.warn` what it was told, each with its text and some with the values beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any, TextIO

from kikao.events.described import described
from kikao.events.event import Publish
from kikao.events.types import ErrorUncaught


@contextlib.contextmanager
def uncaught(publish: Publish) -> Iterator[None]:
    """Publish what nobody caught in this process, in place of printing it; for whoever owns the process.

    Call it where the event loop runs. What the app has set up itself (an error reporter, `logging.captureWarnings`) is
    left to it.
    """
    loop = asyncio.get_running_loop()

    def of_loop(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        publish(ErrorUncaught(where="loop", error=described(error) if error else _destroyed(context)))

    def of_finaliser(found: sys.UnraisableHookArgs) -> None:
        publish(ErrorUncaught(where="finaliser", error=described(found.exc_value) or found.exc_type.__name__))

    def of_thread(found: threading.ExceptHookArgs) -> None:
        if found.exc_type is not SystemExit:
            publish(
                ErrorUncaught(where="thread", error=described(found.exc_value) or found.exc_type.__name__)
            )

    def of_warning(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        where = f"{os.path.basename(filename)}:{lineno}"
        publish(ErrorUncaught(where="warning", error=f"{category.__name__} at {where}"))

    with contextlib.ExitStack() as stack:
        if loop.get_exception_handler() is None:
            stack.callback(loop.set_exception_handler, None)
            loop.set_exception_handler(of_loop)
        if sys.unraisablehook is sys.__unraisablehook__:
            _replace(stack, sys, "unraisablehook", of_finaliser)
        if threading.excepthook is threading.__excepthook__:
            _replace(stack, threading, "excepthook", of_thread)
        if warnings.showwarning.__module__ in ("warnings", "_py_warnings"):
            _replace(stack, warnings, "showwarning", of_warning)
        yield


@contextlib.contextmanager
def tolerated(publish: Publish) -> Iterator[None]:
    """Publish what is raised inside, and go on: for one round of a loop that must not end, and may do better next."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the next round may be well
        publish(ErrorUncaught(where="loop", error=described(error)))


def _replace(stack: contextlib.ExitStack, module: Any, name: str, hook: Any) -> None:
    stack.callback(setattr, module, name, getattr(module, name))
    setattr(module, name, hook)


def _destroyed(context: dict[str, Any]) -> str:
    """What there is to say without an error: a task that was dropped before its end, and where it stood."""
    task = context.get("task")
    coroutine = task.get_coro() if isinstance(task, asyncio.Task) else None
    name = getattr(coroutine, "__qualname__", "")
    return f"task {name} was dropped before its end" if name else "no exception"
