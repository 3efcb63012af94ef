"""What `command_status` says of a request: taken, once more later, or never (SMPP 3.4, 5.1.3)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Status(IntEnum):
    """The statuses that kikao itself gives, or tells from others."""

    OK = 0x00
    ESME_RINVCMDLEN = 0x02
    ESME_RINVCMDID = 0x03
    ESME_RALYBND = 0x05
    ESME_RSYSERR = 0x08
    ESME_RBINDFAIL = 0x0D
    ESME_RINVPASWD = 0x0E
    ESME_RINVSYSID = 0x0F
    ESME_RMSGQFUL = 0x14
    ESME_RTHROTTLED = 0x58
    ESME_RX_T_APPN = 0x64
    """Of the receiver: not now, send it again."""
    ESME_RX_P_APPN = 0x65
    ESME_RX_R_APPN = 0x66
    """Of the receiver: refused, do not send it again."""


FULL: Final = frozenset({Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL})
"""The SMSC says to wait, and nothing against the message."""

TEMPORARY: Final = frozenset({Status.ESME_RSYSERR, Status.ESME_RX_T_APPN})
"""The SMSC failed, and nothing is said against the message."""


def named(status: int) -> str:
    """A status as the log has it: by its name in the specification, else as a number."""
    from aiosmpplib import SmppCommandStatus

    try:
        return str(SmppCommandStatus(status).name)
    except ValueError:
        return f"status 0x{status:08x}"
