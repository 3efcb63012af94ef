"""Numbers as they are written internationally (ITU-T E.164): the one form in which an MSISDN is kept and compared."""

from __future__ import annotations

import re
from typing import Final

E164: Final = r"\+[1-9][0-9]{6,14}"
"""A regular expression, without anchors, for where a number is a part of a longer text.

`+`, then at most 15 digits, of which the first is never 0 (ITU-T E.164, clause 6): no country code begins with 0.
Of fewer than 7 no member has one.
"""


def is_e164(text: str) -> bool:
    """Whether a text is a number in this form, and nothing else: `+256772000001`. No numbering plan is asked."""
    return _E164(text) is not None


_E164 = re.compile(E164).fullmatch
