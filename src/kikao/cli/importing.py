"""The app of a command that judges it: whatever its import does, the command ends with 2 and the reason."""

from __future__ import annotations

import traceback
from pathlib import Path

from kikao.app import App
from kikao.checking.places import shown
from kikao.checking.reading import is_own
from kikao.cli.serving import GivenUp, give_up, load_app


def imported(target: str) -> App:
    """The app of `module:app`, or an exit that says why there is none.

    An app that ends Python by itself is none, whatever its exit code says.
    """
    try:
        return load_app(target)
    except GivenUp:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the app does at its import
        give_up(f"{target} cannot be imported: {_told(error)}")


def _told(error: BaseException) -> str:
    """An error of the app's own code in one line, with its place where there is one."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{shown(Path(error.filename))}:{error.lineno}: {type(error).__name__}: {error.msg}"
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    own = [(path, line) for path, line in frames if path.is_absolute() and is_own(path)]
    place = f"{shown(own[-1][0])}:{own[-1][1]}: " if own else ""
    return f"{place}{type(error).__name__}: {error}"
