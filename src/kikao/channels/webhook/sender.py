"""Sends messages by HTTP: one `POST` each, signed, with what came of it in its status.

2xx: taken. 408, 425, 429, 5xx, no answer: again later, after `Retry-After` where it is said. Everything else, and a
redirection, which is never followed: dead.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from kikao.channels.caller import Caller
from kikao.channels.calling import Call, Unanswered, judged
from kikao.channels.outbox.sender import Letter, Outcome, TryLater
from kikao.channels.webhook.signing import MESSAGE, SIGNATURE, TRY, signature
from kikao.config import Hidden


class Webhook:
    """A `Sender` to one URL. `timeout`, in seconds, is for each part of an exchange."""

    def __init__(
        self,
        url: Hidden,
        secrets: Sequence[Hidden],
        *,
        timeout: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = url
        self._secrets = tuple(secrets)
        self._clock = clock
        self._caller = Caller(url, timeout=timeout)

    async def close(self) -> None:
        """Let connections go."""
        await self._caller.close()

    async def send(self, letter: Letter) -> Outcome:
        """One request. Nothing in the answer is looked at but its status."""
        headers = [
            ("Content-Type", "application/json"),
            ("User-Agent", "kikao"),
            ("Accept-Encoding", "identity"),
            (MESSAGE, letter.id.hex()),
            (TRY, str(letter.tries)),
        ]
        if self._secrets:
            secrets = [secret.reveal() for secret in self._secrets]
            made = signature(secrets, letter.id.hex(), letter.body, self._clock())
            headers.append((SIGNATURE, made))
        try:
            answer = await self._caller(Call(self._url, tuple(headers), letter.body))
        except Unanswered as error:
            return TryLater(str(error))
        return judged(answer, self._clock())
