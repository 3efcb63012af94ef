"""Everything that a process says while a test runs, in whatever way it says it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import logging
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any

import msgspec

from kikao.events import Event


class Witness:
    """Listens to logging, warnings, both streams, and to what the event loop and the interpreter say nobody caught.

    With `debug` the event loop tells of everything it executes, as `-X dev` has it do of what is slow.
    """

    def __init__(self, *, debug: bool = False) -> None:
        self._debug = debug
        self.heard: list[tuple[str, str]] = []
        self._stack = contextlib.ExitStack()
        self._streams = io.StringIO()

    def __enter__(self) -> Witness:
        enter = self._stack.enter_context
        gc.freeze()  # what is there already need not be looked through at the end
        self._stack.callback(gc.unfreeze)
        enter(contextlib.redirect_stdout(self._streams))
        enter(contextlib.redirect_stderr(self._streams))
        enter(warnings.catch_warnings())
        warnings.simplefilter("always")
        warnings.showwarning = lambda *said, **more: self.heard.append(("warning", repr(said)))
        enter(_logging(self))
        for module, hook in ((sys, "unraisablehook"), (threading, "excepthook")):
            self._stack.callback(setattr, module, hook, getattr(module, hook))
            setattr(module, hook, lambda what: self.hear("nobody caught", what.exc_value))
        loop = asyncio.get_running_loop()
        self._stack.callback(loop.set_exception_handler, loop.get_exception_handler())
        loop.set_exception_handler(lambda _, context: self._uncaught(context))
        if self._debug:
            self._stack.callback(loop.set_debug, loop.get_debug())
            self._stack.callback(setattr, loop, "slow_callback_duration", loop.slow_callback_duration)
            loop.set_debug(True)
            loop.slow_callback_duration = 0.0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        gc.collect()
        self._stack.__exit__(kind, error, trace)
        self.heard.append(("streams", self._streams.getvalue()))

    def hear(self, where: str, error: BaseException | None) -> None:
        """An error, as one would see it who prints all there is of it."""
        self.heard.append((where, told(error)))

    def said(self) -> Iterator[tuple[str, bytes]]:
        """All that was heard, to be searched."""
        return ((where, text.encode(errors="backslashreplace")) for where, text in self.heard)

    def _uncaught(self, context: dict[str, Any]) -> None:
        self.heard.append(("event loop", repr(context)))
        self.hear("event loop", context.get("exception"))


def told(error: BaseException | None) -> str:
    """A traceback with the values of all variables, of its causes and groups too."""
    if error is None:
        return ""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def frames_of_kikao(error: BaseException) -> str:
    """The variables of kikao's own frames in a traceback: what it says beside them is its author's."""
    found = _frames(traceback.TracebackException.from_exception(error, capture_locals=True))
    ours = [frame for frame in found if _OURS(frame.filename)]
    return "\n".join(f"{frame.filename}:{frame.lineno} {frame.locals}" for frame in ours)


def _frames(found: traceback.TracebackException) -> Iterator[traceback.FrameSummary]:
    yield from found.stack
    for other in (found.__cause__, found.__context__, *(getattr(found, "exceptions", None) or ())):
        if other is not None:
            yield from _frames(other)


def published(events: Iterable[Event]) -> Iterator[tuple[str, bytes]]:
    """Every field of every event."""
    return ((f"event {type(event).__name__}", msgspec.json.encode(event)) for event in events)


_OURS = re.compile(r".*/src/kikao/(?!testing/)").match


@contextlib.contextmanager
def _logging(witness: Witness) -> Iterator[None]:
    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            witness.heard.append((f"logger {record.name}", repr(vars(record)) + record.getMessage()))
            if record.exc_info:
                witness.hear(f"logger {record.name}", record.exc_info[1])

    listener, root = Listener(), logging.getLogger()
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(listener)
        root.setLevel(level)
