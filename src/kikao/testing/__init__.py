"""For tests of apps: phones, a clock, deaths and bad moods. It needs no test runner; any will do."""

from kikao.testing.clock import Clock
from kikao.testing.mortal import Mortal, ProcessDied
from kikao.testing.phone import DROPPED, Phone
from kikao.testing.services import Mood, Service
from kikao.testing.stage import Stage
from kikao.testing.wire import Send, in_process

__all__ = [
    "DROPPED",
    "Clock",
    "Mood",
    "Mortal",
    "Phone",
    "ProcessDied",
    "Send",
    "Service",
    "Stage",
    "in_process",
]
