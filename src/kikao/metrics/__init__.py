"""What is measured of an app at work, and how a monitoring system reads it.

Numbers are plain while nobody asks; `declared` lists every metric, `exposition` writes them, and `group` adds up those
of several workers.
"""

from kikao.metrics.counters import Counters
from kikao.metrics.phases import Phase, PhaseTimes, PhaseWatcher

__all__ = ["Counters", "Phase", "PhaseTimes", "PhaseWatcher"]
