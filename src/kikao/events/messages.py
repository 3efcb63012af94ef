"""The events of messages to other systems: queued with a turn, sent, tried again, given up."""

from __future__ import annotations

from typing import Literal

from kikao.events.event import Event, MessageId, Milliseconds, Name, Remark, Seconds, SessionEvent, ShortId


class MessageQueued(SessionEvent, frozen=True, kw_only=True, tag="message.queued"):
    """A message is stored with the turn that posted it, and leaves next. `at` is the post."""

    to: Name
    """Where it goes: `webhook/` and a name from the settings."""
    message: MessageId
    """Its id."""


class MessageStranded(SessionEvent, frozen=True, kw_only=True, tag="message.stranded"):
    """A message was posted to a name that the settings do not declare: it is stored, and waits until they do."""

    to: Name
    """Where it would go: `webhook/` and a name from the code."""
    message: MessageId
    """Its id."""


class MessageEvent(Event, frozen=True, kw_only=True):
    """Something about a message that leaves, or does not."""

    to: Name
    """Where it goes: `webhook/` and a name from the settings, or `ussd/` and a gateway."""
    message: MessageId
    """Its id."""
    session: ShortId = ""
    """Tells events of one session apart, names nobody."""
    tries: int = 0
    """How often it was given to the sender, this time included."""


class MessageSent(MessageEvent, frozen=True, kw_only=True, tag="message.sent"):
    """A message was taken by the other side."""

    ms: Milliseconds
    """How long the sender took, this time."""
    waited: Seconds
    """Since it was posted."""


class MessageRetried(MessageEvent, frozen=True, kw_only=True, tag="message.retried"):
    """A message was not taken, and is tried again; what is behind it in its lane waits."""

    reason: Remark
    """Why: a status, the type of an error."""
    retry_after: Seconds
    """Until the next try."""


class MessageDead(MessageEvent, frozen=True, kw_only=True, tag="message.dead"):
    """A message will not be sent unless an operator replays it: `kikao outbox`."""

    reason: Remark
    """Why: a status, the type of an error, `expired`."""


class NoticeLost(Event, frozen=True, kw_only=True, tag="notice.lost"):
    """What is no turn ("unavailable") could not be said by a call of its own: the member sees the network's error."""

    to: Name
    """Where it would have gone: `ussd/` and a gateway."""
    reason: Remark
    """Why: a status, the type of an error, too many of them."""


class DestinationPaused(Event, frozen=True, kw_only=True, tag="destination.paused"):
    """The other side said to wait: nothing leaves to it meanwhile."""

    to: Name
    """Where it goes: `webhook/` and a name from the settings, or `ussd/` and a gateway."""
    seconds: Seconds
    """For so long from now."""
    reason: Remark
    """What it said: a status."""


class MessageReported(Event, frozen=True, kw_only=True, tag="message.reported"):
    """The other side told how far a message came."""

    to: Name
    """Who told."""
    status: Literal["sent", "failed", "delivered", "read"]
    """As far as is known now; a status only rises."""


# --- behind the turns ---
