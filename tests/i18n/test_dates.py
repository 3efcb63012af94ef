"""Days and moments: values that are kept exactly, and shown by the clocks of one place."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.conversation.journal import decode_value, encode_value
from kikao.i18n import Catalogs, Day, Moment, t

NOON = 1_795_251_600
"""21 November 2026, 09:00 UTC: noon in Kampala."""

styles = st.sampled_from(["short", "long"])
days = st.builds(Day.of, st.dates(), styles)
zones = st.sampled_from(
    ["Africa/Kampala", "Africa/Lagos", "UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"]
)
moments = st.builds(Moment.of, st.integers(-(10**10), 10**11), zones, styles)

show = Catalogs().translate("en")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Day(2026, 11, 21), "21 Nov"),
        (Day(2026, 11, 1, "long"), "1 Nov 2026"),
        (Moment.of(NOON, "Africa/Kampala"), "21 Nov 12:00"),
        (Moment.of(NOON, "Africa/Lagos"), "21 Nov 10:00"),
        (Moment.of(NOON, "Africa/Kampala", "long"), "21 Nov 2026 12:00"),
        (Moment.of(NOON + 12 * 3600 + 5 * 60, "Africa/Kampala"), "22 Nov 00:05"),
        (Moment.of(-1, "UTC", "long"), "31 Dec 1969 23:59"),
    ],
)
def test_dates_are_written_as_short_as_they_can_be_read(value: Day | Moment, written: str) -> None:
    assert show(t("{when}", when=value)) == written


def test_a_day_is_made_of_a_date() -> None:
    assert Day.of(dt.date(2026, 11, 21)) == Day(2026, 11, 21)
    assert Day(2026, 11, 21).date() == dt.date(2026, 11, 21)


def test_a_moment_is_made_of_seconds_or_of_a_datetime_that_knows_its_offset() -> None:
    in_lagos = dt.datetime.fromisoformat("2026-11-21T10:00:00+01:00")

    assert (
        Moment.of(in_lagos, "Africa/Kampala") == Moment.of(NOON + 0.9, "Africa/Kampala") == Moment(NOON, 180)
    )


def test_the_day_of_a_moment_is_that_of_its_place() -> None:
    late = NOON + 12 * 3600

    assert Moment.of(late, "Africa/Kampala").day() == Day(2026, 11, 22)
    assert Moment.of(late, "Africa/Lagos", "long").day() == Day(2026, 11, 21, "long")


def test_the_offset_is_that_of_the_moment_where_clocks_are_changed() -> None:
    summer, winter = NOON - 150 * 86400, NOON

    assert Moment.of(summer, "Africa/Cairo").offset == 180
    assert Moment.of(winter, "Africa/Cairo").offset == 120


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Day(2026, 2, 29), "day"),
        (lambda: Day(2026, 13, 1), "month"),
        (lambda: Moment(10**15), "no calendar"),
        (lambda: Moment(0, 1440), "less than a day from UTC"),
        (lambda: Moment.of(1e300, "UTC"), "no calendar"),
        (lambda: Moment.of(float("nan"), "UTC"), "NaN"),
        (lambda: Moment.of(253_402_300_799, "Africa/Kampala"), "no calendar"),
        (lambda: Moment.of(0, "Kampala"), "no time zone 'Kampala'.*Africa/Kampala"),
        (lambda: Moment.of(0, "../../etc/passwd"), "no time zone"),
        (lambda: Moment.of(0, ""), "no time zone"),
        (lambda: Moment.of(dt.datetime(2026, 1, 1), "UTC"), "does not say in which zone"),  # noqa: DTZ001
    ],
)
def test_what_no_calendar_has_is_refused_where_it_is_made(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    "stored", [{"type": "d", "year": 2026, "month": 2, "day": 30}, {"type": "w", "at": 10**15}]
)
def test_what_is_read_from_a_store_is_a_day_or_an_error_but_never_breaks_a_screen(
    stored: dict[str, Any],
) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(stored, Day | Moment)


@given(st.one_of(days, moments, st.lists(days, min_size=1), st.lists(moments, min_size=1)))
def test_the_journal_gives_back_what_it_was_given(value: Any) -> None:
    assert decode_value(*encode_value(value, "here")) == value


@given(st.one_of(days, moments))
def test_a_date_survives_being_stored_in_a_sentence(value: Day | Moment) -> None:
    message = t("On {when}", when=value)

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=type(message)) == message


@given(moments)
def test_a_moment_is_on_its_day_and_its_clock_says_which_moment_it_is(moment: Moment) -> None:
    clock = moment.clock()

    assert moment.day().date() == clock.date()
    assert (clock - dt.timedelta(minutes=moment.offset)).replace(tzinfo=dt.UTC).timestamp() == moment.at
    assert show(t("{when}", when=moment)) == f"{show(t('{day}', day=moment.day()))} {clock:%H:%M}"
