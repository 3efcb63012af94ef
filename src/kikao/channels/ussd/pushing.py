"""Gateways whose screens go out as calls of their own, over HTTP: how one is sent, and how long it is tried."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Final

from kikao.channels.calling import Answer, Call, Make, Unanswered, judged
from kikao.channels.channel import Response
from kikao.channels.inbound import Inbound
from kikao.channels.outbox.sender import Destination, Letter, Outcome, Rejected, Sender, TryLater
from kikao.channels.ussd.gateway import Family, UssdGateway
from kikao.channels.ussd.pushed import Pushed
from kikao.sessions.posting import SCREENS

TIMEOUT: Final = 5.0
"""Seconds that one try may take. Meanwhile nothing else goes to the same member."""

FIRST: Final = 0.25
LONGEST: Final = 1.0
"""A screen that was not taken is tried again after up to 0.25 s, 0.5 s, and then each second, until it expires."""

AT_ONCE: Final = 64
"""Screens on their way at a time, from one process."""

CONNECTIONS: Final = AT_ONCE + 32
"""To one provider, from one process: for screens, and for what is said directly."""

DEAD_KEPT: Final = 86400.0
"""Seconds that it can be looked up why a screen was not sent."""


def destination(sender: Sender) -> Destination:
    """How screens leave, whatever sends them.

    Only the newest of a dialogue counts, it is tried in haste for as long as somebody waits, and nothing of it is kept
    once it was sent.
    """
    return Destination(
        sender=sender,
        timeout=TIMEOUT,
        at_once=AT_ONCE,
        tries=10_000,
        first=FIRST,
        longest=LONGEST,
        sent_kept=0.0,
        dead_kept=DEAD_KEPT,
        newest=True,
    )


class CallingGateway(UssdGateway):
    """Base of gateways whose screens are calls over HTTP. A gateway adds `parse`, `acknowledge` and `call`."""

    family: Family = "async"
    needs: tuple[str, ...] = ()
    """Settings of its own without which it cannot be called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.pushes = f"{SCREENS}{self.slug}"

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """The request arrived; the screen comes by itself."""
        return self.acknowledge(inbound)

    @property
    @abstractmethod
    def url(self) -> str:
        """Where screens go."""

    @abstractmethod
    def call(self, pushed: Pushed, message: str) -> Call:
        """The call for one page. `message` is its id in the outbox, the same when it is tried again."""

    def outcome(self, answer: Answer, now: float) -> Outcome:
        """What the provider's answer to it means; by its status unless the provider says it elsewhere.

        Reasons never repeat what it wrote, but for a code that the contract lists.
        """
        return judged(answer, now)

    def destination(self, make: Make, clock: Callable[[], float]) -> Destination:
        """Where its screens go. `make` makes the calls."""
        return destination(Pages(self, self.call, make, clock))


class Pages:
    """Sends pages of a gateway: `call` is the one for a page, and for its id in the outbox."""

    def __init__(
        self,
        gateway: CallingGateway,
        call: Callable[[Pushed, str], Call],
        make: Make,
        clock: Callable[[], float],
    ) -> None:
        self._gateway = gateway
        self._call = call
        self._make = make
        self._clock = clock

    async def send(self, letter: Letter) -> Outcome:
        """One call. See `Sender`."""
        pushed = Pushed.read(letter.body)
        if pushed.until <= self._clock():  # also when an operator replays it
            return Rejected("expired")
        try:
            answer = await self._make(self._call(pushed, letter.id.hex()))
        except Unanswered as error:
            return TryLater(str(error))
        return self._gateway.outcome(answer, self._clock())
