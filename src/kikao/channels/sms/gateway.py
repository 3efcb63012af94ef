"""The SMS accounts of the settings, and where what comes to them arrives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from kikao.channels.chat.gateway import ChatGateway, Entrance
from kikao.channels.sms.africastalking import SLUG as AFRICASTALKING
from kikao.channels.sms.africastalking import AfricasTalking, Callbacks
from kikao.channels.sms.smpp import SLUG as SMPP
from kikao.channels.sms.smpp import SmppSms
from kikao.channels.sms.texting import SmsGateway
from kikao.config import Settings, SettingsError
from kikao.config.settings import SmsSettings

MADE: Final[Mapping[str, Callable[[SmsSettings], SmsGateway]]] = {
    AFRICASTALKING: AfricasTalking,
    SMPP: SmppSms,
}
"""By what they are called in the settings."""


def gateways(settings: Settings) -> list[ChatGateway]:
    """One for each account. Raises `SettingsError` for one that nobody knows."""
    found: list[ChatGateway] = []
    for slug, own in settings.sms.items():
        if slug not in MADE:
            there = ", ".join(MADE)
            raise SettingsError([f"KIKAO_SMS_{slug.upper()}_…: no such SMS gateway. There are: {there}"])
        found.append(MADE[slug](own))
    return found


def entrances(settings: Settings, gateways: Sequence[ChatGateway]) -> dict[str, Entrance]:
    """`/sms/{gateway}` of each account that is called."""
    return {
        f"/sms/{gateway.slug}": Callbacks(settings, gateway)
        for gateway in gateways
        if isinstance(gateway, AfricasTalking)
    }
