"""Lanes of which only the newest message is of use: what failed, or waited, gives way to what stands behind it."""

from __future__ import annotations

from kikao.channels.outbox import Delivered, Dispatcher, Outcome, Rejected, TryLater
from kikao.events import MessageDead
from kikao.sessions.outgoing import shard
from kikao.sessions.posting import GOOD_FOR
from tests.channels.outbox.office import SHOP, Office, Post, newest


async def test_one_that_failed_is_dead_as_soon_as_another_stands_behind_it() -> None:
    outcomes: list[Outcome] = [TryLater("HTTP 503"), Delivered()]
    post = Post(lambda _: outcomes.pop(0))
    office = Office(crm=newest(post))
    await office.post(b"one")
    assert await office.dispatcher.once() == 1
    await office.post(b"two")
    assert await office.dispatcher.once() == 0, "within a second at most"
    office.clock.advance(1.0)
    assert await office.dispatcher.once() == 2
    assert post.bodies == [b"one", b"two"]
    assert await office.states() == ["dead", "sent"]
    assert [event.reason for event in office.told(MessageDead)] == ["superseded"]  # type: ignore[attr-defined]


async def test_one_that_failed_does_not_hold_up_what_is_stored_behind_it_here() -> None:
    outcomes: list[Outcome] = [TryLater("HTTP 503"), Delivered()]
    post = Post(lambda _: outcomes.pop(0))
    office = Office(crm=newest(post))
    (message,) = await office.post(b"one")
    await office.dispatcher.once()
    office.dispatcher.stored(message.session)
    assert await office.dispatcher.once() == 0, "nothing newer is there"
    office.clock.advance(0.3)
    outcomes.insert(0, TryLater("HTTP 503"))
    await office.dispatcher.once()
    await office.post(b"two")
    office.dispatcher.stored(message.session)
    assert await office.dispatcher.once() == 1
    assert (post.bodies, await office.states()) == ([b"one", b"one", b"two"], ["dead", "sent"])
    assert [event.reason for event in office.told(MessageDead)] == ["superseded"]  # type: ignore[attr-defined]


async def test_one_that_failed_and_was_taken_by_another_process_is_left_to_it() -> None:
    outcomes: list[Outcome] = [TryLater("HTTP 503"), Delivered(), Delivered()]
    post = Post(lambda _: outcomes.pop(0))
    office = Office(crm=newest(post))
    (message,) = await office.post(b"one")
    await office.dispatcher.once()
    office.clock.advance(0.3)
    await office.another().once()
    await office.post(b"two")
    office.dispatcher.stored(message.session)
    await office.dispatcher.once()
    assert (post.bodies, await office.states()) == ([b"one", b"one", b"two"], ["sent", "sent"])


async def test_one_that_fails_while_another_stands_behind_it_is_not_tried_again() -> None:
    outcomes: list[Outcome] = [TryLater("HTTP 503"), Delivered()]
    post = Post(lambda _: outcomes.pop(0))
    office = Office(crm=newest(post))
    await office.post(b"one", b"two")
    assert await office.dispatcher.once() == 2
    assert (post.bodies, await office.states()) == ([b"one", b"two"], ["dead", "sent"])


async def test_one_that_waited_gives_way_and_one_of_another_lane_does_not() -> None:
    post = Post()
    office = Office(crm=newest(post), shop=newest(post))
    await office.post(b"one")
    await office.post(b"of another place", to=SHOP)
    await office.post(b"of another session", session=b"another")
    office.clock.advance(1.0)
    await office.post(b"two")
    await office.dispatcher.once()
    assert sorted(post.bodies) == [b"of another place", b"of another session", b"two"]


async def test_one_whose_next_try_would_be_too_late_is_dead_at_once() -> None:
    office = Office(crm=newest(Post(lambda _: TryLater("HTTP 503"))))
    await office.post(b"one")
    office.clock.advance(GOOD_FOR - 0.1)
    await office.dispatcher.once()
    assert [event.reason for event in office.told(MessageDead)] == ["expired; the last: HTTP 503"]  # type: ignore[attr-defined]


async def test_a_destination_says_for_how_long_messages_are_kept() -> None:
    outcomes: list[Outcome] = [Delivered(), Rejected("HTTP 400")]
    office = Office(crm=newest(Post(lambda _: outcomes.pop(0))))
    await office.post(b"one", b"two")
    await office.dispatcher.once()
    now = office.clock()
    kept = {message.state: message.expires_at async for message in office.store.messages()}
    assert kept == {"sent": now, "dead": now + 60.0}


async def test_who_is_woken_for_a_shard_looks_there_also_when_it_is_another_ones() -> None:
    post = Post()
    office = Office(crm=newest(post))
    idle = Dispatcher(office.sessions, office.destinations, office.events.append, shards=frozenset)
    (message, *_) = await office.post(b"one", b"two")
    assert await idle.once() == 0
    idle.wake(shard(message.session))
    assert await idle.once() == 2, "and what follows in the lane"
    assert post.bodies == [b"one", b"two"]
    await office.post(b"three")
    assert await idle.once() == 0
