"""What a turn tells: the events of one inbound, made where somebody listens."""

from __future__ import annotations

import time
from typing import Literal

from kikao.channels.inbound import Inbound
from kikao.conversation.runner import Turned
from kikao.events import (
    Bus,
    DialogueClosed,
    LimitHit,
    TurnCommitted,
    TurnDuplicated,
    TurnRejected,
    described,
    short,
)
from kikao.sessions.limiter import Over

Rejected = Literal["busy", "unavailable", "older_code", "answered", "stale", "failed"]
"""See `TurnRejected.what`."""

Done = TurnCommitted | TurnDuplicated | TurnRejected


class Telling:
    """The events of one inbound. `key` is that of its session, once that is looked up."""

    def __init__(self, publish: Bus, inbound: Inbound, release: int, started: float) -> None:
        self.key = b""
        self._publish = publish
        self._inbound = inbound
        self._release = release
        self._started = started

    def closed(self) -> None:
        """The provider told that the dialogue is over."""
        inbound = self._inbound
        self._publish(
            DialogueClosed(
                channel=inbound.channel,
                gateway=inbound.gateway,
                note=inbound.note,
                unknown_fields=inbound.unknown_fields,
            )
        )

    def limited(self, over: Over) -> None:
        """It is one too many."""
        self._publish(
            LimitHit(
                channel=self._inbound.channel,
                gateway=self._inbound.gateway,
                session=short(self.key),
                release=self._release,
                kind=over.kind,
                retry_after=round(over.wait, 3),
            )
        )

    def rejected(self, what: Rejected, error: BaseException | str | None = None) -> TurnRejected:
        """It became no turn."""
        inbound = self._inbound
        rejected = TurnRejected(
            channel=inbound.channel,
            gateway=inbound.gateway,
            session=short(self.key),
            release=self._release,
            what=what,
            ms=self._ms(),
            error=error if isinstance(error, str) else described(error),
            unknown_fields=inbound.unknown_fields,
            note=inbound.note,
        )
        self._publish(rejected)
        return rejected

    def duplicated(self) -> TurnDuplicated:
        """It is a redelivery."""
        inbound = self._inbound
        duplicated = TurnDuplicated(
            channel=inbound.channel,
            gateway=inbound.gateway,
            session=short(self.key),
            release=self._release,
            ms=self._ms(),
            unknown_fields=inbound.unknown_fields,
            note=inbound.note,
        )
        self._publish(duplicated)
        return duplicated

    def committed(self, turned: Turned, version: int) -> TurnCommitted:
        """Its turn is done, and stored as this version of its session."""
        inbound = self._inbound
        assert turned.what != "settled"  # that is recovery's
        committed = TurnCommitted(
            channel=inbound.channel,
            gateway=inbound.gateway,
            session=short(self.key),
            flow=turned.flow,
            at=turned.at,
            release=self._release,
            what=turned.what,
            version=version,
            taken=turned.taken,
            ms=self._ms(),
            error=described(turned.error),
            reasons=tuple(turned.reasons),
            unknown_fields=inbound.unknown_fields,
            note=inbound.note,
        )
        self._publish(committed)
        return committed

    def _ms(self) -> float:
        return round((time.perf_counter() - self._started) * 1000, 2)
