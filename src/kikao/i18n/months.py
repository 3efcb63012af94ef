"""How days and moments are written: `21 Nov`, `21 Nov 2026`, `21 Nov 14:05`; hours count to 24.

The names of months and the order of the parts are sentences, so each language has its own in its catalog, and nothing
of CLDR is needed at run time. Ours are CLDR's abbreviations, which stay inside the GSM 7-bit alphabet.
"""

from __future__ import annotations

from typing import Final

from kikao.i18n.dates import Day, Moment
from kikao.i18n.messages import Message, t

MONTHS: Final = (
    t("Jan"),
    t("Feb"),
    t("Mar"),
    t("Apr"),
    t("May"),
    t("Jun"),
    t("Jul"),
    t("Aug"),
    t("Sep"),
    t("Oct"),
    t("Nov"),
    t("Dec"),
)


def date_text(value: Day | Moment) -> Message:
    """The sentence that writes a day or a moment."""
    if isinstance(value, Moment):
        clock = value.clock()
        time = f"{clock.hour:02}:{clock.minute:02}"
        return t("{date} {time}", date=date_text(Day.of(clock, value.style)), time=time)
    month = MONTHS[value.month - 1]
    if value.style == "long":
        return t("{day} {month} {year}", day=value.day, month=month, year=value.year)
    return t("{day} {month}", day=value.day, month=month)
