"""Who is in a topic on one process, and in what order they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

from kikao.channels.socket.protocol import Frame
from kikao.live.routes import Route
from kikao.live.topics import AT_ONCE, Topics


class Listener:
    """A channel that writes down what it hears."""

    def __init__(self, heard: list[Frame], socket: str = "s1", name: str = "room:1") -> None:
        self.name = self.topic = name
        self.route = Route(name)
        self.socket: Any = SimpleNamespace(id=socket)
        self._heard = heard

    def say(self, frame: Frame, seq: int = 0) -> None:
        self._heard.append(frame)

    def lose(self) -> None:
        raise AssertionError("nothing is lost")


def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work)


async def test_the_first_and_the_last_of_a_topic_are_told_from_others() -> None:
    topics, heard = Topics(spawn), list[Frame]()
    one, other = Listener(heard), Listener(heard, "s2")
    assert topics.enter(one)
    assert not topics.enter(other)
    assert topics.counts() == {"room:1": 2}
    assert topics.of("room:1") == [one, other]
    topics.tell("room:1", "to the other", but="s1")
    topics.tell("room:2", "to nobody")
    assert heard == ["to the other"]
    assert not topics.leave(one)
    assert not topics.leave(one), "it is out already"
    assert topics.leave(other)
    assert "room:1" not in topics


async def test_what_is_told_to_a_large_crowd_is_in_order_for_each_and_lets_others_run() -> None:
    ran, tasks = False, list[asyncio.Task[None]]()

    def spawned(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        tasks.append(spawn(work))
        return tasks[-1]

    topics = Topics(spawned)
    heard = [list[Frame]() for _ in range(AT_ONCE + 1)]
    crowd = [Listener(each, f"s{n}") for n, each in enumerate(heard)]
    for each in crowd:
        topics.enter(each)
    topics.tell("room:1", "first", but="s0")
    for each in crowd[2:]:
        topics.leave(each)
    topics.tell("room:1", "second")  # few are left, but it comes behind the first

    def run() -> None:
        nonlocal ran
        ran = heard[AT_ONCE] == []

    asyncio.get_running_loop().call_soon(run)
    await tasks[0]
    assert heard[0] == ["second"]
    assert heard[1] == ["first", "second"]
    assert heard[AT_ONCE] == ["first"]
    assert ran, "in between"
