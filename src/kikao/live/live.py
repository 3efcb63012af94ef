"""The declaration of an app's live channels: plain functions on topic patterns.

live = Live(users=anyone)

@live.channel("room:{name}")
async def room(channel: Channel, params: Enter) -> dict | None:
    await channel.track({"device": params.device})

@room.on("shout")
async def shout(channel: Channel, payload: dict) -> None:
    await channel.broadcast("shout", payload)

app = App(flows, entry="menu", live=live)
"""

from __future__ import annotations

import re
from typing import Final

from kikao.live.limits import LiveLimits
from kikao.live.presence.fetching import Fetch
from kikao.live.routes import CHAT, Allow, Kept, Route, Routes
from kikao.live.users import Users

MOUNT: Final = "/socket"


class Live:
    """Channels of an app, for the official `phoenix` client.

    `users` loads who a token names. Without it the members directory does: who is not in it is refused, unless the app
    `enrols` whoever shows a token. `path` is what clients are given: `/websocket` and `/longpoll` are below it.
    `user_topic` is where `to_user` reaches somebody. Raises `ValueError`.
    """

    def __init__(
        self,
        *,
        users: Users | None = None,
        enrols: bool = False,
        path: str = MOUNT,
        limits: LiveLimits | None = None,
        user_topic: str = "user:{user_id}",
    ) -> None:
        if not _PATH(path):
            raise ValueError(f"Live: {path[:60]!r} is no path: write /socket")
        if user_topic.count("{user_id}") != 1:
            raise ValueError("Live: user_topic must have {user_id} in it, once")
        if users is not None and enrols:
            raise ValueError("Live: enrols is for the members directory, which users stands in place of")
        self.users = users
        self.enrols = enrols
        self.path = path
        self.limits = limits or LiveLimits()
        self.user_topic = user_topic
        self.routes = Routes()

    def channel(
        self,
        pattern: str,
        *,
        allow: Allow | None = None,
        keeps: Kept | None = None,
        presence: bool = False,
        fetch: Fetch | None = None,
    ) -> Route:
        """The topics of a pattern; see `Route`. A variable stands for one or more characters other than `:`.

        A pattern with `{user_id}` lets in that user alone. `allow` says who may besides; `Refused` in the join counts
        as well. With `keeps`, what is broadcast there can be had again by who was away. With `presence` who joins gets
        `presence_state`, and channels may `track`; `fetch` adds to what is shown of who is present. Raises `ValueError`
        for a pattern that is none, or taken.
        """
        if pattern == CHAT:
            raise ValueError(f"live: {CHAT} is the web chat of the app's flows: name the channel otherwise")
        return self.routes.add(Route(pattern, allow=allow, keeps=keeps, presence=presence, fetch=fetch))


_PATH = re.compile(r"(/[A-Za-z0-9_.-]+)+").fullmatch
