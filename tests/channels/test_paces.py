"""How fast lines send: never more than a provider takes, however its seconds are cut."""

from __future__ import annotations

import pytest

from kikao.channels.outbox.sender import Pace
from kikao.channels.sms.smpp import SmppSms
from kikao.channels.telegram import sender as telegram
from kikao.channels.whatsapp import sender as whatsapp
from kikao.config import Hidden
from kikao.config.settings import SmsSettings
from kikao.sessions.stores.pacing import Paces


def most_within(pace: Pace, seconds: float, sent: int) -> int:
    """How many leave in any so many seconds, where all leave as soon as they may."""
    paces, now = Paces(), 1_000.0
    times: list[float] = []
    while len(times) < sent:
        wait = paces.ask("line", now, pace.interval, pace.burst)
        if wait:
            now += max(wait, 1e-6)
        else:
            times.append(now)
    return max(sum(begin <= time < begin + seconds for time in times) for begin in times)


@pytest.mark.parametrize(
    ("pace", "most", "seconds", "late"),
    [
        (telegram.PACE, 30, 1.0, 0.05),
        (telegram.CHAT, 1, 1.0, 0.05),
        (telegram.GROUP, 20, 60.0, 10.0),
        (whatsapp.PACE, 80, 1.0, 0.05),
        (whatsapp.PAIR, 45, 270.0, 10.0),
    ],
)
def test_no_limit_is_exceeded_in_any_window(pace: Pace, most: int, seconds: float, late: float) -> None:
    """Nor where the first of them arrive so much later than the others, on the way or behind others of their line."""
    assert most_within(pace, seconds + late, 200) <= most


@pytest.mark.parametrize("rate", [1, 2, 10, 100])
def test_nor_is_that_of_an_sms_account(rate: int) -> None:
    given = {"host": "smsc.example.com", "system_id": "kikao", "password": "x", "per_second": str(rate)}
    options = {name: Hidden(value.encode()) for name, value in given.items()}
    pace = SmppSms(SmsSettings(sender="22384", options=options)).pace
    assert pace is not None
    assert rate * 0.85 < most_within(pace, 1.0, 5 * rate) <= rate
