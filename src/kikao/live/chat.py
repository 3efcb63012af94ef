"""The channel `chat`: a user's conversation, the same on all of their devices.

    say, tap, secret, open, place, file    what the user does; see `kikao.channels.socket.said`
    show                                   an address for something that a message shows
    message                                what is said to them, with `seq`, kept for who was away

A reply without a reason means that it is done or kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kikao.channels.socket.protocol import EMPTY
from kikao.channels.socket.said import Enter, Open, Piece, Said, Say, Show, Tap, Where
from kikao.live.channel import Channel
from kikao.live.conversing import GONE, Conversing, Upload
from kikao.live.news import Broadcast
from kikao.live.replies import Refused
from kikao.live.routes import CHAT, OWN, Kept, Route

if TYPE_CHECKING:
    from kikao.live.hub import Hub

KEEPS: Final = Kept(messages=300, seconds=86400.0)
"""What is said is kept so long for who is away. Where the conversation is, is never forgotten with it."""

UPLOAD: Final = "upload"

FORGOTTEN: Final = "forgotten"
"""The event that is in a stream in place of all that was: its user was erased."""


def chat_route(conversing: Conversing) -> Route:
    """The channel, of one process at work."""
    route = Route(CHAT, keeps=KEEPS, own=True)
    on = _Events(conversing)
    route.join(on.join)
    for event in ("say", "tap", "secret", "open", "place", "file", "show"):
        route.on(event)(getattr(on, event))
    route.leave(on.leave)
    return route


async def forget(hub: Hub, user_id: str) -> None:
    """Nothing that was said to a user is kept any more, and their session ends. Raises `LiveAway`."""
    name = f"{CHAT}{OWN}{user_id}"
    at = await hub.streams.append(name, FORGOTTEN, EMPTY, Kept(messages=1, seconds=1.0))
    hub.streams.arrived(name, FORGOTTEN, EMPTY, at)
    hub.wire.tell(Broadcast(name, FORGOTTEN, EMPTY.encode(), at=at))
    await hub.stop_session(user_id)


class _Events:
    """What each event comes to. Who raises `Refused` says why it was not taken."""

    def __init__(self, conversing: Conversing) -> None:
        self._conversing = conversing

    async def join(self, channel: Channel, payload: dict[str, Any]) -> dict[str, Any]:
        return self._conversing.greeting(channel.user.locale)

    async def say(self, channel: Channel, said: Say) -> None:
        await self._hear(channel, said)

    async def tap(self, channel: Channel, said: Tap) -> None:
        await self._hear(channel, said)

    async def secret(self, channel: Channel, said: Enter) -> None:
        await self._hear(channel, said)

    async def open(self, channel: Channel, said: Open) -> None:
        await self._hear(channel, said)

    async def place(self, channel: Channel, said: Where) -> None:
        await self._hear(channel, said)

    async def file(self, channel: Channel, piece: Piece) -> None:
        upload: Upload = channel.state.setdefault(UPLOAD, Upload())
        user = channel.user
        _taken(await self._conversing.piece(user.id, user.locale, piece, upload))

    async def show(self, channel: Channel, wanted: Show) -> dict[str, Any]:
        found = self._conversing.show(channel.user.id, wanted.ref)
        if found is None:
            raise Refused(GONE)
        return found

    async def leave(self, channel: Channel, reason: str) -> None:
        upload: Upload | None = channel.state.get(UPLOAD)
        if upload is not None:
            await upload.drop()

    async def _hear(self, channel: Channel, said: Said) -> None:
        user = channel.user
        _taken(await self._conversing.hear(user.id, user.locale, said))


def _taken(reason: str) -> None:
    if reason:
        raise Refused(reason)
