"""Numbers that must stand nowhere, looked for where any digits come by chance: ids, times, signatures."""

from __future__ import annotations

import re
from urllib.parse import unquote


def stands_in(secret: str, text: str) -> bool:
    """Whether a number stands in a text by itself: not within a word, as in an id, nor behind the point of a time. A
    sign that is written as letters, as in a form or in JSON, is no word before it."""
    alone = re.compile(rf"(?<![\w.-]){re.escape(secret)}(?![\w-]|\.\d)")
    return any(alone.search(each) for each in (text, unquote(text), _ESCAPED(" ", text)))


_ESCAPED = re.compile(r"\\(?:[bfnrt]|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})").sub
