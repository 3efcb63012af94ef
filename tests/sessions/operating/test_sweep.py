"""A sweep that an operator asks for."""

from __future__ import annotations

import pytest

from kikao.control import CommandRefused
from kikao.events import SweepDone
from tests.sessions.operating.shop import BEN, Office


async def test_what_has_expired_is_swept_at_once_and_counted(office: Office) -> None:
    for n in range(1, 4):
        await office.phone(f"+25677200000{n}").dial()
    office.process.clock.advance(300)
    await office.phone(BEN).dial()

    assert await office.sweep() == 3
    assert await office.sweep() == 0
    assert await office.stored() == 1
    assert [event.count for event in office.process.events if isinstance(event, SweepDone)] == [3, 0]


async def test_a_sweep_that_ends_early_says_so(office: Office) -> None:
    office.process.store.unavailable = True
    with pytest.raises(CommandRefused, match=r"the sweep ended early \(StoreUnavailable"):
        await office.sweep()
