"""Errors: those a member can understand (an enumeration, each with a way on), and those a flow's author must mend."""

from __future__ import annotations

import enum

from kikao.i18n.messages import Message, t


class ErrorCode(enum.StrEnum):
    """What can go wrong for a member. The names are stable: logs, metrics and translations use them."""

    SESSION_EXPIRED = "session_expired"
    INVALID_INPUT = "invalid_input"
    WRONG_SECRET = "wrong_secret"  # noqa: S105 - a code, not a secret
    INSUFFICIENT_BALANCE = "insufficient_balance"
    BACKEND_UNAVAILABLE = "backend_unavailable"
    BACKEND_TIMEOUT = "backend_timeout"
    LOCKED = "locked"
    LIMITED = "limited"
    UNKNOWN_OUTCOME = "unknown_outcome"
    REJECTED = "rejected"
    INTERNAL = "internal"


class WayOn(enum.Enum):
    """Where a member goes after an error."""

    SAME = "the same question again"
    EARLIER = "the last plain question before it"
    END = "the conversation ends; dialling again starts or continues it"


WAYS_ON = {
    ErrorCode.SESSION_EXPIRED: WayOn.END,
    ErrorCode.INVALID_INPUT: WayOn.SAME,
    ErrorCode.WRONG_SECRET: WayOn.SAME,
    ErrorCode.INSUFFICIENT_BALANCE: WayOn.EARLIER,
    ErrorCode.BACKEND_UNAVAILABLE: WayOn.SAME,
    ErrorCode.BACKEND_TIMEOUT: WayOn.SAME,
    ErrorCode.LOCKED: WayOn.END,
    ErrorCode.LIMITED: WayOn.END,
    ErrorCode.UNKNOWN_OUTCOME: WayOn.END,
    ErrorCode.REJECTED: WayOn.EARLIER,
    ErrorCode.INTERNAL: WayOn.SAME,
}

TEXTS = {
    ErrorCode.SESSION_EXPIRED: t("Session expired. Please start again."),
    ErrorCode.INVALID_INPUT: t("Invalid choice. Try again."),
    ErrorCode.WRONG_SECRET: t("Wrong PIN. Try again."),
    ErrorCode.INSUFFICIENT_BALANCE: t("Insufficient balance."),
    ErrorCode.BACKEND_UNAVAILABLE: t("Service unavailable. Try again later."),
    ErrorCode.BACKEND_TIMEOUT: t("The service took too long. Try again."),
    ErrorCode.LOCKED: t("Account locked. Please contact us."),
    ErrorCode.LIMITED: t("Too many attempts. Try again later."),
    ErrorCode.UNKNOWN_OUTCOME: t(
        "We are checking your request. Do not repeat it. Dial again to see the result."
    ),
    ErrorCode.REJECTED: t("The request was refused."),
    ErrorCode.INTERNAL: t("Something went wrong. Try again."),
}
"""The sentence that belongs to each code; a service may give a better one."""


class Invalid(Exception):
    """An answer that is not one. `text` tells the member what is wrong and what would be right."""

    def __init__(self, text: Message | None = None) -> None:
        super().__init__()
        self.text = text or TEXTS[ErrorCode.INVALID_INPUT]


class RefusedError(Exception):
    """Raised inside a flow by `step` and `secret` when the service refused; a flow may catch it and go on.

    Not caught, the engine shows the error and takes the way on of its code.
    """

    reason = ""
    """For the operator, without member data."""

    def __init__(self, code: ErrorCode, text: Message | None = None) -> None:
        super().__init__(code.value)
        self.code = code
        self.text = text or TEXTS[code]


class BackendError(Exception):
    """Raise it in a `read` or a validator when a service is away: the member sees it and may try again."""

    def __init__(self, code: ErrorCode = ErrorCode.BACKEND_UNAVAILABLE, text: Message | None = None) -> None:
        super().__init__(code.value)
        self.code = code
        self.text = text or TEXTS[code]


class Misuse(Exception):
    """A flow does what a durable conversation cannot do; the text names file, line and the cure."""

    SAFE = True
    """The text speaks of code, never of what a member typed."""


class OlderCode(Exception):
    """This worker runs older code than the one that wrote the journal: leave the conversation to a newer worker."""

    SAFE = True


class JournalFull(Misuse):
    """The journal reached its cap; the flow should `restart_with` what it needs to keep."""
