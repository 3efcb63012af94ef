"""Errors as events and logs have them: type and place. Their texts may hold what a member typed."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence

Frame = tuple[str, int]
"""A file and a line."""


def described(error: BaseException | None) -> str:
    """An error for a log: its type and the place it came from. Its text may hold what a member typed, so it stays out.

    Errors of kikao's own that name a mistake in the code (their class says `SAFE = True`) show their text, if it was
    kikao that wrote it: an app may raise them, too.
    """
    if error is None:
        return ""
    # Not `extract_tb`: it looks for the source of every line on the disk, for each turn while a store is away.
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    ours = _is_ours(error, frames)
    if ours:  # a mistake in the app's code: where that called kikao
        frames = [frame for frame in frames if _is_an_apps(frame[0])] or frames
    place = f" at {os.path.basename(frames[-1][0])}:{frames[-1][1]}" if frames else ""
    text = f": {error}" if ours else ""
    return f"{type(error).__name__}{place}{text}"


def _is_ours(error: BaseException, frames: Sequence[Frame]) -> bool:
    kind = type(error)
    if getattr(kind, "SAFE", False) is not True or not kind.__module__.startswith("kikao."):
        return False
    return not frames or frames[-1][0].startswith(_KIKAO)


def _is_an_apps(file: str) -> bool:
    if file.startswith((_KIKAO, "<")):
        return False
    return not file.startswith(_PYTHON) or "site-packages" in file


_PYTHON = os.path.dirname(os.__file__) + os.sep
_KIKAO = os.path.dirname(os.path.dirname(__file__)) + os.sep
"""Where kikao's own code is."""
