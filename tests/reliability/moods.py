"""What the bank of `canary_app` does, apart from that app: it changes the wallet of the process that imports it."""

from __future__ import annotations

import enum


class Mood(enum.IntEnum):
    """What the bank does with a transfer of this amount (UGX)."""

    HONEST = 1000
    RAISES = 1001
    """Raises an error with the PIN in its text, its arguments and its frames, after the effect."""
    LATE = 1002
    """Answers after the turn's time is up."""
    STALLS = 1003
    """Holds the PIN until the process is killed."""
    TELLS = 1004
    """Gives the PIN back as part of its result, which no service may do."""
    GROUPS = 1005
    """Raises errors with the PIN in a group of errors."""
    FORGETS = 1006
    """Leaves behind a task, a thread and a finaliser that fail with the PIN, and warns of it."""
