"""Listens to an engine: which answer a question takes, and where in the code it is asked."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection
from types import FrameType, TracebackType
from typing import Any, Final, cast

import kikao.conversation
from kikao.conversation.answers import Answer
from kikao.conversation.engine import Engine
from kikao.conversation.navigation import Navigation
from kikao.conversation.screens import Option

_ENGINE = os.path.dirname(kikao.conversation.__file__) + os.sep
_HERE = os.path.dirname(__file__) + os.sep

TOLD: Final = 200
"""Most characters of an error's text that are told."""

Place = tuple[str, int]
"""File and line."""


class Listening:
    """The navigation of an engine, which is told of every question: it keeps the last one's answer type and place."""

    def __init__(self, navigation: Navigation) -> None:
        self._navigation = navigation
        self.answer: Answer[Any] | None = None
        self.place: Place = ("", 0)

    def offered(
        self, answer: Answer[Any], *, back: bool, home: bool
    ) -> tuple[tuple[Option, ...], tuple[str, ...]]:
        """As `Navigation.offered`."""
        self.answer, self.place = answer, _asked_at()
        return self._navigation.offered(answer, back=back, home=home)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._navigation, name)


def listening_engine(of: Engine) -> tuple[Engine, Listening]:
    """An engine of its own for the same flows, and what hears its questions."""
    engine = Engine(
        of.flows,
        entry=of.entry,
        navigation=of.navigation,
        locales=of.locales,
        shortcuts=None if of.shortcuts is None else of.shortcuts.paths,
    )
    heard = Listening(engine.navigation)
    engine.navigation = cast("Navigation", heard)
    return engine, heard


def _asked_at() -> Place:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith((_ENGINE, _HERE)):
            return file, frame.f_lineno
        frame = frame.f_back
    return "", 0


def broke_at(error: BaseException, files: frozenset[str]) -> Place:
    """Where an error came from: the innermost line in one of these files, else the innermost outside of the engine."""
    place: Place = ("", 0)
    ours = False
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file in files or (not ours and not file.startswith((_ENGINE, _HERE))):
            place, ours = (file, trace.tb_lineno), file in files
        trace = trace.tb_next
    return place


def told(error: BaseException, secrets: Collection[str]) -> str:
    """An error on one line: its values are invented, but what was typed as a secret is shown nowhere."""
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(str(error).split()))
    name = type(error).__name__
    if not text or any(secret in text for secret in secrets):
        return name
    return f"{name}: {text if len(text) <= TOLD else f'{text[: TOLD - 4]} ...'}"
