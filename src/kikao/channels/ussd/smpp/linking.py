"""The link of an app's settings. What speaks SMPP is imported only where there is one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Final

from kikao.channels.calling import Make
from kikao.channels.channel import Gateway, Response
from kikao.channels.inbound import Inbound
from kikao.channels.outbox import Destination
from kikao.channels.ussd.gateway import UssdGateway
from kikao.channels.ussd.notices import NOTICES, UssdNotices
from kikao.channels.ussd.registry import gateway
from kikao.config import Settings, SettingsError
from kikao.events import Publish
from kikao.sessions.keeper import Sessions
from kikao.sessions.outgoing import SHARDS

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from kikao.channels.ussd.smpp.link import Link

SLUG: Final = "smpp"


def linked(
    settings: Settings,
    handle: Callable[[Inbound, Gateway], Awaitable[Response]],
    publish: Publish,
    *,
    clock: Callable[[], float],
    shards: Callable[[], Collection[int]],
    wake: Callable[[], None],
) -> Link | None:
    """None where the settings have none. `wake` is called when screens can go.

    A process is bound while it looks after one of the shards that a bind belongs to: as many processes as the account
    may have binds, and no more. Raises `SettingsError` where aiosmpplib is not installed.
    """
    if SLUG not in settings.ussd:
        return None
    try:
        from kikao.channels.ussd.gateways.smpp import Smpp
        from kikao.channels.ussd.smpp.link import Link
    except ImportError as error:
        raise SettingsError(
            [
                f"KIKAO_USSD_SMPP_HOST: USSD over SMPP needs {error.name}, which is not installed. "
                "Run beside a checkout of kikao: pip install './kikao[smpp]'"
            ]
        ) from None
    found = gateway(SLUG, settings.ussd[SLUG])
    assert isinstance(found, Smpp)
    binding = binders(found.account.binds)
    return Link(
        found,
        lambda inbound: handle(inbound, found),
        publish,
        wanted=lambda: not binding.isdisjoint(shards()),
        when_bound=wake,
        clock=clock,
    )


def binders(binds: int) -> frozenset[int]:
    """The shards whose owners are bound: so many, as far from each other as can be."""
    return frozenset(each * SHARDS // binds for each in range(binds))


def destinations(
    link: Link | None, beside: Callable[[UssdGateway, Make], Make] | None = None
) -> Mapping[str, Destination]:
    """Where its screens go, by full name; `beside` takes those of simulated phones."""
    return {} if link is None else {f"ussd/{SLUG}": link.destination(beside)}


def noticing(link: Link | None, sessions: Sessions, posted: Callable[[bytes], None]) -> UssdNotices:
    """What sends notices; `posted` hears of the lanes in which they wait."""
    there = {} if link is None else {SLUG: link.gateway}
    return UssdNotices(there, sessions.store, lambda: sessions.ring, clock=sessions.clock, posted=posted)


def notices(link: Link | None) -> Mapping[str, Destination]:
    """Where its notices go, by full name."""
    return {} if link is None else {f"{NOTICES}{SLUG}": link.notices()}
