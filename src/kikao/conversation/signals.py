"""What a flow yields to the runner when its turn is over, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kikao.conversation.errors import ErrorCode
from kikao.conversation.journal import Pending
from kikao.conversation.screens import Said
from kikao.conversation.suspension import Signal
from kikao.i18n.messages import Text


class Asked(Signal):
    """Suspended at a question; `notices` are told with it."""

    __slots__ = ("notices", "pending")

    def __init__(self, pending: Pending, notices: list[Text]) -> None:
        self.pending = pending
        self.notices = notices


class Ended(Signal):
    """The conversation is over; `error` is set when too many answers were invalid."""

    __slots__ = ("error", "texts")

    def __init__(self, texts: Sequence[Said], error: ErrorCode | None = None) -> None:
        self.texts = texts
        self.error = error


class Moved(Signal):
    """The run goes on as a fresh run of a flow, without the journal; `args` are encoded, `texts` still to be shown."""

    __slots__ = ("args", "flow", "texts")

    def __init__(self, flow: str, args: dict[str, tuple[str, Any]], texts: Sequence[Said]) -> None:
        self.flow = flow
        self.args = args
        self.texts = texts


class Changed(Signal):
    """The code changed since the last turn and an effect comes next: the member must look at a question first."""

    __slots__ = ("detail",)

    def __init__(self, detail: str) -> None:
        self.detail = detail


class Parked(Signal):
    """The journal and the code no longer agree at or before an effect that is done."""

    __slots__ = ("detail",)

    def __init__(self, detail: str) -> None:
        self.detail = detail
