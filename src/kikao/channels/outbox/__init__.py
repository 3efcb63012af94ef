"""Messages that leave: who sends them (`Sender`), and when (`Dispatcher`)."""

from kikao.channels.outbox.dispatcher import Dispatcher
from kikao.channels.outbox.sender import (
    Delivered,
    Destination,
    Letter,
    Outcome,
    Pace,
    Rejected,
    Sender,
    TryLater,
)

__all__ = [
    "Delivered",
    "Destination",
    "Dispatcher",
    "Letter",
    "Outcome",
    "Pace",
    "Rejected",
    "Sender",
    "TryLater",
]
