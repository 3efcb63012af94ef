"""Why a request to the simulator is not carried out, in plain words."""

from __future__ import annotations


class Problem(Exception):
    """Answered with its status and `{"error": text}`. The text never holds what was typed."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
