"""Turns that do not come back are ended."""

from __future__ import annotations

import signal
import threading

import pytest

from kikao.checking.exploring.patience import Patience, Stuck

OFF = (0.0, 0.0)
"""An alarm clock that is not set."""


def test_code_that_does_not_come_back_is_ended() -> None:
    with Patience(frozenset({__file__}), 0.05) as patience:
        with pytest.raises(Stuck), patience.turn():
            threading.Event().wait()
        with patience.turn():
            pass
    assert signal.getitimer(signal.ITIMER_REAL) == OFF
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_only_code_of_the_app_is_ended() -> None:
    with Patience(frozenset({"elsewhere.py"})) as patience, patience.turn():
        assert signal.getitimer(signal.ITIMER_REAL) > OFF
        signal.raise_signal(signal.SIGALRM)
    with Patience(frozenset({__file__})) as patience, pytest.raises(Stuck), patience.turn():
        signal.raise_signal(signal.SIGALRM)


def test_an_alarm_of_somebody_else_is_left_alone() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        with Patience(frozenset({__file__})) as patience, patience.turn():
            assert signal.getitimer(signal.ITIMER_REAL) == OFF
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def test_another_thread_has_no_alarm() -> None:
    set_to: list[tuple[float, float]] = []

    def other() -> None:
        with Patience(frozenset({__file__})) as patience, patience.turn():
            set_to.append(signal.getitimer(signal.ITIMER_REAL))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert set_to == [OFF]
