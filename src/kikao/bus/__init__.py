"""The bus: short messages from each process of an app to all of them, as long as they live.

    async with bus.subscribe("outbox") as heard:
        async for each in heard:
            ...                            # a Message, or a Gap: something may have been missed

    await bus.publish("outbox", b"...")

Whatever goes over it must be news that can be found out otherwise, too: a process that was away, or slow, hears a `Gap`
and looks for itself. `KIKAO_BUS` says what carries it; one process needs nothing.
"""

from kikao.bus.bell import Bell
from kikao.bus.fanout import LONGEST, Fanout, FanoutAway, Gap, Message
from kikao.bus.making import BusRefused, make_fanout
from kikao.bus.memory import MemoryFanout

__all__ = [
    "LONGEST",
    "Bell",
    "BusRefused",
    "Fanout",
    "FanoutAway",
    "Gap",
    "MemoryFanout",
    "Message",
    "make_fanout",
]
