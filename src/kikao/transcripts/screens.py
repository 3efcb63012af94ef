"""A screen as lines of a transcript, and whether a screen that was seen fits the lines that stand there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

END: Final = "(end)"
"""The last line of a screen that ends the dialogue."""

DROPPED: Final = "(no reply: the connection was dropped)"
"""What a phone shows when the server died, or was not there."""

ANYTHING: Final = "..."
"""In a line: any text. As a line of its own: any lines, or none."""


def screen_lines(page: str, ended: bool) -> tuple[str, ...]:
    """A page as a phone shows it, as the lines that stand in a transcript.

    Spaces at ends of lines and empty lines around are left out: nobody sees them. A line that would read as a sign of
    the format gets a backslash before it.
    """
    lines = page.split("\n") if page == DROPPED else [_escaped(line.rstrip()) for line in _LINES(page)]
    return (*_trimmed(lines), *((END,) if ended else ()))


def fits(written: Sequence[str], seen: Sequence[str]) -> bool:
    """Whether what was seen is what is written, where `...` in a line is any text and `...` alone any lines."""
    if tuple(written) == tuple(seen):
        return True
    if not any(ANYTHING in line for line in written):
        return False
    pattern = "".join(
        r"(?:.*\n)*" if line == ANYTHING else ".*".join(map(re.escape, line.split(ANYTHING))) + r"\n"
        for line in written
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in seen)) is not None


def _trimmed(lines: list[str]) -> list[str]:
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def _escaped(line: str) -> str:
    return f"\\{line}" if _SIGN(line) else line


_LINES: Final = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]").split
_SIGN: Final = re.compile(r"\\*\((?:end|no reply: .*|\w+ sees)\)").fullmatch
