"""Pauses that are never quite the same, so that those who failed together do not try again together."""

from __future__ import annotations

import random


def jittered(seconds: float) -> float:
    """Between half of it and all of it."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - nobody gains by guessing it
