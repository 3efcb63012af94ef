"""Where events of a session happen: said once, for all that is published from there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kikao.events.bus import Bus
from kikao.events.event import SessionEvent, short


class Place:
    """A session at a gateway, in code of a release. `key` is the session's; it may become known later."""

    __slots__ = ("channel", "gateway", "publish", "release", "session")

    def __init__(self, publish: Bus, channel: str, gateway: str, release: int, key: bytes = b"") -> None:
        self.publish = publish
        self.channel = channel
        self.gateway = gateway
        self.release = release
        self.session = short(key) if key else ""

    def found(self, key: bytes) -> None:
        """It is this session, from now on."""
        self.session = short(key)

    def tell(self, kind: type[SessionEvent], own: Mapping[str, Any]) -> None:
        """Publish an event from here, with fields of its own, if somebody listens."""
        if self.publish.wants(kind):
            self.publish(
                kind(
                    channel=self.channel,
                    gateway=self.gateway,
                    session=self.session,
                    release=self.release,
                    **own,
                )
            )
