"""Numbers that must stand nowhere, looked for where any digits come by chance: ids, times, signatures."""

from __future__ import annotations

import re


def stands_in(secret: str, text: str) -> bool:
    """Whether a number stands in a text by itself: not within a word, as in an id, nor behind the point of a time."""
    return re.search(rf"(?<![\w.-]){re.escape(secret)}(?![\w-]|\.\d)", text) is not None
