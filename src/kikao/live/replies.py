"""What a function of a channel may return or raise, and how the client hears of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from kikao.channels.socket.protocol import EMPTY, Json, json

Status = Literal["ok", "error"]


class Refused(Exception):
    """Raised by a function of a channel: its reply is an error. In a join nobody is in.

    The client gets `{"reason": reason}` with what else is given. It tries a refused join again for ever, unless the app
    calls `channel.leave()`.
    """

    def __init__(self, reason: str, **more: Any) -> None:
        super().__init__(reason)
        self.response = {"reason": reason, **more}


class Reply(msgspec.Struct, frozen=True):
    """A reply of any status; a client hears it with `.receive(status)`."""

    status: str = "ok"
    response: Any = None


class Stop(msgspec.Struct, frozen=True):
    """The channel ends after this reply; the client does not join again."""

    response: Any = None


class _NoReply:
    """See `NO_REPLY`."""

    def __repr__(self) -> str:
        return "NO_REPLY"


NO_REPLY: Final = _NoReply()
"""Returned where nothing is replied, or later: see `Channel.later`."""

LEGAL: Final = (
    "a dict or msgspec.Struct, bytes, None for {}, Reply(status, response), Stop(response), or NO_REPLY; "
    "raise Refused(reason) for an error"
)


class LaterReply:
    """The reply to one event, from wherever and whenever it is known. Only the first call is sent."""

    __slots__ = ("_send",)

    def __init__(self, send: Callable[[str, bytes | Json], None]) -> None:
        self._send: Callable[[str, bytes | Json], None] | None = send

    def __call__(self, response: Any = None, status: str = "ok") -> None:
        """Reply. Nothing happens where the channel is over. Raises `TypeError` for what is no payload."""
        body = body_of(response)
        send, self._send = self._send, None
        if send is not None:
            send(status, body)


def body_of(response: Any) -> bytes | Json:
    """A payload as it travels. Raises `TypeError`, which lists what is legal."""
    if response is None:
        return EMPTY
    if isinstance(response, bytes | Json):
        return response
    try:
        return json(response)
    except (TypeError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise TypeError(
            f"a function of a channel returned {type(response).__name__}: return {LEGAL}"
        ) from error
