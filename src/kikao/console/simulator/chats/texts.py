"""SMS, played: what the app sends to a number is shown by every phone of that number, and goes nowhere else."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from kikao.channels.calling import Answer, Call
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
    """An account for SMS, with keys that nobody has."""

    def __init__(self) -> None:
        from kikao.channels.sms.emulator import SmsApi

        self._api: SmsApi = SmsApi(api_key=secrets.token_hex(16))
        options = {"username": self._api.username, "api_key": self._api.api_key}
        self.settings = SmsSettings(
            token=Hidden(secrets.token_urlsafe(24).encode()),
            options={name: Hidden(value.encode()) for name, value in options.items()},
        )
        """With which an app sends here."""

    async def make(self, call: Call) -> Answer:
        """Take a call of the app."""
        answer = await self._api(call)
        del self._api.sent[:-KEPT]
        return answer

    def of(self, number: str) -> tuple[str, ...]:
        """What the phones of a number show."""
        return tuple(self._api.inbox(number)[-SHOWN:])
