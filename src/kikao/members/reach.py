"""What is known of one address on one line: whether, and how, it may be written to. Facts with times, in any order.

A *line* is a way out: a channel and a number or bot of ours, `whatsapp/cloud-api`, `telegram/bot-api`. What providers
and members tell of it comes late, twice and in any order. So nothing here is a state that an event changes: each kind
of fact is kept with the latest time it was told of, and the standing is read from these times. Telling in another
order, or again, comes to the same.

Times are seconds since the epoch, 0 for never. Sources: `131026` and the like are codes of the WhatsApp Cloud API
(error reference of Meta's documentation), 403 and `my_chat_member` are of the Telegram Bot API.
"""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

Standing = Literal["open", "blocked", "gone", "stopped"]
"""`blocked` by the member (Telegram 403), `gone` (deleted, or not on this channel: 131026), `stopped` with STOP."""

Told = Literal[
    "blocked",
    "gone",
    "unblocked",
    "stopped",
    "started",
    "refuses_marketing",
    "allows_marketing",
    "paused",
]
"""`unblocked` takes back `blocked` and `gone` without a message; `started` is START. Of marketing alone: refused
(131050, `user_preferences`), allowed (an opt-in), and `paused` by the provider (131049)."""

Purpose = Literal["reply", "notice", "marketing", "confirmation"]
"""Why it is written: an answer to what the member wrote; what concerns the member; advertising; what tells that a STOP
was heard."""

Reason = Literal["blocked", "gone", "stopped", "marketing_refused", "marketing_paused", "window_closed"]
"""Why not. Short, and safe to log."""

DAY: Final = 86_400.0

WINDOWS: Final = {"whatsapp": DAY}
"""By channel: so long after the member last wrote a provider takes free text, and then only templates (131047)."""

KINDS: Final = {"whatsapp": "whatsapp", "telegram": "telegram", "sms": "msisdn", "socket": "user"}
"""The kind of address that a channel writes to."""

PAUSE: Final = DAY
"""What a pause of marketing takes unless it is told: 131049 asks for a day at least."""

CONFIRMED_WITHIN: Final = 300.0
"""Seconds after a STOP in which it may be confirmed."""

_LINE = re.compile(r"[a-z][a-z0-9-]*(/[A-Za-z0-9+._-]{1,64}){1,2}").fullmatch
_CODE = re.compile(r"[a-z0-9_.-]{0,64}").fullmatch


class Mark(msgspec.Struct, frozen=True, order=True):
    """When something was, and the code of why."""

    at: float = 0.0
    reason: str = ""


class Window(msgspec.Struct, frozen=True):
    """In which free text is taken."""

    is_open: bool
    until: float
    """When it closes, or closed; 0 where the member never wrote."""


class Yes(msgspec.Struct, frozen=True):
    """It may be written to, in any words."""

    until: float | None = None
    """When the line takes free text no more; None where it always does."""


class OnlyTemplate(msgspec.Struct, frozen=True):
    """It may be written to, with an approved template."""

    reason: Reason = "window_closed"


class No(msgspec.Struct, frozen=True):
    """It is not written to."""

    reason: Reason
    until: float | None = None
    """When it may be again; None where only the member can change it."""


Verdict = Yes | OnlyTemplate | No


class Reach(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that was told of one address on one line: of each kind the latest."""

    heard_at: float = 0.0
    """When the member last wrote, by the provider's clock. What is stored is at most an hour less."""
    blocked: Mark = Mark()
    gone: Mark = Mark()
    unblocked_at: float = 0.0
    stopped: Mark = Mark()
    started_at: float = 0.0
    refused: Mark = Mark()
    allowed_at: float = 0.0
    paused: Mark = Mark()
    """Until when there is no marketing, and why."""

    # --- taking in ---

    def heard(self, at: float) -> Reach:
        """The member wrote."""
        return self if at <= self.heard_at else msgspec.structs.replace(self, heard_at=at)

    def told(self, what: Told, at: float, reason: str = "", *, until: float | None = None) -> Reach:
        """Something was told that was so at that time; `until` is of `paused`. Raises `ValueError`."""
        match what:
            case "blocked" | "gone" | "stopped" | "refuses_marketing":
                name, mark = _FIELD_OF.get(what, what), Mark(at, code(reason))
                return self if mark <= getattr(self, name) else msgspec.structs.replace(self, **{name: mark})
            case "paused":
                mark = Mark(at + PAUSE if until is None else until, code(reason))
                return self if mark <= self.paused else msgspec.structs.replace(self, paused=mark)
            case "unblocked" | "started" | "allows_marketing":
                name = f"{_FIELD_OF.get(what, what)}_at"
                return self if at <= getattr(self, name) else msgspec.structs.replace(self, **{name: at})
        raise ValueError(f"reach: nothing is told with {str(what)[:32]!r}")

    def with_all(self, other: Reach) -> Reach:
        """What both know."""
        return Reach(**{name: max(getattr(self, name), getattr(other, name)) for name in _FIELDS})

    # --- reading ---

    @property
    def standing(self) -> Standing:
        """How it stands. STOP comes first, for only START takes it back; of the others the later one."""
        return self._stands[0]

    @property
    def since(self) -> float:
        """Since when it stands so; 0 where it is open."""
        return self._stands[1].at

    @property
    def reason(self) -> str:
        """The code of why it stands so; empty where none was told."""
        return self._stands[1].reason

    @property
    def refuses_marketing(self) -> bool:
        """Whether the member wants no marketing here."""
        return 0.0 < self.refused.at >= self.allowed_at

    @property
    def latest(self) -> float:
        """When something was last told; a pause counts until it is over."""
        return max(
            self.heard_at,
            self.blocked.at,
            self.gone.at,
            self.unblocked_at,
            self.stopped.at,
            self.started_at,
            self.refused.at,
            self.allowed_at,
            self.paused.at,
        )

    def window(self, now: float, length: float = DAY) -> Window:
        """Whether free text is taken so long after the member last wrote, and until when."""
        until = self.heard_at + length if self.heard_at else 0.0
        return Window(now < until, until)

    def may(self, purpose: Purpose, now: float, *, window: float | None = None) -> Verdict:
        """Whether it may be written to. `window` is the length of the line's, None where it has none: see `WINDOWS`."""
        standing = self.standing
        confirms = (
            purpose == "confirmation" and standing == "stopped" and now - self.since <= CONFIRMED_WITHIN
        )
        if standing == "stopped" and purpose == "reply" and self.heard_at > self.since:
            standing = self._besides[0]  # they stopped what they do not ask for, and have asked for this
        if standing != "open" and not confirms:
            return No(standing)
        if purpose == "marketing":
            if self.refuses_marketing:
                return No("marketing_refused")
            if now < self.paused.at:
                return No("marketing_paused", self.paused.at)
        if window is None:
            return Yes()
        free = self.window(now, window)
        return Yes(free.until) if free.is_open else OnlyTemplate()

    @property
    def _stands(self) -> tuple[Standing, Mark]:
        if 0.0 < self.stopped.at >= self.started_at:
            return "stopped", self.stopped
        return self._besides

    @property
    def _besides(self) -> tuple[Standing, Mark]:
        """How it would stand without a STOP."""
        lifted_at = max(self.heard_at, self.unblocked_at)
        # On one second it stays shut: the next thing that the member writes opens it.
        last, name = max((self.blocked, "blocked"), (self.gone, "gone"))
        if not 0.0 < last.at >= lifted_at:
            return "open", Mark()
        return ("gone" if name == "gone" else "blocked"), last


_FIELD_OF: Final = {"refuses_marketing": "refused", "allows_marketing": "allowed"}
_FIELDS: Final = Reach.__struct_fields__


def checked_line(line: str) -> str:
    """A line, if the text names one: `channel/gateway`, or `channel/gateway/number`. Raises `ValueError`."""
    if not _LINE(line):
        raise ValueError(f"reach: {line[:64]!r} is no line, like whatsapp/cloud-api")
    return line


def code(reason: str) -> str:
    """A reason, if it is a short code: `131026`, `forbidden`. Raises `ValueError`, which does not show it."""
    if not _CODE(reason):
        raise ValueError("reach: a reason is a code of at most 64 of a-z, 0-9, _ . and -")
    return reason


def window_of(line: str) -> float | None:
    """How long after the member last wrote a line takes free text, in seconds; None where it always does."""
    return WINDOWS.get(line.partition("/")[0])
