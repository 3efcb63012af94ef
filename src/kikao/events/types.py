"""The events, one struct each. Field names are stable: log lines and metrics are made of them."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Callable, Sequence

import msgspec


class TurnDone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="turn", tag_field="event"):
    """One inbound was answered."""

    channel: str
    gateway: str
    session: str = ""
    """First 12 hex digits of the session key: tells lines of one session apart, names nobody."""
    what: str
    """asked, ended, refused, failed, overdue, unknown, parked, offered, shown, cancelled, working; or duplicate,
    busy, unavailable, older_code, closed, stale, answered when there was no turn."""
    flow: str = ""
    at: str = ""
    """Journal key of the open question."""
    version: int = 0
    taken: int = 0
    """Answers of a long dial that were taken; what was dialled behind them was dropped."""
    ms: float = 0.0
    error: str = ""
    """Type of an error and where it was raised; never its text."""
    reasons: tuple[str, ...] = ()
    unknown_fields: tuple[str, ...] = ()
    note: str = ""


class RecoveryDone(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="recovery", tag_field="event"
):
    """Recovery asked what became of open effects of one session, or a late outcome arrived."""

    session: str
    what: str
    """settled, unknown, late, conflict, failed."""
    flow: str = ""
    tries: int = 0
    error: str = ""
    reasons: tuple[str, ...] = ()


class RequestRefused(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="request_refused", tag_field="event"
):
    """A request was not let in, or is not what the gateway's contract says. `reason` names fields, never values."""

    channel: str
    gateway: str
    status: int
    """The HTTP status of the answer; 429 once the client's address has had too many refusals."""
    reason: str


class Limited(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="limited", tag_field="event"
):
    """Somebody came more often than the policy's limits allow: not a turn, nothing was consumed."""

    channel: str
    gateway: str
    session: str = ""
    """As in `TurnDone`; empty for the channel's overall limit, which is checked before anything is looked up."""
    kind: str
    """address, member or overall: which limit it was."""
    retry_after: float
    """Seconds until the next one would be let through."""


class Swept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="swept", tag_field="event"):
    """A sweep of expired sessions is over."""

    count: int
    """Sessions that were removed."""
    seconds: float
    """From its beginning to its end, the pauses for live turns included."""
    error: str = ""
    """What ended it early, as in `TurnDone`; the next sweep goes on."""


class SessionEnded(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="session_ended", tag_field="event"
):
    """An operator ended a session."""

    session: str
    """As in `TurnDone`."""
    forced: bool = False
    """Also if something waited to be told."""


class CommandDone(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="command", tag_field="event"
):
    """An operator asked for something through the server's control socket."""

    command: str = ""
    """Its name; empty for a request that names none, and for the socket itself."""
    what: str
    """done, refused, failed, left (the operator went away before the end), or closed: there is no socket."""
    error: str = ""
    """What broke it, as in `TurnDone`."""


class Resealed(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="resealed", tag_field="event"
):
    """All that is stored was looked through for what retired keys have sealed."""

    count: int
    """Sessions that were sealed anew."""
    left: int | None = None
    """Sessions that still need a retired key; with 0 none is needed for what is sealed. Unknown after an error."""
    seconds: float
    """From its beginning to its end, the pauses for live turns included."""
    error: str = ""
    """What ended it early, as in `TurnDone`; it is done again."""


class Repeated(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="repeated", tag_field="event"
):
    """In place of log lines that were left out because there were too many alike. Only the log has it."""

    of: str
    """The event that was repeated."""
    channel: str
    gateway: str
    which: str
    """The status of refused requests, the limit, or where nothing was caught."""
    count: int
    """Lines that were left out."""
    seconds: float
    """Within so long."""


class LinkDone(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="linked", tag_field="event"
):
    """Addresses that had to wait were linked to their members, or taken from them."""

    made: int
    error: str = ""
    """What kept one of them, or ended the round early, as in `TurnDone`; the next one tries again."""


class MiddlewareFailed(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="middleware.failed", tag_field="event"
):
    """An app's middleware broke or took too long. Nobody's turn is the worse for it."""

    channel: str
    gateway: str
    session: str = ""
    """As in `TurnDone`, of the address that the inbound came from."""
    name: str
    """Of the middleware."""
    when: str
    """before the turn, which then did not take place: the member reads "unavailable, try again"; or after it, whose
    reply stands."""
    error: str
    """As in `TurnDone`."""


class Uncaught(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="uncaught", tag_field="event"
):
    """An error that nobody caught, or a warning, which Python would have printed with its text."""

    where: str
    """request, loop (a forgotten task, a callback), thread, finaliser or warning."""
    error: str
    """As in `TurnDone`."""


Event = (
    TurnDone
    | RecoveryDone
    | RequestRefused
    | Limited
    | Swept
    | Resealed
    | LinkDone
    | SessionEnded
    | CommandDone
    | MiddlewareFailed
    | Uncaught
    | Repeated
)
Publish = Callable[[Event], None]


def broadcast(subscribers: Sequence[Publish]) -> Publish:
    """One publisher for several subscribers. What a subscriber raises is dropped: it must not undo a turn."""

    def publish(event: Event) -> None:
        for subscriber in subscribers:
            with contextlib.suppress(Exception):
                subscriber(event)

    return publish


def described(error: BaseException | None) -> str:
    """An error for a log: its type and the place it came from. Its text may hold what a member typed, so it stays out.

    Errors of kikao's own that name a mistake in the code (their class says `SAFE = True`) show their text, if it was
    kikao that wrote it: an app may raise them, too.
    """
    if error is None:
        return ""
    frames: list[traceback.FrameSummary] = [*traceback.extract_tb(error.__traceback__)]
    ours = _is_ours(error, frames)
    if ours:  # a mistake in the app's code: where that called kikao
        frames = [frame for frame in frames if _is_an_apps(frame.filename)] or frames
    place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    text = f": {error}" if ours else ""
    return f"{type(error).__name__}{place}{text}"


def _is_ours(error: BaseException, frames: Sequence[traceback.FrameSummary]) -> bool:
    kind = type(error)
    if getattr(kind, "SAFE", False) is not True or not kind.__module__.startswith("kikao."):
        return False
    return not frames or frames[-1].filename.startswith(_KIKAO)


def _is_an_apps(file: str) -> bool:
    if file.startswith((_KIKAO, "<")):
        return False
    return not file.startswith(_PYTHON) or "site-packages" in file


_PYTHON = os.path.dirname(os.__file__) + os.sep
_KIKAO = os.path.dirname(os.path.dirname(__file__)) + os.sep
"""Where kikao's own code is."""
