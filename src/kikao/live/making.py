"""A hub, from an app's declaration and its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kikao.bus import BusRefused, Fanout
from kikao.channels.socket.tokens import Tokens
from kikao.config import MEMORY, Settings, SettingsError
from kikao.events import Publish
from kikao.live.hub import Hub
from kikao.live.live import Live
from kikao.live.stores.making import make_live_store
from kikao.live.stores.memory import MemoryLive
from kikao.live.users import MemberUsers, Users
from kikao.sessions.keeper import Sessions

if TYPE_CHECKING:
    from kikao.members.directory import Directory


NO_USERS: Final = (
    "the app has live channels and no members: say who its users are, for example Live(users=anyone)"
)


def make_hub(
    live: Live,
    settings: Settings,
    bus: Fanout,
    publish: Publish,
    members: Directory | None,
    sessions: Sessions,
    *,
    minted: Tokens | None = None,
) -> Hub:
    """What runs the live channels. Raises `SettingsError` where it cannot know its users, or their tokens.

    With tokens that are `minted` in this process, no others open anything, and nothing outlives it.
    """
    wall, trusted = sessions.clock, settings.trusted_proxies
    users: Users | None = live.users
    if users is None and members is not None:
        users = MemberUsers(members, enrols=live.enrols)
    if users is None:
        raise SettingsError([NO_USERS])
    ring = None if settings.bus == MEMORY else sessions.ring
    if minted is not None:
        life, own = settings.jwt.lifetime, MemoryLive()
        return Hub(live, users, minted, life, own, bus, publish, wall=wall, ring=ring, trusted=trusted)
    try:
        tokens = Tokens.of(settings, clock=sessions.clock)
    except ValueError as error:
        raise SettingsError([str(error)]) from None
    if tokens is None:
        raise SettingsError(
            ["KIKAO_JWT_KEYS: missing, though the app has live sessions, which are opened with tokens"]
        )
    try:
        store = make_live_store(settings, sessions.ring, wall=sessions.clock)
    except BusRefused as error:
        raise SettingsError([str(error)]) from error
    lifetime = settings.jwt.lifetime + 2 * settings.jwt.leeway
    return Hub(live, users, tokens, lifetime, store, bus, publish, wall=wall, ring=ring, trusted=trusted)
