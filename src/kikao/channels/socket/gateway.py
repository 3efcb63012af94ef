"""Conversations in a web chat, over the sockets of live sessions (Phoenix Channels V2).

A member is the user of a socket. What is said to them goes through the outbox into their stream and to all of their
devices; what they say comes as events of the channel `chat` (`kikao.live.conversing`). An app that is live has one such
line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import structs

from kikao.channels.calling import Make
from kikao.channels.chat.gateway import ChatGateway, Entrance
from kikao.channels.chat.ladder import Limits
from kikao.channels.chat.message import Message
from kikao.channels.inbound import Inbound
from kikao.channels.outbox.sender import Destination
from kikao.channels.socket.sender import Deliver, SocketSender
from kikao.channels.socket.showing import Showing
from kikao.config import Settings

CHANNEL: Final = "socket"
SLUG: Final = "phoenix"
LINE: Final = f"{CHANNEL}/{SLUG}"

LIMITS: Final = Limits(
    text=16_000,
    body=16_000,
    buttons=8,
    title=40,
    rows=50,
    row=60,
    described=120,
    opens=24,
    numbered=50,
)
"""Our own page is the provider: as much as a phone's screen shows well."""

AT_ONCE: Final = 32
"""Messages on their way at a time: each is one call to the store of streams."""

TRIES: Final = 500
"""With the waits between them, most of a working day: the store of streams comes back."""

LONGEST: Final = 60.0
"""Seconds between two tries, at most: somebody waits."""

RETENTION: Final = 86400.0
"""Seconds in which a device sends something again under the same id: it forgets what it could not send long before."""


class SocketGateway(ChatGateway):
    """The web chat of an app."""

    channel = CHANNEL
    limits = LIMITS
    retention = RETENTION
    connects = True
    tells_seen = True
    has_field = True

    def __init__(self) -> None:
        super().__init__(SLUG)

    @property
    def api_url(self) -> str:
        """Nowhere: members come to us."""
        return ""

    def destination(self, make: Make, clock: Callable[[], float]) -> Destination:
        """Never: nobody is called; see `delivering`."""
        raise AssertionError(f"{self.line} is not called over HTTP")

    def delivering(
        self, deliver: Deliver, clock: Callable[[], float], showing: Showing | None = None
    ) -> Destination:
        """What puts its messages into the streams of users. `showing` names the files that it shows."""
        sender = SocketSender(self.line, deliver, clock, showing)
        return Destination(
            sender=sender, at_once=AT_ONCE, tries=TRIES, first=1.0, longest=LONGEST, sent_kept=0.0
        )

    def echoed(self, inbound: Inbound, said: Message, *, until: float) -> list[bytes]:
        """What the member said, for their other devices; the one that said it knows it by its id."""
        if inbound.message_id is None:
            return []
        parcel = self._parcel(inbound, said, until, "", "")
        return [structs.replace(parcel, said=inbound.message_id.reveal()).written()]


def entrances(settings: Settings, found: Iterable[ChatGateway]) -> dict[str, Entrance]:
    """None: no webhook brings what members say."""
    return {}
