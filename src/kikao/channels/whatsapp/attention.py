"""Shows a member that they were heard: what they wrote is marked as read, and kikao types where a turn takes its time.

All of it is worth little: nothing waits for it, and what does not get through is not tried again.

https://developers.facebook.com/docs/whatsapp/cloud-api/typing-indicators
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from kikao.channels.calling import Call, Make, Unanswered
from kikao.channels.inbound import Inbound
from kikao.channels.whatsapp.calls import Calls

PATIENCE: Final = 1.0
"""Seconds after which a member sees that somebody types; WhatsApp shows it for 25 at most."""

MESSAGE: Final = "wamid."
"""How the name of a message begins."""

AT_ONCE: Final = 32
"""Such calls on their way: beyond that they are left out."""


class Attention:
    """Of one number."""

    def __init__(self, calls: Calls, make: Make, *, patience: float = PATIENCE) -> None:
        self._calls = calls
        self._make = make
        self._patience = patience
        self._under_way: set[asyncio.Task[None]] = set()

    def attend(self, inbound: Inbound) -> Callable[[bool], None]:
        """A member waits; what is returned hears whether they are dealt with by now.

        What they entered on a page, or what somebody else did for them, is no message that could be marked.
        """
        name = "" if inbound.message_id is None else inbound.message_id.reveal()
        return _Attended(self, name).dealt_with if name.startswith(MESSAGE) else _nothing

    def later(self, act: Callable[[], None]) -> asyncio.TimerHandle:
        """Do something once somebody has waited for long."""
        return asyncio.get_running_loop().call_later(self._patience, act)

    def show(self, message: str, *, typing: bool) -> None:
        """That a message was read, and maybe that somebody types."""
        if len(self._under_way) < AT_ONCE:
            task = asyncio.get_running_loop().create_task(
                self._call(self._calls.seen(message, typing=typing))
            )
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _call(self, call: Call) -> None:
        try:
            await self._make(call)
        except Unanswered:
            return


class _Attended:
    """One message."""

    def __init__(self, attention: Attention, message: str) -> None:
        self._attention = attention
        self._message = message
        self._typed = False
        self._timer = attention.later(self._type)

    def dealt_with(self, done: bool) -> None:
        """Whether it is; then it was read, which typing says as well."""
        self._timer.cancel()
        if done and not self._typed:
            self._attention.show(self._message, typing=False)

    def _type(self) -> None:
        self._typed = True
        self._attention.show(self._message, typing=True)


def _nothing(done: bool) -> None:
    """Nobody is shown anything."""
