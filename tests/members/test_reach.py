"""What may be written to an address: the rules one by one, and the laws that hold whatever comes in whatever order."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.members.reach import (
    CONFIRMED_WITHIN,
    DAY,
    Mark,
    No,
    OnlyTemplate,
    Purpose,
    Reach,
    Told,
    Window,
    Yes,
    checked_line,
    code,
    window_of,
)

NOW = 1_000_000.0
OPEN = Reach(heard_at=NOW)


# --- how an address stands ---


def test_an_address_of_which_nothing_is_known_is_open() -> None:
    assert Reach().standing == "open"
    assert Reach().may("notice", NOW) == Yes()


@pytest.mark.parametrize("what", ["blocked", "gone"])
def test_it_is_shut_until_the_member_writes(what: Literal["blocked", "gone"]) -> None:
    shut = OPEN.told(what, NOW + 1, "131026")
    assert (shut.standing, shut.since, shut.reason) == (what, NOW + 1, "131026")
    for purpose in ("reply", "notice", "marketing", "confirmation"):
        assert shut.may(purpose, NOW + 2) == No(what)
    assert shut.heard(NOW + 0.5).standing == what, "that was before"
    assert shut.heard(NOW + 1).standing == what, "on one second it stays shut"
    assert shut.heard(NOW + 2).standing == "open"
    assert shut.heard(NOW + 2).may("notice", NOW + 2) == Yes()


def test_who_unblocks_is_open_again_without_a_word_and_without_a_window() -> None:
    back = Reach().told("blocked", NOW).told("unblocked", NOW + 5)
    assert back.standing == "open"
    assert not back.window(NOW + 5).is_open


def test_of_blocked_and_gone_the_later_one_is_told() -> None:
    both = OPEN.told("gone", NOW + 2, "x").told("blocked", NOW + 1, "y")
    assert (both.standing, both.reason) == ("gone", "x")
    assert both.told("blocked", NOW + 3).standing == "blocked"


def test_stop_is_taken_back_by_start_alone() -> None:
    stopped = OPEN.told("stopped", NOW + 1)
    assert stopped.may("reply", NOW + 50) == No("stopped")
    assert stopped.heard(NOW + 50).may("notice", NOW + 50) == No("stopped")
    assert stopped.heard(NOW + 50).standing == "stopped"
    assert stopped.told("unblocked", NOW + 50).standing == "stopped"
    assert stopped.told("allows_marketing", NOW + 50).standing == "stopped"
    assert stopped.told("started", NOW).standing == "stopped", "that was before"
    assert stopped.told("started", NOW + 2).standing == "open"
    assert stopped.told("started", NOW + 2).told("stopped", NOW + 3).standing == "stopped"


def test_who_writes_after_a_stop_is_answered_and_gets_nothing_else() -> None:
    stopped = OPEN.told("stopped", NOW + 1).heard(NOW + 2)
    assert stopped.may("reply", NOW + 3) == Yes()
    assert stopped.may("marketing", NOW + 3) == No("stopped")
    assert stopped.told("gone", NOW + 3).may("reply", NOW + 4) == No("gone")


def test_stop_says_more_than_blocked_and_start_takes_back_no_block() -> None:
    both = OPEN.told("stopped", NOW + 1).told("blocked", NOW + 2)
    assert both.standing == "stopped"
    assert both.told("started", NOW + 3).standing == "blocked"


def test_a_stop_is_confirmed_at_once_or_not_at_all() -> None:
    stopped = OPEN.told("stopped", NOW)
    assert stopped.may("confirmation", NOW + CONFIRMED_WITHIN) == Yes()
    assert stopped.may("confirmation", NOW + CONFIRMED_WITHIN + 1) == No("stopped")


# --- marketing ---


def test_marketing_that_was_refused_leaves_the_rest() -> None:
    refused = OPEN.told("refuses_marketing", NOW, "131050")
    assert refused.may("marketing", NOW) == No("marketing_refused")
    assert refused.may("notice", NOW) == Yes()
    assert refused.heard(NOW + 1).may("marketing", NOW + 1) == No("marketing_refused"), "writing is no opt-in"
    assert refused.told("allows_marketing", NOW + 1).may("marketing", NOW + 1) == Yes()


def test_a_pause_ends_by_itself() -> None:
    paused = OPEN.told("paused", NOW, "131049")
    assert paused.may("marketing", NOW + 1) == No("marketing_paused", NOW + DAY)
    assert paused.may("notice", NOW + 1) == Yes()
    assert paused.may("marketing", NOW + DAY) == Yes()
    assert paused.told("paused", NOW + 5, until=NOW + 60).paused == paused.paused, "the longer one counts"


# --- the window ---


def test_free_text_is_taken_for_a_day_after_the_member_wrote() -> None:
    assert OPEN.window(NOW) == Window(True, NOW + DAY)
    assert OPEN.window(NOW + DAY) == Window(False, NOW + DAY)
    assert OPEN.window(NOW + 10, 10.0) == Window(False, NOW + 10)
    assert Reach().window(NOW) == Window(False, 0.0)
    for purpose in ("reply", "notice", "marketing", "confirmation"):
        assert OPEN.may(purpose, NOW + 5, window=DAY) == Yes(NOW + DAY)
        assert OPEN.may(purpose, NOW + DAY, window=DAY) == OnlyTemplate()
        assert Reach().may(purpose, NOW, window=DAY) == OnlyTemplate()


def test_only_whatsapp_has_a_window() -> None:
    assert window_of("whatsapp/cloud-api") == DAY
    assert window_of("telegram/bot-api") is window_of("sms/africastalking") is None


# --- names ---


@pytest.mark.parametrize(
    "line", ["whatsapp/cloud-api", "whatsapp/cloud-api/10203", "sms/africastalking/+2567"]
)
def test_a_line_is_a_channel_and_a_way_out(line: str) -> None:
    assert checked_line(line) == line


@pytest.mark.parametrize(
    "line", ["", "whatsapp", "a/b/c/d", "a/ b", "+256772000001", "a/", "sms/" + "x" * 65]
)
def test_anything_else_is_no_line(line: str) -> None:
    with pytest.raises(ValueError, match="is no line"):
        checked_line(line)


@pytest.mark.parametrize("reason", ["Bot was blocked by Asha", "x" * 65, "+256772000001"])
def test_a_reason_is_a_code_and_is_not_shown_when_it_is_none(reason: str) -> None:
    with pytest.raises(ValueError, match="a reason is a code") as refused:
        OPEN.told("blocked", NOW, reason)
    assert reason not in str(refused.value)
    assert code("131026") == "131026"


def test_nothing_else_is_told() -> None:
    with pytest.raises(ValueError, match="nothing is told with"):
        OPEN.told("eaten", NOW)  # type: ignore[arg-type]


# --- laws ---

TIMES = st.integers(1, 12).map(float)
TOLD: st.SearchStrategy[Told] = st.sampled_from(
    ["blocked", "gone", "unblocked", "stopped", "started", "refuses_marketing", "allows_marketing", "paused"]
)
News = tuple[str, float, str]
NEWS: st.SearchStrategy[News] = st.tuples(
    st.one_of(st.just("heard"), TOLD), TIMES, st.sampled_from(["", "a", "b"])
)
PURPOSES: st.SearchStrategy[Purpose] = st.sampled_from(["reply", "notice", "marketing"])


def after(news: list[News], known: Reach = Reach()) -> Reach:  # noqa: B008 - frozen
    for what, at, reason in news:
        known = known.heard(at) if what == "heard" else known.told(what, at, reason)  # type: ignore[arg-type]
    return known


@given(st.lists(NEWS, max_size=8), st.data())
def test_in_another_order_or_told_twice_it_comes_to_the_same(news: list[News], data: st.DataObject) -> None:
    again = data.draw(
        st.permutations(news + data.draw(st.lists(st.sampled_from(news)) if news else st.just([])))
    )
    assert after(again) == after(news)


@given(st.lists(NEWS, max_size=6), st.lists(NEWS, max_size=6))
def test_what_two_processes_know_is_what_one_would(one: list[News], other: list[News]) -> None:
    assert after(one).with_all(after(other)) == after(other).with_all(after(one)) == after(one + other)


@given(st.lists(NEWS, max_size=8), PURPOSES)
def test_nobody_is_written_to_whose_last_word_was_no(news: list[News], purpose: Purpose) -> None:
    """Told the slow way: by what came last, of what shuts and of what opens."""

    def last(*whats: str) -> float:
        return max((at for what, at, _ in news if what in whats), default=0.0)

    stopped = 0 < last("stopped") >= last("started")
    if purpose == "reply":
        stopped = stopped and last("stopped") >= last("heard")
    shut = stopped or 0 < last("blocked", "gone") >= last("heard", "unblocked")
    shut = shut or (purpose == "marketing" and 0 < last("refuses_marketing") >= last("allows_marketing"))
    verdict = after(news).may(purpose, 2 * DAY)
    assert isinstance(verdict, No) == shut


@given(st.lists(NEWS, max_size=8), TIMES, PURPOSES)
def test_only_what_the_member_does_opens(news: list[News], at: float, purpose: Purpose) -> None:
    """No report of a provider ever makes a no a yes."""
    known = after(news)
    if isinstance(known.may(purpose, 2 * DAY), No):
        for what in ("blocked", "gone", "refuses_marketing", "paused", "stopped"):
            assert isinstance(known.told(what, at, "a").may(purpose, 2 * DAY), No)


@given(st.lists(NEWS, max_size=8), TIMES)
def test_what_is_latest_is_no_older_than_any(news: list[News], at: float) -> None:
    known = after(news)
    times = [DAY + at if what == "paused" else at for what, at, _ in news]
    assert known.latest == max(times, default=0.0)
    assert known.with_all(Reach(gone=Mark(at))).latest >= known.latest
