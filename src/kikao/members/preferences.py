"""What a member prefers: which languages and time zones are taken, and what a phone number tells of its owner's."""

from __future__ import annotations

import datetime as dt
import functools
import re
import zoneinfo
from collections.abc import Sequence
from typing import Final

from kikao.members.addresses import MemberAddress

_LOCALE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,4}").fullmatch

NO_PLACES: Final = frozenset({"Factory", "localtime"})
"""Names of the time zone database that mean "not set" and "as on this machine"."""


def checked_locale(code: str) -> str:
    """The code of a language (BCP 47, like `sw` or `lg-UG`), or empty for none. Raises `ValueError`."""
    if code and not _LOCALE(code):
        raise ValueError(f"members: {code[:64]!r} is no code of a language, like sw or lg-UG")
    return code


def checked_timezone(name: str) -> str:
    """The name of a zone of the IANA time zone database, or empty for none. Raises `ValueError`."""
    if name and name not in _names():
        hint = "" if _names() else " This machine has no time zones at all: pip install tzdata."
        raise ValueError(f"members: {name[:64]!r} is no time zone, like Africa/Kampala.{hint}")
    return name


def timezone_of(address: MemberAddress) -> str:
    """The zone that a phone number stands for; empty where it stands for none, or for several that differ.

    Several are one when their clocks agree in summer and in winter, as those of the British Isles do.
    """
    if address.kind != "msisdn":
        return ""
    # https://github.com/google/libphonenumber, resources/timezones; loaded by the first call.
    import phonenumbers
    import phonenumbers.timezone

    try:
        number = phonenumbers.parse(address.identity)
    except phonenumbers.NumberParseException:
        return ""
    return _agreed([zone for zone in phonenumbers.timezone.time_zones_for_number(number) if zone in _names()])


def _agreed(zones: Sequence[str]) -> str:
    return zones[0] if len({_clock(zone) for zone in zones}) == 1 else ""


@functools.cache
def _clock(zone: str) -> tuple[dt.timedelta | None, ...]:
    """How far a zone is from UTC, winter and summer of this year."""
    year, here = dt.datetime.now(dt.UTC).year, zoneinfo.ZoneInfo(zone)
    return tuple(dt.datetime(year, month, 1, tzinfo=here).utcoffset() for month in (1, 7))


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones() - NO_PLACES)
