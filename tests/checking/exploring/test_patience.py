"""Turns that do not come back are ended."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from kikao.checking.exploring.patience import Patience, Stuck


def test_code_that_does_not_come_back_is_ended() -> None:
    with Patience(frozenset({__file__}), 0.05) as patience:
        with pytest.raises(Stuck), patience.turn():
            time.sleep(60)
        with patience.turn():
            pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_only_code_of_the_app_is_ended() -> None:
    with Patience(frozenset({"elsewhere.py"}), 0.01) as patience, patience.turn():
        time.sleep(0.1)


def test_an_alarm_of_somebody_else_is_left_alone() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        with Patience(frozenset({__file__}), 0.01) as patience, patience.turn():
            time.sleep(0.05)
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def test_another_thread_has_no_alarm() -> None:
    heard: list[str] = []

    def other() -> None:
        with Patience(frozenset({__file__}), 0.01) as patience, patience.turn():
            time.sleep(0.05)
        heard.append("whole")

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert heard == ["whole"]
