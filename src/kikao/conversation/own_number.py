"""The member's own number: shared as a contact that the channel vouches for, or typed, which proves nothing yet."""

from __future__ import annotations

from typing import Any, Final

from kikao.conversation.answer_types import Phone
from kikao.conversation.answers import Answer
from kikao.conversation.errors import Invalid
from kikao.conversation.inputs import Given, SharedContact
from kikao.conversation.screens import Option
from kikao.i18n.messages import t

NOT_YOURS: Final = t("That is somebody else's number. Share your own with the button below.")


class OwnNumber(Answer[SharedContact]):
    """A number that the member says is theirs; `own` tells whether the channel vouches for it.

    A number that is typed without its country code is one of `region` (ISO 3166). Where the channel never vouches
    (`vouches=False`), a contact that is shared is as good as a number that is typed.
    """

    __slots__ = ("_typed", "_vouches")
    tag = "own-number"
    wants = "contact"

    def __init__(self, region: str = "UG", *, vouches: bool = True) -> None:
        self._typed = Phone(region)
        self._vouches = vouches

    def parse(self, given: Given, options: tuple[Option, ...]) -> SharedContact:
        """The number, in E.164; a contact of somebody else is `Invalid`."""
        shared = given.attachment
        if not isinstance(shared, SharedContact):
            return SharedContact(self._typed.parse(given, options), own=False)
        if not shared.own and self._vouches:
            raise Invalid(NOT_YOURS)
        return SharedContact(self._typed.parse(Given(_full(shared.number), given.today), options), shared.own)

    def encode(self, value: SharedContact) -> Any:
        """`[number, own]`."""
        return [value.number, value.own]

    @staticmethod
    def decode(data: Any) -> SharedContact:
        """A `SharedContact` of `[number, own]`."""
        return SharedContact(data[0], data[1])


def _full(number: str) -> str:
    """As it was shared, with the `+` that some leave out."""
    return f"+{number}" if number[:1].isdigit() and not number.startswith("0") else number
