"""What an app says of its notifications: how long they are kept, of which kinds, and who hears of them who is away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

from kikao.notices.inbox.notification import Kinds, Notification

DAYS: Final = 90.0
MOST: Final = 1000

DAY: Final = 86_400.0

Away = Callable[[str, Notification], Awaitable[object]]
"""Tells a user otherwise, by SMS or by a push service, say; what it raises has it called again later."""


class Notifications:
    """The notifications of an app's users: `App(…, notifications=Notifications(away=text_them))`."""

    def __init__(
        self,
        *,
        kinds: Mapping[str, Any] | Collection[str] = (),
        away: Away | None = None,
        days: float = DAYS,
        most: int = MOST,
    ) -> None:
        """`kinds` are those there are, maybe with the type of their payload; without them any name is one.

        `away` is called with what is pushed to a user who has no session, and did not read it: at least once for each,
        and after it returned not again, unless this process dies in that moment. It gets 30 seconds. A notification is
        kept for `days`, and a user has the newest `most`.

        Raises `ValueError` for what is no kind, and where nothing would be kept.
        """
        if not days > 0 or most < 1:
            raise ValueError("Notifications: days and most must be more than 0")
        self.kinds: Final = Kinds(kinds)
        self.away: Final = away
        self.seconds: Final = days * DAY
        self.most: Final = most
