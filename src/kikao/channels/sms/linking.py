"""The connection of an SMS account. What speaks SMPP is imported only where there is one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING

from kikao.channels.channel import Response
from kikao.channels.chat.gateway import ChatGateway, Received
from kikao.channels.outbox import Destination
from kikao.channels.ussd.smpp.linking import binders
from kikao.config import SettingsError
from kikao.events import Publish

if TYPE_CHECKING:
    from kikao.channels.sms.smpp_link import SmsLink


def linked(
    lines: Mapping[str, ChatGateway],
    take: Callable[[Received], Awaitable[Response]],
    publish: Publish,
    *,
    clock: Callable[[], float],
    shards: Callable[[], Collection[int]],
    wake: Callable[[], None],
) -> SmsLink | None:
    """None where the settings have none. `wake` is called when messages can go.

    A process is bound while it looks after one of the shards that a bind belongs to, as for USSD. Raises
    `SettingsError` where aiosmpplib is not installed.
    """
    found = next((each for each in lines.values() if each.channel == "sms" and each.connects), None)
    if found is None:
        return None
    try:
        from kikao.channels.sms.smpp import SmppSms
        from kikao.channels.sms.smpp_link import SmsLink
    except ImportError as error:
        raise SettingsError(
            [
                f"KIKAO_SMS_SMPP_HOST: SMS over SMPP needs {error.name}, which is not installed. "
                "Run beside a checkout of kikao: pip install './kikao[smpp]'"
            ]
        ) from None
    assert isinstance(found, SmppSms)
    binding = binders(found.account.binds)
    return SmsLink(
        found,
        take,
        publish,
        clock=clock,
        wanted=lambda: not binding.isdisjoint(shards()),
        when_bound=wake,
    )


def destinations(link: SmsLink | None) -> dict[str, Destination]:
    """Where its messages go, by the name of its line."""
    return {} if link is None else {link.gateway.line: link.destination()}
