"""The USSD gateways there are, by slug: the name in `/ussd/{gateway}` and in `KIKAO_USSD_{GATEWAY}_TOKEN`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kikao.channels.channel import Gateway
from kikao.channels.ussd.africastalking import AfricasTalking
from kikao.channels.ussd.gateway import UssdGateway
from kikao.channels.ussd.nalo import Nalo
from kikao.channels.ussd.pages import Budget
from kikao.config import UssdSettings

_KINDS: Final[dict[str, type[UssdGateway]]] = {kind.slug: kind for kind in (AfricasTalking, Nalo)}

SLUGS: Final = tuple(_KINDS)

_DEFAULTS: Final = UssdSettings()


def gateways(settings: Mapping[str, UssdSettings] = {}) -> dict[str, Gateway]:
    """One gateway of each kind, by slug, each with its settings."""
    return {slug: gateway(slug, settings.get(slug, _DEFAULTS)) for slug in SLUGS}


def gateway(slug: str, settings: UssdSettings = _DEFAULTS) -> UssdGateway:
    """The gateway of a slug. Raises `LookupError` that lists every one there is."""
    kind = _KINDS.get(slug)
    if kind is None:
        raise LookupError(f"ussd: there is no gateway {slug!r}. There are: {', '.join(SLUGS)}.")
    return kind(budget=Budget(septets=settings.septets), codes=settings.codes)
