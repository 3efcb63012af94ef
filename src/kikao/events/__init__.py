"""Typed events of what happened, and who listens: log lines now, metrics and audit beside them.

An event carries names, codes and times. It never carries an answer, a text shown, an address in clear or a secret.
"""

from kikao.events.log import LogLines
from kikao.events.types import Event, Publish, RecoveryDone, RequestRefused, TurnDone, broadcast

__all__ = ["Event", "LogLines", "Publish", "RecoveryDone", "RequestRefused", "TurnDone", "broadcast"]
