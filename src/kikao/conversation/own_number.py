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

    A number that is typed without its country code is one of `region` (ISO 3166).
    """

    __slots__ = ("_typed",)
    tag = "own-number"
    wants = "contact"

    def __init__(self, region: str = "UG") -> None:
        self._typed = Phone(region)

    def parse(self, given: Given, options: tuple[Option, ...]) -> SharedContact:
        """The number, in E.164; a contact of somebody else is `Invalid`."""
        shared = given.attachment
        if not isinstance(shared, SharedContact):
            return SharedContact(self._typed.parse(given, options), own=False)
        if not shared.own:
            raise Invalid(NOT_YOURS)
        number = shared.number if shared.number.startswith("+") else f"+{shared.number}"
        return SharedContact(self._typed.parse(Given(number, given.today), options), own=True)

    def encode(self, value: SharedContact) -> Any:
        """`[number, own]`."""
        return [value.number, value.own]

    @staticmethod
    def decode(data: Any) -> SharedContact:
        """A `SharedContact` of `[number, own]`."""
        return SharedContact(data[0], data[1])
