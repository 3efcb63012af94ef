"""The SMS accounts of the settings, and where what comes to them arrives."""

from __future__ import annotations

from collections.abc import Sequence

from kikao.channels.chat.gateway import ChatGateway, Entrance
from kikao.channels.sms.africastalking import SLUG as AFRICASTALKING
from kikao.channels.sms.africastalking import AfricasTalking, Callbacks
from kikao.config import Settings, SettingsError


def gateways(settings: Settings) -> list[ChatGateway]:
    """One for each account. Raises `SettingsError` for one that nobody knows."""
    found: list[ChatGateway] = []
    for slug, own in settings.sms.items():
        if slug == AFRICASTALKING:
            found.append(AfricasTalking(own))
        else:
            raise SettingsError(
                [f"KIKAO_SMS_{slug.upper()}_…: no such SMS gateway. There is: {AFRICASTALKING}"]
            )
    return found


def entrances(settings: Settings, gateways: Sequence[ChatGateway]) -> dict[str, Entrance]:
    """`/sms/{gateway}` of each account that is called."""
    return {
        f"/sms/{gateway.slug}": Callbacks(settings, gateway)
        for gateway in gateways
        if isinstance(gateway, AfricasTalking)
    }
