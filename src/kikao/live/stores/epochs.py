"""What streams are called by their epochs, so that one without messages has a place and takes none in the store.

An epoch begins with the name of its store and the hour in which it was given. That of a stream, which begins with its
first message, has random octets behind them: no two streams ever have the same. One that is only asked for is told
the rest alone, and nothing is stored: anybody may ask for any number of names.

A place that was told so is one in the stream that begins behind it, if that is the next of this name. It is where it
began within `HOURS`: the store keeps every stream for longer than that (`REMEMBERED`), so none can have begun and been
forgotten in between. Where that cannot be known the place is unknown, and never taken for one in another stream.
"""

from __future__ import annotations

import re
from secrets import token_hex
from typing import Final

from kikao.live.stores.store import Position, Recovery

STORE: Final = 12
"""Characters of a store's name. A store that was wiped has another."""

HOUR: Final = 3600

HOURS: Final = 22
"""Between the hour of a place and that in which its stream began, at most. With the hour that both are rounded down
by, and one more by which a clock may have been put back, that is `REMEMBERED`."""

_HOUR: Final = 6
_RANDOM: Final = 6
"""Octets."""


def new_store() -> str:
    """The name of a store that is empty."""
    return token_hex(STORE // 2)


def fresh() -> str:
    """What no other stream has: the end of its epoch."""
    return token_hex(_RANDOM)


def asked_for(store: str, now: float) -> str:
    """The epoch of a stream that has not begun; `now` is in seconds of the store's clock."""
    return f"{store}{int(now // HOUR):0{_HOUR}x}"


def begun(store: str, now: float) -> str:
    """The epoch of a stream that begins now."""
    return asked_for(store, now) + fresh()


def is_of(epoch: str, told: str) -> bool:
    """Whether a place that was told with the epoch `told` is one in the stream of `epoch`, or before it began. What
    was told is what a client says that it was."""
    if epoch == told:
        return True
    if _ASKED_FOR(told) is None or len(epoch) < STORE + _HOUR or epoch[:STORE] != told[:STORE]:
        return False
    return 0 <= int(epoch[STORE : STORE + _HOUR], 16) - int(told[STORE:], 16) <= HOURS


def veiled(epoch: str, veil: int) -> str:
    """The same with another name of its store, which `veil` leads to, and from there back. Those of the version before,
    which are shorter, have none."""
    if len(epoch) < STORE + _HOUR:
        return epoch
    return f"{int(epoch[:STORE], 16) ^ veil:0{STORE}x}{epoch[STORE:]}"


def may_be_one(one: str, other: str) -> bool:
    """Whether places that were told with these may be in one stream, whichever is the later."""
    return is_of(one, other) or is_of(other, one)


def nothing_yet(epoch: str, after: Position | None) -> Recovery:
    """What there is behind a place in a stream that has not begun, whose epoch is that of one `asked_for`."""
    is_known = after is None or (after.seq == 0 and is_of(epoch, after.epoch))
    return Recovery(Position(epoch, 0), () if is_known else None)


_ASKED_FOR: Final = re.compile(f"[0-9a-f]{{{STORE + _HOUR}}}").fullmatch
