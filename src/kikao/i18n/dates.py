"""Days and moments as values: what a sentence shows of a date, written in each language by `kikao.i18n.months`."""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal

import msgspec

Style = Literal["short", "long"]
"""`short` leaves the year out (`21 Nov`), `long` has it (`21 Nov 2026`)."""


class Day(msgspec.Struct, frozen=True, tag="d", omit_defaults=True, gc=False):
    """A day of the calendar, wherever one is: `Day(2026, 11, 21)` is written `21 Nov`.

    Raises `ValueError` for a day that does not exist.
    """

    year: int
    month: int
    day: int
    style: Style = "short"

    def __post_init__(self) -> None:
        self.date()

    @classmethod
    def of(cls, date: dt.date, style: Style = "short") -> Day:
        """The day of a `date`, such as the answer to a `Date` question."""
        return cls(date.year, date.month, date.day, style)

    def date(self) -> dt.date:
        """The same as a `date`."""
        return dt.date(self.year, self.month, self.day)


class Moment(msgspec.Struct, frozen=True, tag="w", omit_defaults=True, gc=False):
    """A moment as the clocks of one place show it: `21 Nov 14:05`. Make one with `Moment.of`.

    `at` counts seconds since the epoch, `offset` how many minutes the clocks are ahead of UTC. The offset is kept, not
    the name of the zone: what is kept is written the same for ever, without a look-up that could fail.

    Raises `ValueError` for what no calendar has.
    """

    at: int
    offset: int = 0
    style: Style = "short"

    def __post_init__(self) -> None:
        if not -DAY < self.offset < DAY:
            raise ValueError(f"clocks are less than a day from UTC, not {self.offset} minutes")
        try:
            self.clock()
        except OverflowError:
            raise ValueError(f"no calendar has the moment {self.at} seconds from the epoch") from None

    @classmethod
    def of(cls, at: float | dt.datetime, zone: str, style: Style = "short") -> Moment:
        """A moment as shown by the clocks of a time zone, by its IANA name (`Africa/Kampala`).

        `at` is seconds since the epoch, or a `datetime` that knows its offset. Raises `ValueError` for an unknown zone
        or a `datetime` without offset.
        """
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            clocks = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f"there is no time zone {zone!r}: give an IANA name, such as Africa/Kampala"
            ) from None
        if isinstance(at, dt.datetime) and at.tzinfo is None:
            raise ValueError(f"{at} does not say in which zone it is: give seconds, or an aware datetime")
        try:
            there = (
                at.astimezone(clocks)
                if isinstance(at, dt.datetime)
                else dt.datetime.fromtimestamp(at, clocks)
            )
        except (OverflowError, OSError):
            raise ValueError(f"no calendar has the moment {at}") from None
        offset = there.utcoffset() or dt.timedelta()
        return cls(int(there.timestamp() // 1), int(offset.total_seconds() // 60), style)

    def clock(self) -> dt.datetime:
        """What the clocks there show, as a `datetime` without zone."""
        return EPOCH + dt.timedelta(seconds=self.at, minutes=self.offset)

    def day(self) -> Day:
        """The day it is there."""
        return Day.of(self.clock(), self.style)


EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - a clock of any place
DAY: Final = 24 * 60
"""Minutes."""
