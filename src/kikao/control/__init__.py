"""Commands to a running server: through a Unix socket in the data folder, one line of JSON there and lines back.

A `Call` names a command and the types of its arguments and of what comes back. A server adds what it can do to its
`Commands` and opens a `Door`; a `Visitor` asks through that door. Where no server runs, whoever has the data open asks
its own `Commands` in the same way, so each command is written once.

    SWEEP = Call("sessions.sweep", Nothing, Swept)
    commands.add(SWEEP, operator.sweep)
    async for swept in Visitor(folder, where).ask(SWEEP, Nothing()): ...

Whoever may open the socket may do everything: it has mode 0600 and never leaves the machine.
"""

from kikao.control.commands import Ask, Asked, Call, CommandRefused, Commands, Nothing
from kikao.control.door import Door
from kikao.control.lines import digest
from kikao.control.place import DoorTaken, NoDoor, socket_in
from kikao.control.visitor import DoorLost, Visitor

__all__ = [
    "Ask",
    "Asked",
    "Call",
    "CommandRefused",
    "Commands",
    "Door",
    "DoorLost",
    "DoorTaken",
    "NoDoor",
    "Nothing",
    "Visitor",
    "digest",
    "socket_in",
]
