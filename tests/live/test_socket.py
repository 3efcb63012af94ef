"""What a socket sends, where its server takes messages at once: in order, and in as few pieces as may be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kikao.channels.socket.reasons import Reason
from kikao.live import Channel, Live, LiveLimits
from kikao.live.socket import GATHERED, Socket
from tests.live.hubs import AtWork, at_work
from tests.live.inside import InsideSocket
from tests.waiting import until

pytestmark = pytest.mark.virtual_time


class _Taken:
    """What a server took, piece by piece; while it is `full` it takes nothing at once."""

    def __init__(self) -> None:
        self.pieces: list[list[Any]] = []
        self.full = False

    def __call__(self, *messages: str) -> bool:
        if not self.full:
            self.pieces.append([json.loads(message) for message in messages])
        return not self.full

    def events(self) -> list[list[str]]:
        return [[frame[3] for frame in piece] for piece in self.pieces]


def an_app(**limits: Any) -> Live:
    live = Live(limits=LiveLimits(**limits))

    @live.channel("room:{name}", presence=True)
    async def room(channel: Channel, params: dict[str, Any]) -> None:
        await channel.push("early")
        await channel.track()

    @live.channel("many:{name}")
    async def many(channel: Channel, params: dict[str, Any]) -> None:
        for n in range(GATHERED + 3):
            await channel.push("one", {"n": n})

    return live


async def opened(work: AtWork) -> tuple[InsideSocket, _Taken]:
    socket, taken = work.socket(), _Taken()
    socket.writes(taken)
    assert await socket.open() == 101
    return socket, taken


async def test_what_a_join_says_goes_out_in_one_piece() -> None:
    async with at_work(an_app()) as work:
        socket, taken = await opened(work)
        await socket.say("1", "1", "room:a", "phx_join", {})
        await until(lambda: taken.pieces, "a piece")
        assert taken.events() == [["phx_reply", "early", "presence_diff", "presence_state"]]
        await socket.say(None, "2", "phoenix", "heartbeat", {})
        await until(lambda: len(taken.pieces) == 2, "another")
        assert taken.events()[1] == ["phx_reply"]


async def test_a_piece_has_an_end() -> None:
    async with at_work(an_app()) as work:
        socket, taken = await opened(work)
        await socket.say("1", "1", "many:a", "phx_join", {})
        await until(lambda: len(taken.pieces) > 1, "the rest")
        assert len(taken.pieces[0]) == GATHERED
        said = [frame for piece in taken.pieces for frame in piece]
        assert [frame[4]["n"] for frame in said[1:]] == list(range(GATHERED + 3))


async def test_what_finds_no_room_waits_its_turn_as_any_message() -> None:
    async with at_work(an_app()) as work:
        socket, taken = await opened(work)
        taken.full = True
        await socket.say("1", "1", "room:a", "phx_join", {})
        events = [(await socket.frame())[3] for _ in range(4)]
        assert events == ["phx_reply", "early", "presence_diff", "presence_state"]
        assert not taken.pieces


async def test_what_was_gathered_goes_out_before_the_close() -> None:
    async with at_work(an_app()) as work:
        socket, taken = await opened(work)
        (own,) = work.hub.sockets.values()
        assert isinstance(own, Socket)
        own.gather()
        own.write('[null,null,"a","last",{}]')
        own.close(Reason.STOPPED)
        assert await socket.frame() is None
        assert taken.events() == [["last", "session_ended"]]
