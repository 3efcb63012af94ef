"""Screens that were seen are written into transcripts: only screens, and nothing where a machine checks."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import pytest

from kikao.testing.scene import Scene
from kikao.transcripts import exclusively, replace_file, with_screens

ACCEPTED: Final = "kikao_accepted"
"""The name of what a report tells: so it comes home from the processes of pytest-xdist."""


def refuse_in_ci() -> None:
    """Raises `pytest.UsageError` where the environment variable CI is set: there, a screen is right or wrong."""
    if os.environ.get("CI", "").casefold() not in ("", "0", "false"):
        raise pytest.UsageError(
            "--accept-screens writes files, and CI is set: run it where you work, and read what changed"
        )


def accept_screens(scene: Scene, seen: Mapping[int, Sequence[str]], item: Any) -> None:
    """Write screens into the file of a transcript, which other processes may be writing in, too.

    Raises `LookupError` when the transcript changed meanwhile.
    """
    screens = {place: lines for place, lines in seen.items() if place >= 0}
    if not screens:
        return
    path, told = scene.path, scene.transcript
    with exclusively(path):
        text = path.read_bytes().decode("utf-8")
        replace_file(path, with_screens(text, told, screens))
    item.user_properties.append((ACCEPTED, [told.name, len(screens)]))


def accepted_lines(reports: Iterable[Collection[Any]]) -> Iterator[str]:
    """What was written, by file."""
    counts: Counter[str] = Counter()
    for report in itertools.chain.from_iterable(reports):
        if getattr(report, "when", "") == "call":
            for name, value in report.user_properties:
                if name == ACCEPTED:
                    counts[value[0]] += value[1]
    for name, count in sorted(counts.items()):
        yield f"kikao: {count} {'screen' if count == 1 else 'screens'} accepted in {name}: read what changed"
