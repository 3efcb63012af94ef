"""Names of members: what may be one, and how others and they themselves see it."""

from __future__ import annotations

import unicodedata
from typing import Final

from kikao.conversation import Invalid, Text
from kikao.conversation.inputs import Given
from kikao.conversation.screens import Option
from kikao.i18n import t
from kikao.i18n.gsm7 import GSM7, normalise

HINT: Final = t("Enter a name of letters.")

SHOWN: Final = 26
"""Characters of a name that others see."""


class Name(Text):
    """A member's name, which others see on a confirmation: it must not look like a part of one.

    So there is no digit in it, in no script and in no form that is shown as one (`²`, `②`), and no question.
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(min=2, max=40, pattern=r"[^\W\d_]([^\W\d_]|[\u0300-\u036f .'’-])*", hint=HINT)

    def parse(self, given: Given, options: tuple[Option, ...]) -> str:
        """The name typed."""
        name = super().parse(given, options)
        if any(character.isnumeric() and not character.isalpha() for character in name):
            raise Invalid(HINT)
        return name


NAME: Final = Name()


def plain(name: str) -> str | None:
    """A name in the letters of GSM-7, without accents that it lacks; None where they do not write it.

    One other letter would halve the room on a screen: a menu would have pages, and a confirmation is never cut. For the
    same reason a long name is shown by its first words, up to `SHOWN` characters.
    """
    letters = (
        letter if letter in GSM7 else unicodedata.normalize("NFKD", letter)[0] for letter in normalise(name)
    )
    written = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return shortened(written) if GSM7.issuperset(written) else None


def shortened(name: str) -> str:
    """As many of its words as fit into `SHOWN` characters; of a longer word, so many characters."""
    if len(name) <= SHOWN:
        return name
    return name[: SHOWN + 1].rpartition(" ")[0] or name[:SHOWN]
