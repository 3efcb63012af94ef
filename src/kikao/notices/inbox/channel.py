"""The channel on which the devices of a user hear of their notifications: `notices:{user_id}`.

What is pending is told in the reply to the join, and the rest as it happens. A device that keeps what it knows by `id`,
and the counts with the highest `version`, has what the records have: whatever it hears twice is the same.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final, TypeVar

import msgspec

from kikao.live import Channel, Kept, Live, Refused, Route
from kikao.notices.inbox.inbox import Inbox
from kikao.notices.inbox.line import TOPIC
from kikao.notices.inbox.notification import Page, told
from kikao.records import CommitUnknown, RecordsAway

KEPT: Final = Kept(messages=40, seconds=600)
"""For a device that was away for a moment. With what is pending, it fits into what may wait for one socket."""

T = TypeVar("T")


class Enter(msgspec.Struct):
    """What a device sends as it joins."""

    limit: int = 50
    """Pending ones in the reply, at most; 1 to 200."""


class Reads(msgspec.Struct):
    """What was read: these, or all, or all up to the newest that was shown; of some kinds."""

    ids: list[str] | None = None
    all: bool = False
    kinds: list[str] | None = None
    until: str | None = None


class Wants(msgspec.Struct):
    """Kinds that the user wants, or does not want any more."""

    kinds: list[str]


class Lists(msgspec.Struct):
    """Which to show: those older than the one with the id `before`."""

    before: str | None = None
    limit: int = 50
    kinds: list[str] | None = None
    unread: bool = False


def offer(live: Live) -> Route:
    """Add the channel to an app's live sessions. Raises `ValueError` where the topic is taken.

    The app needs `App(notifications=Notifications(…))`.
    """
    route = live.channel(TOPIC, keeps=KEPT)
    route.join(join)
    route.on("read")(read)
    route.on("list")(list_)
    route.on("subscribe")(subscribe)
    route.on("unsubscribe")(unsubscribe)
    return route


async def join(channel: Channel, params: Enter) -> dict[str, Any]:
    """What is pending, the newest first, how many are unread, and which kinds the user gets."""
    inbox, user = channel.service(Inbox), channel.user.id
    page = await _asked(inbox.page(user, limit=params.limit, unread=True))
    kinds = await _asked(inbox.kinds(user))
    return {"pending": _shown(page), "more": page.more, "unread": page.unread.told, "kinds": kinds}


async def read(channel: Channel, payload: Reads) -> dict[str, Any]:
    """Mark as read; what is unread then."""
    if payload.ids is None and payload.until is None and not payload.all and payload.kinds is None:
        raise Refused("invalid payload", detail="which were read? Send ids, until, kinds or all")
    inbox = channel.service(Inbox)
    marking = inbox.mark_read(channel.user.id, payload.ids, kinds=payload.kinds, until=payload.until)
    return (await _asked(marking)).told


async def list_(channel: Channel, payload: Lists) -> dict[str, Any]:
    """Some of the user's notifications, the newest first, and how many are unread."""
    inbox = channel.service(Inbox)
    page = await _asked(
        inbox.page(
            channel.user.id,
            kinds=payload.kinds,
            before=payload.before,
            limit=payload.limit,
            unread=payload.unread,
        )
    )
    return {"notices": _shown(page), "more": page.more, "unread": page.unread.told}


async def subscribe(channel: Channel, payload: Wants) -> dict[str, Any]:
    """Get these kinds again; which kinds the user gets then."""
    return {"kinds": await _asked(channel.service(Inbox).subscribe(channel.user.id, payload.kinds))}


async def unsubscribe(channel: Channel, payload: Wants) -> dict[str, Any]:
    """Get nothing of these kinds any more; which kinds the user gets then."""
    return {"kinds": await _asked(channel.service(Inbox).unsubscribe(channel.user.id, payload.kinds))}


async def _asked(asking: Awaitable[T]) -> T:
    """What the inbox answers. Raises `Refused` where it does not, or was asked for what there is not."""
    try:
        return await asking
    except (RecordsAway, CommitUnknown):
        raise Refused("unavailable") from None
    except ValueError as error:
        raise Refused("invalid payload", detail=str(error)) from None


def _shown(page: Page) -> list[dict[str, Any]]:
    return [told(one) for one in page.notifications]
