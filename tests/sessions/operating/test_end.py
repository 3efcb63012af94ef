"""Sessions that an operator ends: never with an open effect, and untold only by force."""

from __future__ import annotations

import asyncio
import re

import pytest

from kikao.control import CommandRefused
from kikao.conversation import Done, Unknown
from kikao.events import SessionEnded
from kikao.sessions import operating
from kikao.sessions.sealing import KeyRing
from kikao.sessions.views import Ended
from tests.sessions.operating.shop import ASHA, Office
from tests.talk import KEY


async def test_a_session_is_ended_and_the_member_starts_again(office: Office) -> None:
    talk = office.phone()
    await talk.dial()
    await talk.say("Tea")
    (line,) = await office.lines()

    assert await office.end(ASHA) == Ended(line.key, line.id)

    assert ended(office) == [(line.key, "shop", "count#1", "operator", False)]
    assert (await talk.say("2")).startswith("Session expired. Please start again.\nWhat, Mwangaza?")
    (after,) = await office.lines()
    assert after.id != line.id


async def test_nothing_of_it_is_left_but_where_the_member_is(office: Office) -> None:
    talk = office.phone()
    await talk.dial()
    asked = await talk.say("Serengeti")
    before = (await office.show(ASHA)).line

    await office.end(ASHA)

    detail = await office.show(before.key)
    assert (detail.runs, detail.data, detail.notices, detail.over) == ((), (), 0, True)
    assert detail.line.id not in ("", before.id)
    assert (detail.line.member, detail.line.expired, detail.line.waiting) == ("", True, False)
    assert not await office.process.holds("Serengeti")
    assert await talk.send() == asked, "a copy of the last message gets its bytes, and is not done again"
    office.process.clock.advance(19)
    assert await office.sweep() == 0
    assert await talk.send() == asked
    office.process.clock.advance(1)
    assert await office.sweep() == 1


async def test_ending_twice_does_no_harm(office: Office) -> None:
    talk = office.phone()
    await talk.dial()
    first = await office.end(ASHA)
    assert (await office.end(ASHA)).key == first.key
    assert (await talk.dial()).startswith("What, Mwangaza?")


async def test_an_open_effect_is_never_taken_away(office: Office) -> None:
    talk = office.phone()
    office.service.outcome = Unknown("timeout")
    await talk.dial()
    await talk.say("Tea", "2", "2580")

    for force in (False, True):
        with pytest.raises(CommandRefused, match="an effect of it is open"):
            await office.end(ASHA, force=force)

    assert await office.stored() == 1


async def test_an_outcome_that_waits_to_be_told_is_ended_only_by_force(office: Office) -> None:
    talk = office.phone()
    office.service.outcome = Unknown("timeout")
    await talk.dial()
    await talk.say("Tea", "2", "2580")
    office.process.clock.advance(5)
    office.service.outcome = Done("R1")
    await office.process.recovery.once()

    with pytest.raises(CommandRefused, match=r"waits to be told to the member\. --force ends it untold"):
        await office.end(ASHA)
    assert await office.stored() == 1
    (line,) = await office.lines()
    assert await office.end(ASHA, force=True) == Ended(line.key, line.id)
    assert not (await office.show(ASHA)).line.waiting
    (told,) = ended(office)
    assert (told[0], *told[3:]) == (line.key, "operator", True)


async def test_what_cannot_be_opened_is_ended_only_by_force(office: Office) -> None:
    ring = office.process.sessions.ring
    office.process.sessions.ring = KeyRing({"lost": bytes(31) + b"x", "test": KEY}, lookup="test")
    await office.phone(ASHA).dial()
    office.process.sessions.ring = ring
    (line,) = await office.lines()

    with pytest.raises(CommandRefused, match=r"cannot be opened: .* --force removes it"):
        await office.end(line.key)
    assert await office.end(line.key, force=True) == Ended(line.key)
    assert await office.stored() == 0


async def test_a_turn_at_work_comes_first(office: Office) -> None:
    talk = office.phone()
    office.service.go_on.clear()
    await talk.dial()
    await talk.say("Tea", "2")
    paying = asyncio.create_task(talk.say("2580"))
    await office.service.called.wait()
    ending = asyncio.create_task(office.end(ASHA, force=True))
    office.service.go_on.set()

    assert await paying == "Done"
    await ending
    assert (await office.show(ASHA)).over


async def test_a_turn_that_takes_too_long_is_not_cut_off(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "PATIENCE", 0.01)
    talk = office.phone()
    office.service.go_on.clear()
    await talk.dial()
    await talk.say("Tea", "2")
    paying = asyncio.create_task(talk.say("2580"))
    await office.service.called.wait()
    with pytest.raises(CommandRefused, match="a turn is at work in it; try again"):
        await office.end(ASHA)
    office.service.go_on.set()
    assert await paying == "Done"


async def test_whoever_is_first_a_member_never_notices_more_than_an_ended_session(office: Office) -> None:
    talk = office.phone()
    for _ in range(20):
        await talk.dial()
        said, ended = await asyncio.gather(talk.say("Tea"), office.end(ASHA))
        assert re.match("How many Tea|Session expired", said), said
        detail = await office.show(ended.key)
        assert detail.line.id != ended.id
        assert detail.over == said.startswith("How many Tea")


async def test_a_store_that_does_not_answer_is_told_and_the_lease_is_given_back(office: Office) -> None:
    await office.phone().dial()
    store = office.process.store
    for stored in (True, False):
        store.unanswered = ("commit", store.calls["commit"] + 1, stored)
        with pytest.raises(CommandRefused, match="the store did not confirm it"):
            await office.end(ASHA)
    store.unanswered = None
    assert (await office.end(ASHA)).key == (await office.show(ASHA)).line.key


def ended(office: Office) -> list[tuple[str, str, str, str, bool]]:
    """The sessions that were said to be ended, and where their members were."""
    return [
        (event.session, event.flow, event.at, event.by, event.forced)
        for event in office.process.events
        if isinstance(event, SessionEnded)
    ]
