"""What operators can ask of a running server: of sessions, of messages to send, and of members."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from kikao.channels.chat.message import legible
from kikao.control import Commands
from kikao.emptying import empty_messages
from kikao.i18n import Catalogs
from kikao.members import MemberAddress
from kikao.sessions.keeper import Sessions
from kikao.sessions.operating import Operator
from kikao.sessions.outbox_operating import OutboxOperator
from kikao.sessions.store import StoreUnavailable
from kikao.sessions.working import Services

if TYPE_CHECKING:
    from kikao.channels.media.store import FileStore
    from kikao.events import Bus
    from kikao.members.directory import Directory


class Forgets(Protocol):
    """An app, as far as operators are concerned."""

    catalogs: Catalogs

    async def forget(self, services: Services, msisdns: tuple[str, ...]) -> None:
        """Erase what the app's services keep about these MSISDNs."""
        ...


def operated(
    app: Forgets,
    entry: str,
    sessions: Sessions,
    publish: Bus,
    members: Directory | None,
    services: Services,
    files: FileStore | None,
) -> Commands:
    """The commands of a server. Members can be erased where there is a directory of them."""
    commands = Commands()
    Operator(sessions, publish, flow=entry).offer(commands)
    OutboxOperator(sessions, legible).offer(commands)
    if members is not None:
        from kikao.members.operating import MemberOperator

        english = app.catalogs.translate("en")
        forget = functools.partial(app.forget, services)
        files_of = None if files is None else files.forget
        MemberOperator(members, sessions, forget, english, files_of, _emptying(services)).offer(commands)
    return commands


def _emptying(services: Services) -> Callable[[Sessions, tuple[MemberAddress, ...]], Awaitable[None]]:
    """Takes what was said out of messages and web chats, and the notifications of users."""

    async def empty(sessions: Sessions, addresses: tuple[MemberAddress, ...]) -> None:
        from kikao.live.chat import forget
        from kikao.live.hub import Hub
        from kikao.live.stores.store import LiveAway
        from kikao.notices.inbox import Inbox

        await empty_messages(sessions, addresses)
        inbox: Inbox | None = services.get(Inbox)
        hub: Hub | None = services.get(Hub)
        for user in (each.identity for each in addresses if each.kind == "user"):
            if inbox is not None:
                await inbox.erase(user)
            if hub is not None:
                try:
                    await forget(hub, user)
                except LiveAway:
                    raise StoreUnavailable from None

    return empty
