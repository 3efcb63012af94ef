"""The Bot API, called: one method each, parameters as JSON, the bot's token in the address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from kikao.channels.calling import Call, Make
from kikao.channels.telegram.errors import Refused, judged
from kikao.config import Hidden

HEADERS: Final = (
    ("Content-Type", "application/json"),
    ("User-Agent", "kikao"),
    ("Accept-Encoding", "identity"),
)


class Api:
    """Calls the methods of one bot. `url` is without a path."""

    def __init__(self, make: Make, url: str, token: Hidden) -> None:
        self._make = make
        self._url = url.rstrip("/")
        self._token = token

    async def call(
        self, method: str, parameters: Mapping[str, Any], *, timeout: float = 0.0, most: int = 0
    ) -> msgspec.Raw | Refused:
        """The result, as it was written, or why there is none. Raises `Unanswered`: nobody knows what came of it.

        `timeout` and `most` are for a call that takes longer, or brings more, than most do: see `Call`.
        """
        url = f"{self._url}/bot{self._token.reveal().decode()}/{method}".encode()
        body = _ENCODER.encode(parameters)
        return judged(await self._make(Call(Hidden(url), HEADERS, body, timeout=timeout, most=most)))

    async def delete(self, chat: str, message: str) -> bool:
        """Take a message away, as of what should not stay in a chat; whether it is gone. Raises `Unanswered`.

        What a member wrote in their own chat can be taken away for 48 hours.
        """
        done = await self.call("deleteMessage", {"chat_id": int(chat), "message_id": int(message)})
        return not isinstance(done, Refused) or done.why == "not_there"

    def __repr__(self) -> str:
        return "<the Bot API>"


_ENCODER: Final = msgspec.json.Encoder()
