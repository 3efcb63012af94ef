"""SMS, played: what the app sends to a number on the table is shown by every phone of it, and goes nowhere else."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import TYPE_CHECKING, Final

from kikao.channels.calling import Answer, Call
from kikao.channels.chat.message import Parcel
from kikao.config import Hidden
from kikao.config.settings import SmsSettings

if TYPE_CHECKING:
    from kikao.channels.sms.emulator import SmsApi

SLUG: Final = "africastalking"
"""The gateway that is played."""

SHOWN: Final = 3
"""Messages that a phone shows: the latest."""

KEPT: Final = 200
"""Messages that are remembered."""


class PlayedTexts:
    """An account for SMS, with keys that nobody has; and what other accounts send to phones on the table."""

    def __init__(self) -> None:
        from kikao.channels.sms.emulator import SmsApi

        self._api: SmsApi = SmsApi(api_key=secrets.token_hex(16))
        options = {"username": self._api.username, "api_key": self._api.api_key}
        self.settings = SmsSettings(
            token=Hidden(secrets.token_urlsafe(24).encode()),
            options={name: Hidden(value.encode()) for name, value in options.items()},
        )
        """With which an app sends here."""
        self._phones: Counter[str] = Counter()

    def expect(self, number: str) -> None:
        """There is one more phone of this number (E.164) on the table."""
        self._phones[number] += 1

    def forget(self, number: str) -> None:
        """There is one less."""
        self._phones[number] -= 1

    def keeps(self, parcel: Parcel) -> bool:
        """Take what another account would send, if it is for a phone on the table."""
        if self._phones[parcel.to] <= 0:
            return False
        self._api.shows(parcel.to, parcel.message.text)
        del self._api.sent[:-KEPT]
        return True

    async def make(self, call: Call) -> Answer:
        """Take a call of the app."""
        answer = await self._api(call)
        del self._api.sent[:-KEPT]
        return answer

    def of(self, number: str) -> tuple[str, ...]:
        """What the phones of a number show."""
        return tuple(self._api.inbox(number)[-SHOWN:])
